"""Figures inside a page: one element, no ids that clash, and the page's own colours."""

import re
import xml.etree.ElementTree as ET

from simulator.report.inline_svg import inline_svg
from simulator.report.plots import figure
from tests.report.sample_results import layer, run


def drawn(kind="latency", prefix="a-"):
    return inline_svg(figure(run(), kind), prefix, "a &lt;picture&gt;")


def test_it_is_one_well_formed_element_with_a_label():
    text = drawn()
    assert text.lstrip().startswith("<svg")
    element = ET.fromstring(text)
    assert element.get("aria-label") == "a <picture>"
    assert element.get("role") == "img"
    assert element.get("viewBox")
    assert element.get("width") is None
    assert "<style" not in text
    assert "<metadata" not in text


def test_every_id_has_the_prefix_and_every_use_an_id():
    for kind in ("latency", "energy", "roofline"):
        text = drawn(kind, "p3-")
        ids = set(re.findall(r'\bid="([^"]*)"', text))
        used = set(re.findall(r'href="#([^"]*)"', text)) | set(re.findall(r"url\(#([^)]*)\)", text))
        assert ids
        assert all(each.startswith("p3-") for each in ids)
        assert used <= ids


def test_black_and_grey_follow_the_theme_and_the_ground_is_clear():
    text = drawn()
    assert "currentColor" in text
    assert "var(--grid)" in text
    assert not re.search(r"(fill|stroke): #(000000|ffffff|dddddd)", text)


def test_a_wide_figure_keeps_its_width_and_an_ordinary_one_fits():
    wide = inline_svg(figure(run(*(layer(f"l{i}") for i in range(130)))), "w-", "wide")
    assert 1200 < int(re.search(r"min-width: (\d+)px", wide).group(1)) < 3000
    assert "min-width" not in drawn()
