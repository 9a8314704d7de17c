"""Results beside each other: totals, and each layer's cycles and energy, as factors of the first."""

from collections.abc import Callable, Iterator, Sequence

from rich.table import Table

from simulator.report.breakdown import time_split, waiting_cycles
from simulator.report.fitted_table import TextColumn, fitted_table, shortened
from simulator.report.quantities import UNKNOWN, count, percent, printable, ratio, significant
from simulator.results import LayerResult, RunResult
from simulator.units import PJ_PER_J

Number = float | int | None

TOTALS: dict[str, Callable[[RunResult], Number]] = {
    "cycles": lambda run: run.total.cycles,
    "latency [ms]": lambda run: _scaled(run.total.latency_s, 1e3),
    "energy [mJ]": lambda run: run.total.energy_pj / PJ_PER_J * 1e3,
    "power [W]": lambda run: run.total.power_w,
    "throughput [GOP/s]": lambda run: _scaled(run.total.throughput_ops_per_second, 1e-9),
    "efficiency [GOP/s/W]": lambda run: _scaled(run.total.efficiency_ops_per_joule, 1e-9),
    "effectual throughput [GOP/s]": lambda run: _scaled(run.total.effectual_throughput_ops_per_second, 1e-9),
    "DRAM [MB]": lambda run: run.total.dram_bytes / 1e6,
    "area [mm\N{SUPERSCRIPT TWO}]": lambda run: run.total.area_mm2,
    "utilization [%]": lambda run: _scaled(run.total.utilization, 100.0),
    "waiting [% of cycles]": lambda run: (
        100.0 * waiting_cycles(run.total) / run.total.cycles if run.total.cycles else None
    ),
    "MACs [M]": lambda run: run.total.macs / 1e6,
}


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def describe_runs(names: Sequence[str], results: Sequence[RunResult]) -> Iterator[tuple[str, str]]:
    """Yield each run's letter with the file and what it holds."""
    for letter, name, run in zip(letters(len(results)), names, results, strict=True):
        about = f"{run.workload} on {run.accelerator}, {run.dataflow}, batch {run.batch}, {run.energy_profile}"
        yield letter, printable(f"{name}: {about}")


def letters(number: int) -> list[str]:
    """Return column names: A to Z, then A1, B1 and so on.

    Examples
    --------
    >>> letters(3)
    ['A', 'B', 'C']
    """
    return [chr(ord("A") + index % 26) + (str(index // 26) if index >= 26 else "") for index in range(number)]


def totals_table(results: Sequence[RunResult], width: int | None = None) -> tuple[Table, list[str]]:
    """Return the totals of every run, each with its factor of the first; ``width`` as of :func:`layers_table`."""
    values = {name: [value_of(run) for run in results] for name, value_of in TOTALS.items()}
    columns = [TextColumn("total", list(values), 0, left=True)]
    for index, letter in enumerate(letters(len(results))):
        cells = [_cell(row[index], whole=name == "cycles") for name, row in values.items()]
        columns.append(TextColumn(letter, cells, 0))
        if index:
            columns.append(TextColumn(f"{letter}/A", [ratio(row[index], row[0]) for row in values.values()], 1))
    return fitted_table(columns, width)


def layers_table(results: Sequence[RunResult], width: int | None = None) -> tuple[Table, list[str]]:
    """Return each layer's cycles and energy in every run, and the headings that ``width`` leaves no room for.

    A layer that a run has not is left open.

    Parameters
    ----------
    results : sequence of RunResult
    width : int, optional
        Of a terminal [columns]; None shows everything.
    """
    by_name = [{layer.name: layer for layer in run.layers} for run in results]
    names = list(dict.fromkeys(name for layers in by_name for name in layers))
    cycles: list[list[Number]] = [[each.cycles if (each := by.get(name)) else None for name in names] for by in by_name]
    energy: list[list[Number]] = [
        [each.total_energy_pj / 1e6 if (each := by.get(name)) else None for name in names] for by in by_name
    ]
    shown = [printable(name) if width is None else shortened(printable(name)) for name in names]
    columns = [TextColumn("layer", shown, 0, left=True)]
    columns += _columns(cycles, "cycles", (0, 1), whole=True)
    columns += _columns(energy, "energy [\N{MICRO SIGN}J]", (2, 3))
    return fitted_table(columns, width)


def _columns(
    values: Sequence[Sequence[Number]], what: str, ranks: tuple[int, int], *, whole: bool = False
) -> Iterator[TextColumn]:
    """Yield a column of each run's values, and one of its factors of the first."""
    for letter, own in zip(letters(len(values)), values, strict=True):
        yield TextColumn(f"{letter} {what}", [_cell(value, whole=whole) for value in own], ranks[0])
        if letter != "A":
            yield TextColumn(f"{letter}/A", [ratio(*pair) for pair in zip(own, values[0], strict=True)], ranks[1])


def _cell(value: Number, *, whole: bool = False) -> str:
    return UNKNOWN if value is None else count(int(value)) if whole else significant(float(value), 4)


def changed_most(results: Sequence[RunResult], shown: int = 5) -> Iterator[str]:
    """Yield, for the last run against the first, the layers whose cycles changed most."""
    before = {layer.name: layer for layer in results[0].layers}
    pairs = [(before[layer.name], layer) for layer in results[-1].layers if layer.name in before]
    changes = [(_change(old, new), new.name) for old, new in pairs if _change(old, new)]
    for change, name in sorted(changes, key=lambda item: (-abs(item[0]), item[1]))[:shown]:
        share = percent(change, results[0].total.cycles)
        why = cause_of_change(before[name], next(layer for layer in results[-1].layers if layer.name == name))
        yield f"{printable(name)}: {change:+,} cycles ({share} % of A's total), mainly {why}"


def cause_of_change(old: LayerResult, new: LayerResult) -> str:
    """Name the kind of cycles that changed most, in the direction of the whole change.

    Examples
    --------
    >>> from simulator import simulate
    >>> one = simulate("lenet5_int8", "gemmini_like_16").layers[0]
    >>> cause_of_change(one, one)
    ''
    """
    change = _change(old, new)
    if not change:
        return ""
    before, after = time_split(old), time_split(new)
    moved = {kind: after[kind] - before[kind] for kind in after}
    worst = max(moved, key=lambda kind: moved[kind] * (1 if change > 0 else -1))
    return f"{worst} {moved[worst]:+,}"


def _change(old: LayerResult, new: LayerResult) -> int:
    return (new.cycles or 0) - (old.cycles or 0)
