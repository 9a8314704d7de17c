"""What several cores did to each other: cycles in which the DRAM served others, and every core's time to the end.

docs/model/cores.md has the rules; the oracle is ``tests/oracle/engine_gaps.py``.
"""

import numpy as np
import numpy.typing as npt

from simulator.dataflow.tape import Tape
from simulator.records import LATE_BUS, LATE_OTHER_CORE, NONE, Table

Cycles = npt.NDArray[np.int64]


def share_out(tape: Tape, layers: Table, port_latency_cycles: int, latency_cycles: int) -> None:
    """Blame other cores where they were served, and let each core's last window last until the run's end.

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
    _blame_other_cores(tape, layers, port_latency_cycles, latency_cycles)
    end = int(layers["end_cycle"].max(initial=0))
    for core in range(tape.cores):
        mine = np.flatnonzero(tape.spans["core"] == core)
        if len(mine):
            last = layers[mine[-1]]
            waited = end - last.end_cycle
            last.tail_cycles += waited
            last.cycles += waited
            last.end_cycle = end


def _blame_other_cores(tape: Tape, layers: Table, port_latency_cycles: int, latency_cycles: int) -> None:
    """Move cycles from ``dram_bus`` to ``other_core``: the blamed transfer had not begun, only others were served."""
    steps, windows = tape.steps, layers["end_cycle"] - layers["cycles"]
    blamed = np.flatnonzero(steps["late_transfer"] != NONE)
    if not len(blamed):
        return
    served = Served(tape, port_latency_cycles)
    rows = steps[blamed]
    idle = np.minimum(rows["idle_cycles"], rows["occupied_cycle"] - windows[rows["layer"]])
    transfers = tape.transfers[rows["late_transfer"]]
    done = transfers["done_cycle"]
    begin = np.maximum(transfers["submit_cycle"], done - np.maximum(idle, 0))
    end = np.maximum(begin, np.minimum(transfers["begin_cycle"], transfers["arrived_cycle"] - latency_cycles))
    for core in np.unique(rows["core"]).tolist():
        mine = rows["core"] == core
        others = served.others_alone(core, end[mine]) - served.others_alone(core, begin[mine])
        late = layers["late_cycles"]
        np.add.at(late, (rows["layer"][mine], LATE_OTHER_CORE), others)
        np.subtract.at(late, (rows["layer"][mine], LATE_BUS), others)
        most = others * 2 > idle[mine]
        steps["late_because"][blamed[mine][most]] = LATE_OTHER_CORE


class Served:
    """When the DRAM served which core: from a transfer's first byte to its last."""

    def __init__(self, tape: Tape, port_latency_cycles: int) -> None:
        transfers = tape.transfers
        begins = transfers["begin_cycle"]
        ends = np.maximum(begins, transfers["arrived_cycle"] - port_latency_cycles)
        self.cycles, place = np.unique(np.concatenate([begins, ends]), return_inverse=True)
        change = np.zeros((tape.cores, len(self.cycles)), np.int64)
        queues = transfers["queue"]
        np.add.at(change, (queues, place[: len(queues)]), 1)
        np.subtract.at(change, (queues, place[len(queues) :]), 1)
        self.under_way = np.cumsum(change, axis=1) > 0  # [cores, edges]: from each edge to the next

    def others_alone(self, core: int, until: Cycles) -> Cycles:
        """Return the cycles before each of ``until`` in which some other core was served and ``core`` was not."""
        alone = self.under_way.any(axis=0) & ~self.under_way[core]
        length = np.diff(self.cycles)
        before = np.concatenate([[0], np.cumsum(alone[:-1] * length)])
        at = np.clip(np.searchsorted(self.cycles, until, side="right") - 1, 0, len(self.cycles) - 1)
        inside: Cycles = before[at] + alone[at] * np.maximum(0, until - self.cycles[at])
        return inside
