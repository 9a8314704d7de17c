"""The table of a run: one line a layer, as wide as its place allows; numbers are never cut."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.table import Table

from simulator.report.breakdown import (
    dram_bytes,
    issue_overhead_cycles,
    main_wait,
    waiting_cycles,
)
from simulator.report.fitted_table import TextColumn, fitted_table, shortened
from simulator.report.quantities import UNKNOWN, count, percent, printable, significant
from simulator.results import LayerResult, RunResult


@dataclass(frozen=True)
class Column:
    """A column: its heading with the unit, what a layer shows, and when it goes (the highest ``rank`` goes first)."""

    heading: str
    cell: Callable[[LayerResult, RunResult], str]
    rank: int
    left: bool = False


def _bits(layer: LayerResult) -> str:
    if not layer.weight_bits:
        return f"{layer.ifmap_bits}" if layer.ifmap_bits else UNKNOWN
    return f"{layer.weight_bits}/{layer.ifmap_bits}" + ("*" if layer.precision_assumed else "")


def _wait(layer: LayerResult) -> str:
    word, cycles = main_wait(layer)
    if not word or not layer.cycles:
        return ""
    return f"{word.partition(': ')[2]} {percent(cycles, layer.cycles, 0)} %"


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.3f}" if size_bytes >= 100_000 or not size_bytes else significant(size_bytes / 1e6)


COLUMNS = (
    Column("layer", lambda layer, _: printable(layer.name), 0, left=True),
    Column("op", lambda layer, _: printable(layer.op), 5, left=True),
    Column("flow", lambda layer, _: printable(layer.dataflow), 8, left=True),
    Column("W/A [bit]", lambda layer, _: _bits(layer), 4),
    Column("MACs [M]", lambda layer, _: significant(layer.macs / 1e6), 9),
    Column("cycles", lambda layer, _: count(layer.cycles), 0),
    Column("share [%]", lambda layer, run: percent(layer.cycles, run.total.cycles), 6),
    Column("util [%]", lambda layer, _: percent(layer.utilization) if layer.macs else UNKNOWN, 1),
    Column("useful [%]", lambda layer, _: percent(layer.issue_cycles.get("useful", 0), layer.cycles), 7),
    Column("fill etc. [%]", lambda layer, _: percent(issue_overhead_cycles(layer), layer.cycles), 7),
    Column("waiting [%]", lambda layer, _: percent(waiting_cycles(layer), layer.cycles), 3),
    Column("mainly for", lambda layer, _: _wait(layer), 2, left=True),
    Column("DRAM [MB]", lambda layer, _: _megabytes(dram_bytes(layer)), 1),
    Column("energy [\N{MICRO SIGN}J]", lambda layer, _: f"{layer.total_energy_pj / 1e6:,.3f}", 1),
)


def _of_scalesim(field: str) -> Callable[[LayerResult, RunResult], str]:
    def cell(layer: LayerResult, _: RunResult) -> str:
        value = (layer.compat_scalesim or {}).get(field)
        if not isinstance(value, int | float):
            return UNKNOWN
        return count(value) if isinstance(value, int) else f"{value:.2f}"

    return cell


SCALESIM_COLUMNS = (
    Column("SCALE-Sim cycles", _of_scalesim("total_cycles"), 2),
    Column("SCALE-Sim util [%]", _of_scalesim("overall_utilization_pct"), 4),
    Column("SCALE-Sim mapping eff. [%]", _of_scalesim("mapping_efficiency_pct"), 8),
)


def _of_bandwidth(layer: LayerResult, _: RunResult) -> str:
    if not layer.bandwidth_cycles or layer.cycles is None:
        return UNKNOWN
    return f"{layer.cycles / layer.bandwidth_cycles:.2f}"


def _row_hits(layer: LayerResult, _: RunResult) -> str:
    rate = layer.dram.get("row_hit_rate")
    return UNKNOWN if rate is None else f"{100 * rate:.1f}"


EVENT_COLUMNS = (
    Column("of bandwidth", _of_bandwidth, 5),
    Column("row hits [%]", _row_hits, 7),
)


SHORT = {"weight": "W", "ifmap": "in", "ofmap": "out", "residual": "res"}


def _formats(layer: LayerResult, _: RunResult) -> str:
    """Name each operand's format with its share of the raw bytes, or say that it was bypassed."""
    parts = []
    for operand, form in (layer.formats or {}).items():
        share = "raw!" if form["bypassed"] else percent(form["stored_bytes"], form["raw_bytes"], 0) + "%"
        parts.append(f"{SHORT.get(operand, operand)} {share}")
    return " ".join(parts) or UNKNOWN


FORMAT_COLUMNS = (Column("of raw bytes (raw!: bypassed)", _formats, 2, left=True),)


def columns_of(result: RunResult) -> tuple[Column, ...]:
    """Return the columns of a result's table: those of the DRAM and SCALE-Sim's own convention where there are any."""
    columns: tuple[Column, ...] = COLUMNS
    if any(layer.bandwidth_cycles is not None for layer in result.layers):
        columns += EVENT_COLUMNS
    if any(layer.formats for layer in result.layers):
        columns += FORMAT_COLUMNS
    return columns + SCALESIM_COLUMNS if any(layer.compat_scalesim for layer in result.layers) else columns


def layer_table(result: RunResult, width: int | None = None) -> tuple[Table, list[str]]:
    """Return the table, and the headings left out because ``width`` terminal columns do not hold them.

    Parameters
    ----------
    result : RunResult
    width : int, optional
        None shows everything.
    """
    columns = []
    for column in columns_of(result):
        cells = [column.cell(layer, result) for layer in result.layers]
        if width is not None and column.heading == "layer":
            cells = [shortened(name) for name in cells]
        columns.append(TextColumn(column.heading, cells, column.rank, column.left))
    return fitted_table(columns, width)
