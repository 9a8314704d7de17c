"""Results beside each other: totals, and each layer's cycles and energy, as factors of the first."""

from collections.abc import Callable, Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from simulator.report.breakdown import time_split, waiting_cycles
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


def totals_table(results: Sequence[RunResult]) -> Table:
    """Return the totals of every run, each with its factor of the first."""
    table = _table(results, "total", "")
    for name, value_of in TOTALS.items():
        values = [value_of(run) for run in results]
        table.add_row(name, *_cells(values, whole=name == "cycles"))
    return table


def layers_table(results: Sequence[RunResult]) -> Table:
    """Return each layer's cycles and energy in every run; a layer that a run has not is left open."""
    table = _table(results, "layer", " cycles")
    for letter in letters(len(results)):
        table.add_column(f"{letter} energy [\N{MICRO SIGN}J]", justify="right", no_wrap=True)
        if letter != "A":
            table.add_column(f"{letter}/A", justify="right", no_wrap=True)
    by_name = [{layer.name: layer for layer in run.layers} for run in results]
    for name in dict.fromkeys(name for layers in by_name for name in layers):
        found = [layers.get(name) for layers in by_name]
        cycles = [layer.cycles if layer else None for layer in found]
        energy = [layer.total_energy_pj / 1e6 if layer else None for layer in found]
        table.add_row(printable(name), *_cells(cycles, whole=True), *_cells(energy))
    return table


def _table(results: Sequence[RunResult], first: str, suffix: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for letter in letters(len(results)):
        table.add_column(f"{letter}{suffix}", justify="right", no_wrap=True)
        if letter != "A":
            table.add_column(f"{letter}/A", justify="right", no_wrap=True)
    return table


def _cells(values: Sequence[Number], *, whole: bool = False) -> Iterator[str]:
    for index, value in enumerate(values):
        yield UNKNOWN if value is None else count(int(value)) if whole else significant(float(value), 4)
        if index:
            yield ratio(value, values[0])


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
