"""Results and tables on the screen."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from simulator.cli.screen import console, print_lines, print_pairs, print_table, width_of
from simulator.report.explanation import explain_layer
from simulator.report.layer_table import layer_table
from simulator.report.quantities import printable
from simulator.report.summary import heading, price_lines, remarks, totals
from simulator.results import RunResult
from simulator.workload import ImportRow


def show_result(result: RunResult, *, default_accelerator: bool = False, explain: str | None = None) -> None:
    """Print what was run, the table of layers, the totals, the prices and the warnings."""
    screen = console()
    print_pairs(screen, heading(result, default_accelerator=default_accelerator))
    table, hidden = layer_table(result, width_of(screen))
    print_table(screen, table)
    if any(layer.precision_assumed for layer in result.layers):
        print_lines(screen, ["* width assumed: see the warning"])
    if hidden:
        print_lines(screen, [f"columns left out at this width: {', '.join(hidden)} (widen, or see --csv)"])
    print_lines(screen, [""])
    print_pairs(screen, totals(result))
    if explain is not None:
        print_lines(screen, ["", *explain_layer(result, explain)])
    print_lines(screen, ["", *price_lines(result), *remarks(result)])


def import_table(rows: Sequence[ImportRow], name: str) -> None:
    """Print what became of each node of a model."""
    screen = console()
    if not rows:
        print_lines(screen, [f"{printable(name)}: no importer was needed, so there is no table of nodes"])
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in ("node", "operator", "fate", "detail"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(printable(text) for text in (row.node, row.operator, row.fate, row.detail)))
    print_table(screen, table)
    fates: dict[str, int] = {}
    for row in rows:
        fates[row.fate] = fates.get(row.fate, 0) + 1
    print_lines(screen, [f"{len(rows)} nodes: " + ", ".join(f"{number} {fate}" for fate, number in fates.items())])
