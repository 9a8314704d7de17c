"""What several cores did to each other: cycles in which the DRAM served others, and every core's time to the end.

docs/model/cores.md has the rules; the oracle is ``tests/oracle/engine_gaps.py``.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.dataflow.tape import LastLevel, Tape
from simulator.records import LATE_BUS, LATE_DATA, LATE_LATENCY, LATE_OTHER_CORE, LATE_SCRATCHPAD, NONE, Table

Cycles = npt.NDArray[np.int64]


def share_out(tape: Tape, layers: Table, port_latency_cycles: int, latency_cycles: int) -> None:
    """Blame other cores where they were served, and let each core's last window last until its network's end.

    Parameters
    ----------
    tape : Tape
        After a run on several cores; its steps' ``late_because`` is filled anew.
    layers : recarray of LAYER_TIME
        Changed in place.
    port_latency_cycles : int
        Part of a transfer's time in which it is no longer served (bandwidth fidelity).
    latency_cycles : int
        Of a gap, what counts as latency.
    """
    if tape.last_level is not None:
        _blame_the_scratchpad(tape, layers, tape.last_level, latency_cycles)
    waits = waits_for_others(tape, layers, latency_cycles)
    if len(waits.steps):
        _blame_other_cores(tape, layers, waits, Served(tape, port_latency_cycles))
    tenants = np.zeros(tape.cores, np.int64) if tape.tenants is None else np.array(tape.tenants)
    of_span, ends = tenants[tape.spans["core"]], layers["end_cycle"].copy()
    for core in range(tape.cores):
        mine = np.flatnonzero(tape.spans["core"] == core)
        if len(mine):
            last = layers[mine[-1]]
            waited = int(ends[of_span == tenants[core]].max()) - last.end_cycle
            last.tail_cycles += waited
            last.cycles += waited
            last.end_cycle += waited


class Waits(NamedTuple):
    """When blamed transfers were submitted and not begun, inside the gaps that they made; parallel arrays [waits]."""

    steps: Cycles  # behind the gaps
    layers: Cycles
    cores: Cycles
    idle: Cycles  # cycles of the gap in its layer's window
    begin: Cycles
    end: Cycles


def waits_for_others(tape: Tape, layers: Table, latency_cycles: int) -> Waits:
    """Return the waits of a tape that ran on several cores."""
    steps, windows = tape.steps, layers["end_cycle"] - layers["cycles"]
    blamed = np.flatnonzero(steps["late_transfer"] != NONE)
    if tape.last_level is not None:
        blamed = blamed[tape.last_level.on_chip[steps["late_transfer"][blamed]] == 0]
    rows = steps[blamed]
    idle = np.minimum(rows["idle_cycles"], rows["occupied_cycle"] - windows[rows["layer"]])
    transfers = tape.transfers[rows["late_transfer"]]
    begin = np.maximum(transfers["submit_cycle"], transfers["done_cycle"] - np.maximum(idle, 0))
    served = np.minimum(transfers["begin_cycle"], transfers["arrived_cycle"] - latency_cycles)
    return Waits(blamed, rows["layer"], rows["core"], idle, begin, np.maximum(begin, served))


def waited_for(tape: Tape, layers: Table, port_latency_cycles: int, latency_cycles: int) -> Cycles:
    """Return how long each network waited while another was served [networks, networks], in cycles of its cores.

    The rows wait, the columns are served; on the diagonal, one core of a network waits for another. Over one port a row
    adds up to the ``other_core`` cycles of its cores; over several channels two may be served at once, and it is more.
    """
    tenants = np.array(tape.tenants)
    found = np.zeros((int(tenants.max()) + 1,) * 2, np.int64)
    waits, served = waits_for_others(tape, layers, latency_cycles), Served(tape, port_latency_cycles)
    for core in np.unique(waits.cores).tolist():
        mine = waits.cores == core
        for tenant in range(len(found)):
            of_tenant = np.flatnonzero(tenants == tenant)
            until = served.others_alone(core, waits.end[mine], of_tenant)
            since = served.others_alone(core, waits.begin[mine], of_tenant)
            found[tenants[core], tenant] += int((until - since).sum())
    return found


def _blame_the_scratchpad(tape: Tape, layers: Table, level: LastLevel, latency_cycles: int) -> None:
    """Move what reads of the scratchpad waited for from the DRAM's causes to ``scratchpad``.

    Their own time, and before it that for the tile to be there.
    """
    steps, transfers = tape.steps, tape.transfers
    blamed = np.flatnonzero(steps["late_transfer"] != NONE)
    blamed = blamed[level.on_chip[steps["late_transfer"][blamed]] == 1]
    rows, reads = steps[blamed], transfers[steps["late_transfer"][blamed]]
    windows = layers["end_cycle"] - layers["cycles"]
    idle = np.maximum(0, np.minimum(rows["idle_cycles"], rows["occupied_cycle"] - windows[rows["layer"]]))
    under_way = np.minimum(idle, reads["done_cycle"] - reads["submit_cycle"])
    latency = np.minimum(under_way, latency_cycles)
    before = np.where(reads["late_because"] == LATE_DATA, idle - under_way, 0)
    late = layers["late_cycles"]
    for kind, cycles in ((LATE_LATENCY, latency), (LATE_BUS, under_way - latency), (LATE_DATA, before)):
        np.subtract.at(late, (rows["layer"], kind), cycles)
    np.add.at(late, (rows["layer"], LATE_SCRATCHPAD), under_way + before)
    most = (under_way + before) * 2 > idle
    steps["late_because"][blamed[most]] = LATE_SCRATCHPAD


def _blame_other_cores(tape: Tape, layers: Table, waits: Waits, served: "Served") -> None:
    """Move cycles from ``dram_bus`` to ``other_core``: the blamed transfer had not begun, only others were served."""
    for core in np.unique(waits.cores).tolist():
        mine = waits.cores == core
        others = served.others_alone(core, waits.end[mine]) - served.others_alone(core, waits.begin[mine])
        late = layers["late_cycles"]
        np.add.at(late, (waits.layers[mine], LATE_OTHER_CORE), others)
        np.subtract.at(late, (waits.layers[mine], LATE_BUS), others)
        most = others * 2 > waits.idle[mine]
        tape.steps["late_because"][waits.steps[mine][most]] = LATE_OTHER_CORE


class Served:
    """When the DRAM served which core: from a transfer's first byte to its last."""

    def __init__(self, tape: Tape, port_latency_cycles: int) -> None:
        transfers = tape.transfers
        if tape.last_level is not None:
            transfers = transfers[tape.last_level.on_chip == 0]
        begins = transfers["begin_cycle"]
        ends = np.maximum(begins, transfers["arrived_cycle"] - port_latency_cycles)
        self.cycles, place = np.unique(np.concatenate([begins, ends]), return_inverse=True)
        change = np.zeros((tape.cores, len(self.cycles)), np.int64)
        queues = transfers["queue"]
        np.add.at(change, (queues, place[: len(queues)]), 1)
        np.subtract.at(change, (queues, place[len(queues) :]), 1)
        self.under_way = np.cumsum(change, axis=1) > 0  # [cores, edges]: from each edge to the next

    def alone(self, core: int, others: Cycles | None = None) -> npt.NDArray[np.bool_]:
        """Say from which edge to the next one of ``others`` was served and ``core`` was not."""
        served = self.under_way if others is None else self.under_way[others]
        alone: npt.NDArray[np.bool_] = served.any(axis=0) & ~self.under_way[core]
        return alone

    def others_alone(self, core: int, until: Cycles, others: Cycles | None = None) -> Cycles:
        """Return the cycles before each of ``until`` in which one of ``others`` was served and ``core`` was not.

        None: any other core.
        """
        alone = self.alone(core, others)
        length = np.diff(self.cycles)
        before = np.concatenate([[0], np.cumsum(alone[:-1] * length)])
        at = np.clip(np.searchsorted(self.cycles, until, side="right") - 1, 0, len(self.cycles) - 1)
        inside: Cycles = before[at] + alone[at] * np.maximum(0, until - self.cycles[at])
        return inside
