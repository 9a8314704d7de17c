"""What the DRAM did while the steps of a tape waited for it: ``dram_bus`` cycles by what held the data buses.

docs/model/engine.md has the rule. The time in which transfers were under way is cut at every completion into stretches;
what the channels did is known of each. A waited cycle is split in the ratio of the stretch that it lies in.
"""

import numpy as np
import numpy.typing as npt

from simulator.dataflow.tape import Tape
from simulator.engine.sharing import Served, Waits, waits_for_others
from simulator.records import DRAM_LATE_NAMES, LATE_BUS, Table

Cycles = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]

HELD_FIELDS = ("held_row", "held_activation", "held_refresh", "held_tccd", "held_turnaround")
"""Of a stretch, in the order of ``DRAM_LATE_NAMES`` between ``bus`` and ``starvation``."""


def split_bus_cycles(tape: Tape, layers: Table, latency_cycles: int, stretches: Table, shares: Shares) -> None:
    """Fill ``dram_late_cycles`` of every layer: they add up to its ``dram_bus`` cycles.

    Parameters
    ----------
    tape : Tape
        After a run.
    layers : recarray of LAYER_TIME
        Changed in place.
    latency_cycles : int
        Of a gap, what counts as latency.
    stretches : recarray of STRETCH
        In order; they do not overlap.
    shares : float64 array
        Of each stretch's time, by cause [stretches, causes]; rows add up to 1 (:func:`shares_of`).
    """
    waits = waits_for_others(tape, layers, latency_cycles)
    if not len(waits.steps) or not len(stretches):
        return
    ends = _bus_ends(tape, waits, latency_cycles)
    known = _Sums(stretches["begin_cycle"], stretches["end_cycle"], shares)
    parts = known.between(waits.begin, ends)
    if tape.cores > 1:
        parts -= _while_others_were_served(tape, waits, stretches, shares)
    found = np.zeros((len(layers), len(DRAM_LATE_NAMES)))
    np.add.at(found, waits.layers, parts)
    layers["dram_late_cycles"] = whole_parts(found, layers["late_cycles"][:, LATE_BUS])


def shares_of(stretches: Table, channels: int, burst_cycles: int, clock_ratio: float, latency_cycles: int) -> Shares:
    """Return what part of each stretch's time goes to each of ``DRAM_LATE_NAMES`` [stretches, causes].

    Parameters
    ----------
    stretches : recarray of STRETCH
    channels : int
    burst_cycles : int
        For which a burst holds a data bus [DRAM cycles].
    clock_ratio : float
        DRAM cycles in a cycle of the core.
    latency_cycles : int
        Of a read of a closed bank [DRAM cycles]: left out where a stretch begins with nothing under way.
    """
    length = (stretches["end_cycle"] - stretches["begin_cycle"]) * clock_ratio - latency_cycles * stretches["was_idle"]
    busy = (stretches["reads"] + stretches["writes"]) * burst_cycles
    known = np.stack([busy, *(stretches[name] for name in HELD_FIELDS)], axis=1).astype(np.float64)
    unused = np.maximum(0.0, channels * length - known.sum(axis=1))
    every = np.concatenate([known, unused[:, None]], axis=1)
    every[every.sum(axis=1) == 0, 0] = 1.0
    shares: Shares = every / every.sum(axis=1, keepdims=True)
    return shares


def whole_parts(parts: Shares, wholes: Cycles) -> Cycles:
    """Return whole numbers in the ratio of each row of ``parts``, within 1 of their shares, that add up to ``wholes``.

    What rounding down leaves goes to the largest remainders, among equals to the first.

    Examples
    --------
    >>> whole_parts(np.array([[1.0, 1.0, 2.0]]), np.array([10])).tolist()
    [[3, 2, 5]]
    """
    sums = parts.sum(axis=1, keepdims=True)
    exact = np.where(sums > 0, parts / np.where(sums > 0, sums, 1.0), 0.0) * wholes[:, None]
    exact[sums[:, 0] <= 0, 0] = wholes[sums[:, 0] <= 0]
    found = np.floor(exact).astype(np.int64)
    left = wholes - found.sum(axis=1)
    rank = np.argsort(np.argsort(found - exact, axis=1, kind="stable"), axis=1, kind="stable")
    whole: Cycles = found + (rank < left[:, None])
    return whole


def _bus_ends(tape: Tape, waits: Waits, latency_cycles: int) -> Cycles:
    """Return where each wait's ``dram_bus`` cycles end, before codec and latency (as ``accounting`` has it)."""
    transfers = tape.transfers[tape.steps["late_transfer"][waits.steps]]
    under_way = transfers["done_cycle"] - waits.begin
    codec = np.minimum(under_way, transfers["done_cycle"] - transfers["arrived_cycle"])
    latency = np.minimum(under_way - codec, latency_cycles)
    ends: Cycles = waits.begin + under_way - codec - latency
    return ends


def _while_others_were_served(tape: Tape, waits: Waits, stretches: Table, shares: Shares) -> Shares:
    """Return what counts as ``other_core`` of each wait, by cause [waits, causes]."""
    served, found = Served(tape, 0), np.zeros((len(waits.steps), shares.shape[1]))
    for core in np.unique(waits.cores).tolist():
        mine, alone = waits.cores == core, served.alone(core)
        edges = np.unique(np.concatenate([served.cycles, stretches["begin_cycle"], stretches["end_cycle"]]))
        begins, ends = edges[:-1], edges[1:]
        at = np.searchsorted(stretches["begin_cycle"], begins, side="right") - 1
        inside = (at >= 0) & (stretches["end_cycle"][at] >= ends)
        others = alone[np.clip(np.searchsorted(served.cycles, begins, side="right") - 1, 0, len(alone) - 1)]
        others &= begins >= served.cycles[0]
        known = _Sums(begins, ends, shares[at] * (inside & others)[:, None])
        found[mine] = known.between(waits.begin[mine], waits.end[mine])
    return found


class _Sums:
    """Time by cause from the start of the run, in between on straight lines."""

    def __init__(self, begins: Cycles, ends: Cycles, shares: Shares) -> None:
        self.cycles = np.stack([begins, ends], axis=1).ravel()
        sums = np.cumsum(shares * (ends - begins)[:, None], axis=0)
        before = np.concatenate([np.zeros((1, shares.shape[1])), sums[:-1]])
        self.sums = np.stack([before, sums], axis=1).reshape(-1, shares.shape[1])

    def between(self, begins: Cycles, ends: Cycles) -> Shares:
        """Return the time by cause from each of ``begins`` to each of ``ends`` [waits, causes]."""
        columns = [np.interp(ends, self.cycles, one) - np.interp(begins, self.cycles, one) for one in self.sums.T]
        return np.stack(columns, axis=1)
