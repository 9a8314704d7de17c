"""A figure as SVG inside a page: it takes the page's colours, so that it reads in light and in dark."""

import re

from matplotlib.figure import Figure

from simulator.report.plots import render

_THEMED = {
    "#000000": "currentColor",
    "#333333": "currentColor",
    "#555555": "var(--quiet)",
    "#999999": "var(--quiet)",
    "#dddddd": "var(--grid)",
}


FITS_POINTS = 900.0  # a wider figure is not shrunk until its words cannot be read: its place scrolls
PIXELS_A_POINT = 0.88  # three panels fit a window of 1280


def inline_svg(drawn: Figure, prefix: str, label: str) -> str:
    """Return ``drawn`` as an ``<svg>`` element.

    Parameters
    ----------
    drawn : Figure
    prefix : str
        Put before every id: several figures share a page.
    label : str
        Plain text read out instead of the picture; free of markup.
    """
    text = render(drawn, "svg", transparent=True).decode("utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>\s*", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    box = re.search(r'viewBox="\S+ \S+ (\S+) [^"]*"', text)
    wide = max(0.0, float(box.group(1)) if box else 0.0)
    style = f' style="min-width: {wide * PIXELS_A_POINT:.0f}px"' if wide > FITS_POINTS else ""
    about = f'xmlns:xlink="http://www.w3.org/1999/xlink" role="img" aria-label="{label}"{style}'
    head = f"<svg {box.group(0) if box else ''} {about}>"
    text = re.sub(r"<svg[^>]*>", lambda _: head, text, count=1)
    text = re.sub(r'\bid="', f'id="{prefix}', text)
    text = re.sub(r'href="#', f'href="#{prefix}', text)
    text = text.replace("url(#", f"url(#{prefix}")
    for color, themed in _THEMED.items():
        text = text.replace(f": {color}", f": {themed}")
    return text
