"""Latency, energy and traffic of one network at many bit assignments: what a search loop calls in place of FLOPs.

The numbers are those of :func:`simulator.api.simulate`; what is left out is the report, and what is kept
between calls is the mapping of every layer already seen (same shape, same widths).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.arch import Accelerator, load_accelerator
from simulator.arch.arrays import require_systolic
from simulator.assembly import Run, layer_energy_pj
from simulator.dataflow.binding import bind
from simulator.dataflow.machine import allowed_dataflows, hardware_record, space_record
from simulator.dataflow.plan_tables import PlanInputs
from simulator.dataflow.tape import build_tape
from simulator.energy import price_list
from simulator.engine.run import run
from simulator.errors import WorkloadError
from simulator.mapping.search import MappingCache, Objective, map_network
from simulator.units import BITS_PER_BYTE
from simulator.workload import LayerGraph, Precision, load_workload
from simulator.workload.masks import Masks

Assignments = npt.NDArray[np.integer[Any]]
WIDEST_BITS = 64


@dataclass(frozen=True)
class Evaluations:
    """Whole-network costs of ``B`` assignments.

    Attributes
    ----------
    cycles : int64 array [B]
    energy_pj : float64 array [B]
    dram_bytes : int64 array [B]
    layer_cycles : int64 array [B, L]
        Of the multiply-accumulate layers; with the vector layers' they sum to ``cycles``.
    """

    cycles: npt.NDArray[np.int64]
    energy_pj: npt.NDArray[np.float64]
    dram_bytes: npt.NDArray[np.int64]
    layer_cycles: npt.NDArray[np.int64]


class Evaluator:
    """One network on one accelerator, evaluated at one bit assignment after another.

    Parameters
    ----------
    workload, accelerator
        As :func:`simulator.api.simulate` takes them.
    dataflow, objective, batch
        Likewise.

    Examples
    --------
    >>> evaluator = Evaluator("lenet5_int8", "gemmini_like_16")
    >>> evaluator.evaluate([(8, 8)] * 5)["macs"]
    416520
    """

    def __init__(
        self,
        workload: LayerGraph | str | Path,
        accelerator: Accelerator | str | Path,
        *,
        dataflow: str | None = None,
        objective: Objective = "latency",
        batch: int = 1,
    ) -> None:
        self.graph = load_workload(workload)
        self.accelerator = load_accelerator(accelerator)
        require_systolic(self.accelerator.name, self.accelerator.array, "the evaluator")
        self.batch = batch
        self.objective = objective
        self.dataflows = allowed_dataflows(self.accelerator, dataflow)
        self.prices = price_list(self.accelerator)
        self.hardware = hardware_record(self.accelerator)
        self.space = space_record(
            self.accelerator,
            dram_pj_per_byte=self.prices.dram_pj_per_bit * BITS_PER_BYTE,
            buffer_read_pj=self.prices.buffer_read_pj,
            buffer_write_pj=self.prices.buffer_write_pj,
        )
        self.mappings: MappingCache = {}
        self._precisions: dict[tuple[str, int], Precision] = {}
        self.mac_layers = self.graph.mac_layers

    def precisions(self, assignment: Any) -> dict[str, Precision]:  # noqa: ANN401 - anything shaped [L, 2]
        """Return the tensors' precisions under ``assignment`` [L, 2] of (weight bits, activation bits).

        An activation that several layers read takes the widest of their widths.

        Raises
        ------
        WorkloadError
            The assignment does not have one (weight, activation) pair of 1 to 64 bits for each layer.
        """
        pairs = _as_array(assignment)
        if pairs.shape != (len(self.mac_layers), 2) or pairs.dtype.kind not in "iu":
            message = (
                f"assignment of shape {pairs.shape} and type {pairs.dtype}: {self.graph.name} takes integers "
                f"[{len(self.mac_layers)}, 2] of (weight bits, activation bits), one row for each of mac_layers"
            )
            raise WorkloadError(message)
        if pairs.size and (pairs.min() < 1 or pairs.max() > WIDEST_BITS):
            message = f"assignment: bits {pairs.min()}..{pairs.max()}; give 1 to {WIDEST_BITS}"
            raise WorkloadError(message)
        widths: dict[str, int] = {}
        for layer, (weight_bits, ifmap_bits) in zip(self.mac_layers, pairs.tolist(), strict=True):
            for name, bits in ((layer.inputs[0], ifmap_bits), (layer.inputs[1], weight_bits)):
                widths[name] = max(bits, widths.get(name, 0))
        return {name: self._precision(name, bits) for name, bits in widths.items()}

    def _precision(self, name: str, bits: int) -> Precision:
        """Return the integer precision of a tensor at ``bits``; copying a model is slow, so each is made once."""
        known = self._precisions.get((name, bits))
        if known is None:
            known = self.graph.tensors[name].precision.model_copy(update={"bits": bits, "kind": "int"})
            self._precisions[name, bits] = known
        return known

    def evaluate(self, assignment: Any = None) -> dict[str, Any]:  # noqa: ANN401
        """Return ``cycles energy_pj dram_bytes macs layer_cycles`` of one assignment (None: the model's own widths)."""
        graph = self.graph if assignment is None else self.graph.with_precisions(self.precisions(assignment))
        network = bind(graph, self.accelerator, batch=self.batch)
        mapped = map_network(
            network,
            self.accelerator,
            (self.hardware, self.space),
            dataflows=self.dataflows,
            objective=self.objective,
            cache=self.mappings,
        )
        tape = build_tape(
            PlanInputs(
                network.works,
                mapped.mappings,
                self.hardware,
                self.space,
                network.producers,
                network.producer_spans,
                network.aligned,
            )
        )
        timeline = run(tape, self.space)
        finished = Run(graph, self.accelerator, network, mapped, tape, timeline, self.prices, Masks(graph))
        counters = tape.counters
        moved = (name for name in counters.dtype.names or () if "dram" in name)
        row_cycles = np.zeros(len(network.rows), np.int64)
        np.add.at(row_cycles, np.asarray(network.row_of_work), timeline.layers["cycles"])
        mac_rows = [i for i, row in enumerate(network.rows) if row.weight_bits]
        return {
            "cycles": timeline.total_cycles,
            "energy_pj": float(layer_energy_pj(finished).sum()),
            "dram_bytes": int(sum(counters[name].sum() for name in moved)),
            "macs": graph.total_macs * self.batch,
            "layer_cycles": row_cycles[mac_rows],
        }


def _as_array(numbers: Any) -> npt.NDArray[Any]:  # noqa: ANN401 - whatever the caller has
    """Return ``numbers`` as an array; rows of different lengths are the caller's fault."""
    try:
        return np.asarray(numbers)
    except ValueError as problem:
        message = f"assignment: {problem}; give one (weight bits, activation bits) pair for each of mac_layers"
        raise WorkloadError(message) from None


def evaluate_many(
    workload: LayerGraph | str | Path, accelerator: Accelerator | str | Path, assignments: Assignments
) -> Evaluations:
    """Evaluate a network at many bit assignments.

    Parameters
    ----------
    workload, accelerator
        As :func:`simulator.api.simulate` takes them.
    assignments : int array [B, L, 2]
        (weight bits, activation bits) of each multiply-accumulate layer.

    Raises
    ------
    WorkloadError
        The assignments have another shape or impossible widths.

    Examples
    --------
    >>> bits = np.full((2, 5, 2), 8)
    >>> bits[1, :, 0] = 4
    >>> evaluate_many("lenet5_int8", "tpu_like_128", bits).dram_bytes.shape
    (2,)
    """
    evaluator = Evaluator(workload, accelerator)
    trials = _as_array(assignments)
    if trials.ndim != 3:
        message = (
            f"assignments of shape {trials.shape}: give [B, {len(evaluator.mac_layers)}, 2], one (weight bits, "
            "activation bits) for each of B trials and each of mac_layers"
        )
        raise WorkloadError(message)
    found = [evaluator.evaluate(assignment) for assignment in trials]
    return Evaluations(
        cycles=np.array([one["cycles"] for one in found], np.int64),
        energy_pj=np.array([one["energy_pj"] for one in found], np.float64),
        dram_bytes=np.array([one["dram_bytes"] for one in found], np.int64),
        layer_cycles=np.array([one["layer_cycles"] for one in found], np.int64).reshape(
            len(found), len(evaluator.mac_layers)
        ),
    )
