"""Results of several cores: each core's part of every layer, and of the whole run (docs/model/cores.md)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.arch.last_level import LastLevelScratchpad
from simulator.dataflow.tape import Tape
from simulator.energy import PriceList
from simulator.records import CAUSE_NAMES, DRAM_LATE_NAMES, IFMAP, LATE_NAMES, WEIGHT
from simulator.results import Access, LayerResult, Total
from simulator.units import BITS_PER_BYTE

CorePart = dict[str, Any]
ISSUE_NAMES = ("useful", "fill", "drain", "imbalance", "bus")
TIMES = (
    "start_cycle",
    "end_cycle",
    "cycles",
    "issue_cycles",
    "idle_cycles",
    "late_because",
    "dram_late_because",
    "tail_cycles",
    "gain_cycles",
)


def added_times(times: Sequence[Any], late_names: Sequence[str], *, over_dram: bool) -> CorePart:
    """Add up the windows of a row's works: the time fields of its result, None where the network did not run.

    Parameters
    ----------
    times : sequence of LAYER_TIME records
    late_names : sequence of str
        What ``late_because`` names.
    over_dram : bool
        Whether the DRAM's commands were simulated.
    """
    late = [(LATE_NAMES.index(name), name) for name in late_names]
    found = {
        "start_cycle": min(int(time.start_cycle) for time in times) if times else None,
        "end_cycle": int(times[-1].end_cycle) if times else None,
        "cycles": sum(int(time.cycles) for time in times) if times else None,
        "issue_cycles": {name: sum(int(time[f"{name}_cycles"]) for time in times) for name in ISSUE_NAMES},
        "idle_cycles": {name: sum(int(time.idle_cycles[i]) for time in times) for i, name in enumerate(CAUSE_NAMES)},
        "late_because": {name: sum(int(time.late_cycles[i]) for time in times) for i, name in late},
        "tail_cycles": sum(int(time.tail_cycles) for time in times),
        "gain_cycles": sum(int(time.gain_cycles) for time in times),
    }
    if over_dram:
        causes = enumerate(DRAM_LATE_NAMES)
        found["dram_late_because"] = {name: sum(int(time.dram_late_cycles[i]) for time in times) for i, name in causes}
    return found


def parts_of_layer(
    works: Sequence[int],
    cores: npt.NDArray[np.int64],
    describe: Callable[[Sequence[int]], CorePart],
) -> tuple[CorePart, ...]:
    """Return what each core did for a layer, lowest core first.

    Parameters
    ----------
    works : sequence of int
        Of the layer.
    cores : int64 array
        Core of every work of the run.
    describe : callable
        From works of one core to their times and counts.
    """
    by_core: dict[int, list[int]] = {}
    for work in works:
        by_core.setdefault(int(cores[work]), []).append(work)
    return tuple({"core": core, **describe(by_core[core])} for core in sorted(by_core))


def last_of(parts: Sequence[CorePart]) -> CorePart:
    """Return the part that ends last; among several the one that waits least at its end, then the lowest core."""
    return min(parts, key=lambda part: (-part["end_cycle"], part["tail_cycles"], part["core"]))


def times_of(parts: Sequence[CorePart]) -> dict[str, Any]:
    """Return the time fields of a layer: those of the part that ends last, from the first event of any."""
    last = last_of(parts)
    return {name: last[name] for name in TIMES if name in last} | {
        "start_cycle": min(part["start_cycle"] for part in parts)
    }


def works_of_times(works: Sequence[int], cores: npt.NDArray[np.int64], parts: Sequence[CorePart]) -> list[int]:
    """Return the works of a layer that its times are of: those on the core that ends last."""
    core = last_of(parts)["core"]
    return [work for work in works if cores[work] == core]


def with_cores(total: Total, layers: Sequence[LayerResult], cores: int, beats: float) -> Total:
    """Return ``total`` with what each core did, and the times of the core that works longest.

    Parameters
    ----------
    total : Total
        Of a run whose ``cycles`` are known.
    layers : sequence of LayerResult
    cores : int
    beats : float
        Cycles that all products would take one core at its peak.
    """
    every: list[CorePart] = [dict(part) for layer in layers for part in layer.cores or ()]
    found = tuple(
        _whole([part for part in every if part["core"] == core], core, total.cycles or 0) for core in range(cores)
    )
    longest = min(found, key=lambda part: (part["tail_cycles"], part["core"]))
    return replace(
        total,
        cores=found,
        issue_cycles=longest["issue_cycles"],
        idle_cycles=longest["idle_cycles"],
        tail_cycles=longest["tail_cycles"],
        utilization=beats / ((total.cycles or 0) * cores) if total.cycles else None,
    )


def _whole(parts: Sequence[CorePart], core: int, cycles: int) -> CorePart:
    """Add up the parts of one core; behind them it waits until the run's last cycle."""
    summed: CorePart = {"core": core, "start_cycle": 0, "end_cycle": cycles, "cycles": cycles}
    if parts:
        summed["start_cycle"] = min(part["start_cycle"] for part in parts)
    for name in ("issue_cycles", "idle_cycles", "late_because", "dram_late_because"):
        if name in parts[0] if parts else name != "dram_late_because":  # a core without work waited for no DRAM
            summed[name] = sum_by_name([part[name] for part in parts])
    for name in ("tail_cycles", "gain_cycles", "macs", "dram_bytes"):
        summed[name] = sum(part[name] for part in parts)
    summed["tail_cycles"] += cycles - sum(part["cycles"] for part in parts)  # without work, or its network has ended
    return summed


def sum_by_name(parts: Sequence[Mapping[str, Any]], names: Iterable[str] = ()) -> dict[str, Any]:
    """Return the sums of mappings name by name: of ``names``, or of all that appear.

    Examples
    --------
    >>> sum_by_name([{"a": 1}, {"a": 2, "b": 3}])
    {'a': 3, 'b': 3}
    """
    wanted = tuple(names) or dict.fromkeys(name for part in parts for name in part)
    return {name: sum(part.get(name, 0) for part in parts) for name in wanted}


def last_level_accesses(
    tape: Tape | None, works: Sequence[int], level: LastLevelScratchpad | None
) -> dict[str, dict[str, Access]]:
    """Return the accesses of a scratchpad that cores share, of some works; nothing where there is none."""
    if level is None or tape is None:
        return {}
    found = {}
    for number, operand in ((IFMAP, "ifmap"), (WEIGHT, "weight")):
        reads, writes = (int(words[list(works)].sum()) for words in tape.last_level_words(number))
        found[operand] = Access(reads, writes, (reads + writes) * level.word_bits // BITS_PER_BYTE)
    return {"last_level": found}


def last_level_pj(tape: Tape, prices: PriceList) -> npt.NDArray[np.float64]:
    """Return the energy of a scratchpad that cores share, of each work [pJ]."""
    energy = np.zeros(len(tape.spans))
    if tape.last_level is not None:
        for operand in (IFMAP, WEIGHT):
            reads, writes = tape.last_level_words(operand)
            energy += reads * prices.buffer_read_pj["last_level"] + writes * prices.buffer_write_pj["last_level"]
    return energy
