"""ESE: recurrent and fully-connected layers, weights streamed by matrices; docs/model/sparse_engines.md has the law.

Each channel holds a vector of the batch; the weights come from DRAM for every time step, while the matrix before is
computed. A matrix that does not fit its slot of the weight buffer is cut into columns. All other layers are the host's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from simulator.arch import Accelerator
from simulator.arch.ese_array import EseArray
from simulator.assembly import add_up, not_timed, warnings_of
from simulator.dataflow.binding import Row, bind
from simulator.dataflow.eie_matrix import EieMatrix, store_matrix
from simulator.dataflow.ese import EseMatrix, run_ese, weight_bytes
from simulator.dataflow.ese_hardware import EseHardware
from simulator.dataflow.sparse_run import SparseRun, add_runs
from simulator.energy import PriceList, PriceRow, price_list
from simulator.errors import ArchitectureError
from simulator.machines.contract import Outcome, Request
from simulator.machines.engine_layer import EngineLayer, engine_energy_pj, engine_memories, engine_result
from simulator.machines.host_layers import leave_to_host, refuse_choices
from simulator.results import LayerResult
from simulator.units import BITS_PER_BYTE, bits_to_bytes, ceil_div
from simulator.workload.graph import LayerGraph
from simulator.workload.layers import Gemm, Layer, Recurrent
from simulator.workload.loops import MacLoops
from simulator.workload.masks import Masks
from simulator.workload.reductions import weight_matrix

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Job:
    """One layer on one ESE."""

    accelerator: Accelerator
    hardware: EseHardware
    masks: Masks
    layer: Layer
    nests: tuple[MacLoops, ...]
    batch: int

    @property
    def array(self) -> EseArray:
        array = self.accelerator.array
        assert isinstance(array, EseArray)
        return array

    def blocks(self, mask: Mask) -> list[EieMatrix]:
        """Return a matrix [outputs, inputs] in as few blocks of columns as fit a slot of the weight buffer."""
        buffer = self.accelerator.buffer_of("weight")
        room = buffer.capacity_bytes // buffer.slots
        count = 1
        while True:
            parts = np.array_split(mask, count, axis=1)
            stored = [store_matrix(part, self.hardware.pes, index_bits=self.hardware.index_bits) for part in parts]
            worst = max(weight_bytes(one, self.hardware) for one in stored)
            if worst <= room:
                return stored
            if count == mask.shape[1]:
                message = (
                    f"layer {self.layer.name!r}: a column of its weights takes {worst} bytes, a slot of "
                    f"buffers.{buffer.name} holds {room}; raise its capacity_bytes"
                )
                raise ArchitectureError(message)
            count = min(mask.shape[1], max(count + 1, ceil_div(count * worst, room)))


def hardware_of(accelerator: Accelerator) -> tuple[EseHardware, float]:
    """Return the engine that a description describes, and the share of its memory's whole bytes a cycle.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> hardware_of(load_accelerator("ese")) == (EseHardware(), 1.0)
    True
    """
    array = accelerator.array
    assert isinstance(array, EseArray)
    shared = ("channels", "queue_depth", "weight_bits", "index_bits", "pointer_bits", "activation_bits")
    values = {name: getattr(array, name) for name in (*shared, "vector_lanes", "drain_cycles")}
    per_cycle = accelerator.dram_bytes_per_cycle
    port = max(1, int(np.ceil(per_cycle * (1 - 1e-12))))
    slots = accelerator.buffer_of("weight").slots
    hardware = EseHardware(
        **values,
        pes=array.pe_count,
        memory_bytes_per_cycle=port,
        buffers=slots,
        clock_hz=accelerator.clock_hz,
    )
    return hardware, min(1.0, per_cycle / port)


def run_ese_network(request: Request) -> Outcome:
    """Run the recurrent and fully-connected layers of a network.

    Raises
    ------
    SimulatorError
        There is none, a mapping or a dataflow is given that ESE has not, or a column of weights does not fit.
    """
    graph, accelerator = request.graph, request.accelerator
    refuse_choices(request)
    (hardware, efficiency), prices = hardware_of(accelerator), price_list(accelerator)
    bound = bind(graph, accelerator, batch=request.batch)
    form = "recurrent or fully-connected layer"
    network = leave_to_host(bound, request.zeros, partial(_can_run, graph), form, accelerator)
    layers: list[LayerResult] = []
    used: set[PriceRow] = set()
    for row in network.rows:
        layer = graph.layers[row.layer]
        job = _Job(accelerator, hardware, request.zeros, layer, graph.loops_of(layer), network.batch)
        one = _layer(job, row, efficiency, prices, used)
        layers.append(engine_result(row, one, accelerator, int(layers[-1].end_cycle or 0) if layers else 0))
    kept = tuple(row for row in prices.rows if row.name.startswith(("mac", "dram", "static", "clock")))
    return Outcome(
        layers=tuple(layers),
        total=add_up(accelerator, network, layers),
        dataflow="ese",
        prices=replace(prices, rows=(*kept, *sorted(used, key=lambda price: price.name))),
        batch=network.batch,
        not_timed=not_timed(network),
        warnings=(*warnings_of(accelerator, network, layers), *_assumptions(accelerator)),
    )


def _can_run(graph: LayerGraph, layer: Layer) -> bool:
    if not isinstance(layer, Gemm | Recurrent):
        return False
    weights = layer.inputs[1:3] if isinstance(layer, Recurrent) else layer.inputs[1:2]
    return all(graph.tensors[name].constant for name in weights)


def _layer(job: _Job, row: Row, efficiency: float, prices: PriceList, used: set[PriceRow]) -> EngineLayer:
    project = job.nests[0]
    vectors = project.rows * job.batch
    if isinstance(job.layer, Recurrent):
        vectors //= job.nests[1].sequence_steps
    rounds = [min(job.array.channels, vectors - first) for first in range(0, vectors, job.array.channels)]
    sequence = _recurrent if isinstance(job.layer, Recurrent) else _product
    runs, weights = [], 0
    for group in range(project.G):
        stored = _stored(job, group)
        for active in rounds:
            matrices = sequence(job, stored, active, row)
            weights += sum(weight_bytes(matrix.stored, job.hardware) for matrix in matrices)
            hardware = replace(job.hardware, channels=active)
            run = run_ese(matrices, hardware, memory_efficiency=efficiency)
            runs.append(_on_all_channels(run, job.array))
    run = add_runs(runs)
    kept = sum(
        nest.macs * job.batch * job.masks.density(nest.ifmap) * job.masks.density(nest.weight) for nest in job.nests
    )
    products = run.effectual_macs + run.pe_cycles["padding"]
    value_bits = job.array.activation_bits
    traffic = {"weight": weights} | _maps(job, row)
    glb, glb_pj = engine_memories(run, job.accelerator, used)
    energy = engine_energy_pj(prices, run.cycles, products, (value_bits, job.array.weight_bits), traffic)
    return EngineLayer(
        cycles=run.cycles,
        wait_cycles=0,
        pe_cycles=dict(run.pe_cycles),
        pe_load=tuple(int(load) for load in run.pe_load),
        effectual_macs=min(round(kept), products),
        issued_macs=products,
        energy_pj=energy | {"glb": glb_pj},
        glb=glb,
        ifmap_bits=value_bits,
        weight_bits=job.array.weight_bits,
        weight_dram_bytes=traffic["weight"],
        other_dram_bytes={name: size for name, size in traffic.items() if name != "weight"},
        mapping={"matrices": run.batches, "rounds": len(rounds)},
    )


_Stored = Sequence[Sequence[EieMatrix]]


def _stored(job: _Job, group: int) -> tuple[_Stored, _Stored]:
    """Return the matrices of each gate that take the inputs, and those that take the state; in blocks of columns."""
    found: list[_Stored] = []
    names = job.layer.inputs[1:3] if isinstance(job.layer, Recurrent) else job.layer.inputs[1:2]
    for name in names:
        mask = np.asarray(weight_matrix(job.layer, job.masks.mask(name))[group], dtype=np.bool_)
        found.append([job.blocks(part) for part in np.array_split(mask, GATES.get(job.layer.op, 1), axis=0)])
    return found[0], found[1] if len(found) > 1 else ()


def _vector_bytes(job: _Job, elements: int, active: int) -> int:
    return bits_to_bytes(elements * active * job.array.activation_bits)


def _product(job: _Job, stored: tuple[_Stored, _Stored], active: int, row: Row) -> list[EseMatrix]:
    """Return the blocks of a fully-connected layer: its inputs move with the first, its results with the last."""
    nest, blocks = job.nests[0], stored[0][0]
    made = [EseMatrix(block, nest.K) for block in blocks]
    made[-1] = replace(made[-1], vector_operations=len(row.fused), extra_bytes=_vector_bytes(job, nest.K, active))
    inputs = _vector_bytes(job, nest.inner, active)
    made[0] = replace(made[0], extra_bytes=made[0].extra_bytes + inputs)
    return made


def _recurrent(job: _Job, stored: tuple[_Stored, _Stored], active: int, row: Row) -> list[EseMatrix]:
    """Return the matrices of all time steps; those that take the state wait for the step before."""
    del row
    project, step = job.nests
    gates, hidden = len(stored[0]), step.C
    made: list[EseMatrix] = []
    inputs, states = _vector_bytes(job, project.inner, active), _vector_bytes(job, hidden, active)
    for _ in range(step.sequence_steps):
        before = len(made) - 1 if made else None
        first = len(made)
        made += [EseMatrix(block, hidden) for gate in stored[0] for block in gate]
        made[first] = replace(made[first], extra_bytes=inputs)
        for gate in range(gates):
            blocks = [EseMatrix(block, hidden, after=before) for block in stored[1][gate]]
            blocks[-1] = replace(blocks[-1], vector_operations=job.array.gate_passes)
            made += blocks
        made[-1] = replace(made[-1], extra_bytes=states)
    return made


def _on_all_channels(run: SparseRun, array: EseArray) -> SparseRun:
    """Count the channels without a vector as imbalance."""
    idle = (array.pes - run.multipliers) * run.cycles
    causes = dict(run.pe_cycles) | {"imbalance": run.pe_cycles["imbalance"] + idle}
    return replace(run, multipliers=array.pes, pe_cycles=causes)


def _maps(job: _Job, row: Row) -> dict[str, int]:
    """Return what moves beside the weights: inputs once, results once [bytes]."""
    del row
    graph, bits = job.masks.graph, job.array.activation_bits
    read = graph.tensors[job.layer.inputs[0]].elements * job.batch * bits
    written = graph.tensors[job.layer.outputs[0]].elements * job.batch * bits
    if isinstance(job.layer, Recurrent):
        read *= job.layer.directions
    return {"ifmap": read // BITS_PER_BYTE, "ofmap": written // BITS_PER_BYTE}


def _assumptions(accelerator: Accelerator) -> tuple[str, ...]:
    array = accelerator.array
    assert isinstance(array, EseArray)
    return (
        (
            f"{accelerator.name} computes {array.weight_bits}-bit weights and {array.activation_bits}-bit activations, "
            "whatever the model's; energy is of products, the engine's memories and DRAM: registers and wires inside "
            "are not counted"
        ),
        (
            "weights of every matrix and time step come from DRAM at its peak rate, one matrix ahead; activations are "
            "not skipped"
        ),
    )
