"""A result as a page: one file that needs no other, and the fragment that a notebook shows."""

import base64
from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from simulator.report.layer_table import columns_of
from simulator.report.summary import MARKS, heading, remarks, totals
from simulator.results import RunResult

CAPTIONS = {
    "latency": "Cycles of each layer by what they were spent on",
    "energy": "Energy of each layer by component",
    "roofline": "Roofline: a dot a layer",
    "pe_cycles": "PE-cycles of every layer, by cause",
    "pe_load": "Load of each PE over its layer's mean",
}


@cache
def _template(name: str) -> Template:
    loader = PackageLoader("simulator.report", ".")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True).get_template(name)


def html_page(results: Sequence[RunResult]) -> str:
    """Return a self-contained page: totals, plots, the table of layers, prices with sources, warnings.

    Parameters
    ----------
    results : sequence of RunResult
        A section each.
    """
    sections = [_section(result) | {"plots": _plots(result)} for result in results]
    return _template("page.html.jinja").render(sections=sections, marks=MARKS)


def html_fragment(result: RunResult) -> str:
    """Return totals and the table of layers, for a notebook's cell."""
    return _template("fragment.html.jinja").render(section=_section(result))


def _section(result: RunResult) -> dict[str, Any]:
    return {
        "result": result,
        "heading": heading(result),
        "totals": totals(result),
        "columns": columns_of(result),
        "rows": [[column.cell(layer, result) for column in columns_of(result)] for layer in result.layers],
        "remarks": remarks(result),
        "prices": result.energy_sources,
    }


def _plots(result: RunResult) -> list[tuple[str, str]]:
    """Return (caption, image as a data address): apart from each other, so that names inside cannot clash."""
    from simulator.report.plots import figure, figures_of, render

    images = []
    for kind in figures_of(result):
        picture = base64.b64encode(render(figure(result, kind), "svg")).decode("ascii")
        images.append((CAPTIONS[kind], f"data:image/svg+xml;base64,{picture}"))
    return images
