"""Many assignments of one bound network, planned and run one after the other, priced all at once. No report."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.arch import Accelerator
from simulator.assembly import work_energy_pj
from simulator.dataflow.binding import BoundNetwork
from simulator.dataflow.plan_tables import PlanInputs
from simulator.dataflow.tape import build_tape
from simulator.energy import PriceList
from simulator.engine.run import run
from simulator.machines.fidelity import compressed
from simulator.records import COUNTERS, Table, table
from simulator.workload import LayerGraph
from simulator.workload.masks import Masks
from simulator.zero_gating import switching_share

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_DRAM_COUNTERS = tuple(name for name in COUNTERS.names or () if "dram" in name)


class Rows(NamedTuple):
    """Costs of ``B`` assignments by row of the bound network [B, rows]."""

    cycles: Ints
    energy_pj: Floats
    dram_bytes: Ints


class BatchRun:
    """Runs the works of one bound network at many widths.

    Parameters
    ----------
    accelerator : Accelerator
    prices : PriceList
    machine : (recarray, recarray)
        SYSTOLIC_HARDWARE and MEMORY_SPACE.
    graph : LayerGraph
        For the zeros of its tensors, and their widths where the accelerator compresses them.
    network : BoundNetwork
        Who feeds whom; its own widths do not matter.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        prices: PriceList,
        machine: tuple[Table, Table],
        graph: LayerGraph,
        network: BoundNetwork,
    ) -> None:
        self.accelerator, self.prices, self.network = accelerator, prices, network
        self._hardware, self._space = machine
        self._masks = Masks(graph)
        self.switching = switching_share(accelerator.zero_gating, graph, network, self._masks)
        self.feeds = (network.producers, network.producer_spans, network.aligned, network.reads, network.cores)
        self._place = np.asarray(network.row_of_work)

    def __call__(self, works: Table, mappings: Table, mac_pj: Floats) -> Rows:
        """Run ``works`` [B, W] under ``mappings`` [B, W]; ``mac_pj`` [B, W] is the price of a multiplier beat [pJ]."""
        count, size = works.shape
        cycles = np.zeros((count, size), np.int64)
        counters = table(COUNTERS, count * size)
        for i in range(count):
            tape = build_tape(PlanInputs(works[i], mappings[i], self._hardware, self._space, *self.feeds))
            if self.accelerator.compression.is_used:
                network = replace(self.network, works=works[i])
                tape = compressed(tape, network, mappings[i], self.accelerator, self._masks).tape
            cycles[i] = run(tape, self._space).layers["cycles"]
            counters[i * size : (i + 1) * size] = tape.counters
        tables = (works.reshape(-1), counters, mappings.reshape(-1))
        switching = np.tile(self.switching, count)
        parts = work_energy_pj(self.accelerator, self.prices, tables, cycles.reshape(-1), mac_pj.reshape(-1), switching)
        energy_pj = parts.sum(axis=1).reshape(count, size)
        moved = sum(counters[name] for name in _DRAM_COUNTERS)
        return Rows(self._by_row(cycles), self._by_row(energy_pj), self._by_row(np.reshape(moved, (count, size))))

    def _by_row(self, of_works: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Add up the works [B, W] of each row."""
        rows = np.zeros((len(self.network.rows), len(of_works)), of_works.dtype)
        np.add.at(rows, self._place, of_works.T)
        return np.ascontiguousarray(rows.T)
