"""A result as a page: one file that needs no other, and the fragment that a notebook shows."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from simulator.report.answers import answers
from simulator.report.column_words import meanings_of
from simulator.report.layer_table import columns_of
from simulator.report.quantities import printable
from simulator.report.summary import MARKS, heading, remarks, totals
from simulator.results import RunResult

CAPTIONS = {
    "latency": "Cycles of each layer by what they were spent on",
    "energy": "Energy of each layer by component",
    "roofline": "Roofline: a dot a layer, under the roofs of array and DRAM, and below of the array's edge",
    "pe_use": "Use of the array: the share of each layer's cycles in which each PE does useful work",
    "pe_cycles": "PE-cycles of every layer, by cause",
    "pe_load": "Load of each PE over its layer's mean",
    "bandwidth": "DRAM bandwidth, and what the buffers held, over the run",
    "gantt": "Who works when: tiles of the layer that waited most, on every resource",
}
NO_TIMELINE = (
    "Bandwidth over time and the tile Gantt need the run's timeline, which result files do not keep: "
    "`simulator run ... --html` draws them."
)


@dataclass(frozen=True)
class Background:
    """What a page shows beside the result: where it came from.

    Attributes
    ----------
    provenance : sequence of (str, str)
        Name and value: the command, hashes of the input.
    numbers : sequence of (str, str, str)
        Field, value and source of every number of the accelerator.
    """

    provenance: Sequence[tuple[str, str]] = ()
    numbers: Sequence[tuple[str, str, str]] = ()


@cache
def template(name: str) -> Template:
    """Return a page or fragment of this package."""
    loader = PackageLoader("simulator.report", ".")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True).get_template(name)


def part_of_page(name: str) -> Markup:
    """Return a file of this package that goes into a page as it is: style or script."""
    return Markup(files("simulator.report").joinpath(name).read_text(encoding="utf-8"))  # noqa: S704 - our own file


def html_page(results: Sequence[RunResult], background: Background | None = None) -> str:
    """Return a self-contained page: answers in words, totals, plots, a table that sorts and filters, prices, sources.

    Parameters
    ----------
    results : sequence of RunResult
        A section each.
    background : Background, optional
        Where the results came from.
    """
    about = background or Background()
    sections = [_section(result) | _more(result, about, f"s{index}-") for index, result in enumerate(results, start=1)]
    return template("page.html.jinja").render(
        sections=sections,
        title="; ".join(f"{result.workload} on {result.accelerator}" for result in results),
        style=part_of_page("page.css"),
        script=part_of_page("page.js"),
    )


def html_fragment(result: RunResult) -> str:
    """Return totals and the table of layers, for a notebook's cell."""
    return template("fragment.html.jinja").render(section=_section(result))


def _section(result: RunResult) -> dict[str, Any]:
    return {
        "result": result,
        "heading": heading(result),
        "totals": totals(result),
        "columns": columns_of(result),
        "meanings": meanings_of([column.heading for column in columns_of(result)]),
        "rows": [[column.cell(layer, result) for column in columns_of(result)] for layer in result.layers],
        "remarks": remarks(result),
    }


def _more(result: RunResult, about: Background, prefix: str) -> dict[str, Any]:
    drawn_over_time = result.timeline is not None or result.total.cycles is None
    return {
        "answers": answers(result),
        "plots": _plots(result, prefix),
        "missing": "" if drawn_over_time else NO_TIMELINE,
        "assumptions": _assumptions(result, about),
        "provenance": _provenance(result, about),
    }


def _plots(result: RunResult, prefix: str) -> list[dict[str, Any]]:
    """Return each plot inline, with its caption and its numbers."""
    from simulator.report.inline_svg import inline_svg
    from simulator.report.plots import figure, figures_of, table_csv

    plots = []
    for kind in figures_of(result):
        label = escape(f"{CAPTIONS[kind]}, of {printable(result.workload)}: a picture of the numbers in its CSV")
        svg = inline_svg(figure(result, kind), f"{prefix}{kind}-", str(label))
        numbers = base64.b64encode(table_csv(result, kind).encode("utf-8")).decode("ascii")
        plots.append({"kind": kind, "caption": CAPTIONS[kind], "svg": Markup(svg), "csv": numbers})  # noqa: S704 - drawn here
    return plots


def _assumptions(result: RunResult, about: Background) -> list[tuple[str, list[tuple[str, ...]]]]:
    """Return tables of (title, rows with a heading first)."""
    prices = [("event", "price", "unit", "mark", "source")]
    prices += [
        (row["name"], f"{row['value']:.4g}", row["unit"], row["mark"], row["source"]) for row in result.energy_sources
    ]
    tables: list[tuple[str, list[tuple[str, ...]]]] = []
    if len(prices) > 1:
        tables.append((f"Prices: {result.energy_profile} ({MARKS})", list(prices)))
    if about.numbers:
        assumed = [row for row in about.numbers if row[2].startswith("assumed")]
        title = f"Every number of {result.accelerator}, {len(assumed)} of {len(about.numbers)} assumed"
        tables.append((title, [("field", "value", "source"), *about.numbers]))
    return tables


def _provenance(result: RunResult, about: Background) -> list[tuple[str, str]]:
    digest = hashlib.sha256(result.to_json().encode("utf-8")).hexdigest()
    return [
        ("simulator", result.simulator_version),
        ("form", result.schema),
        ("fidelity", result.fidelity),
        ("dataflow", f"{result.dataflow}, mapped for {result.objective}"),
        ("energy profile", result.energy_profile),
        ("sha256 of the result's JSON", digest),
        *((name, printable(value)) for name, value in about.provenance),
    ]
