"""EIE: fully-connected layers on compressed weights, each image and row one vector; docs/model/eie.md is its law.

Weights and activations are on chip, as published. Where the network's compressed weights do not fit the chip together,
each layer's are read from DRAM before it begins, and nothing hides that. All other layers are the host's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

import numpy as np
import numpy.typing as npt

from simulator.arch import Accelerator
from simulator.arch.eie_array import EieArray
from simulator.arch.technology import logic_factor
from simulator.assembly import add_up, not_timed, warnings_of
from simulator.dataflow.binding import BoundNetwork, Row, bind
from simulator.dataflow.eie import PE_CYCLE_NAMES, EiePlan, EieRun, plan_layer, run_plan
from simulator.dataflow.eie_hardware import EieHardware
from simulator.dataflow.eie_matrix import broadcast_mask
from simulator.energy import PriceList, PriceRow, price_list
from simulator.energy.eie_energy import eie_energy_pj, event_energy_pj
from simulator.errors import ArchitectureError
from simulator.machines.contract import Outcome, Request
from simulator.machines.engine_layer import EngineLayer, engine_result
from simulator.machines.host_layers import leave_to_host
from simulator.results import Access, LayerResult
from simulator.units import BITS_PER_BYTE, KIB, bits_to_bytes, ceil_div
from simulator.workload.graph import LayerGraph
from simulator.workload.layers import Gemm, Layer
from simulator.workload.masks import Masks
from simulator.workload.reductions import weight_matrix

COMPONENT_OF = {
    "arithmetic": "mac",
    "activation_rw": "rf",
    "activation_queue": "noc",
    "nonzero_detection": "noc",
    "pointer_read": "glb",
    "sparse_matrix_read": "glb",
}
"""Where each published module's energy stands in a result."""

ENERGY_SOURCE = "Han et al., ISCA 2016, table II, over the events of AlexNet FC8 (inferred); clock and leakage included"


@dataclass(frozen=True)
class _Chip:
    """One chip with the network's zeros."""

    accelerator: Accelerator
    hardware: EieHardware
    masks: Masks
    prices: PriceList
    energy_factor: float


def hardware_of(accelerator: Accelerator) -> EieHardware:
    """Return the chip that a description describes.

    Raises
    ------
    ArchitectureError
        Its array is no EIE, a memory is no whole number of KiB a PE, or a number makes no sense.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> hardware_of(load_accelerator("eie_64pe")) == EieHardware()
    True
    """
    array = accelerator.array
    if not isinstance(array, EieArray):
        message = f"accelerator {accelerator.name}: array.kind = {array.kind!r}; give one whose array.kind is 'eie'"
        raise ArchitectureError(message)
    sizes = {}
    for operand in ("weight", "ifmap"):
        buffer = accelerator.buffer_of(operand)
        sizes[operand], rest = divmod(buffer.capacity_bytes, array.pes * KIB)
        if rest or not sizes[operand]:
            message = (
                f"accelerator {accelerator.name}: buffers.{buffer.name}.capacity_bytes = {buffer.capacity_bytes} is no "
                f"whole number of KiB for each of {array.pes} PEs; give a multiple of {array.pes * KIB}"
            )
            raise ArchitectureError(message)
    return EieHardware(
        pes=array.pes,
        queue_depth=array.queue_depth,
        weight_bits=array.weight_bits,
        index_bits=array.index_bits,
        weight_row_bits=accelerator.buffer_of("weight").word_bits,
        weight_sram_kib_per_pe=sizes["weight"],
        pointer_sram_kib_per_pe=array.pointer_sram_kib_per_pe,
        pointer_bits=array.pointer_bits,
        activation_sram_kib_per_pe=sizes["ifmap"],
        activation_registers_per_pe=array.activation_registers_per_pe,
        activation_bits=array.activation_bits,
        drain_cycles=array.drain_cycles,
        clock_hz=accelerator.clock_hz,
    )


def run_eie(request: Request) -> Outcome:
    """Run the fully-connected layers of a network on EIE.

    Raises
    ------
    SimulatorError
        No layer is fully connected, mappings are given (there are none), or no batching makes a layer fit.
    """
    graph, accelerator = request.graph, request.accelerator
    if request.mappings:
        message = f"accelerator {accelerator.name}: EIE has no mappings to give; leave them out"
        raise ArchitectureError(message)
    if request.dataflow not in (None, "auto", "eie"):
        message = f"dataflow {request.dataflow!r}: {accelerator.name} runs eie; leave it out"
        raise ArchitectureError(message)
    chip = _Chip(
        accelerator,
        hardware_of(accelerator),
        request.zeros,
        price_list(accelerator),
        logic_factor(accelerator.technology),
    )
    network = host_rest(bind(graph, accelerator, batch=request.batch), request.zeros, accelerator)
    plans = {row.layer: _plan(chip, graph, row) for row in network.rows}
    reload_bits = _reload_bits(chip, plans)
    layers: list[LayerResult] = []
    for row in network.rows:
        start = int(layers[-1].end_cycle or 0) if layers else 0
        one = _run_layer(chip, graph, (row, network.batch), (plans[row.layer], reload_bits.get(row.layer, 0)))
        layers.append(engine_result(row, one, accelerator, start))
    return Outcome(
        layers=tuple(layers),
        total=add_up(accelerator, network, layers),
        dataflow="eie",
        prices=_priced(chip),
        batch=network.batch,
        not_timed=not_timed(network),
        warnings=(*warnings_of(accelerator, network, layers), *_assumptions(chip, bool(reload_bits))),
    )


def host_rest(network: BoundNetwork, masks: Masks, accelerator: Accelerator) -> BoundNetwork:
    """Return the network with every layer but the fully-connected ones left to the host.

    Raises
    ------
    WorkloadError
        Nothing is left for the chip.
    """

    def can_run(layer: Layer) -> bool:
        return isinstance(layer, Gemm) and masks.graph.tensors[layer.inputs[1]].constant

    return leave_to_host(network, masks, can_run, "fully-connected layer", accelerator)


def _plan(chip: _Chip, graph: LayerGraph, row: Row) -> EiePlan:
    layer = graph.layers[row.layer]
    weights = weight_matrix(layer, chip.masks.mask(layer.inputs[1]))[0]
    bias = np.ones(weights.shape[0], dtype=np.bool_) if len(layer.inputs) > 2 else None
    return plan_layer(weights, chip.hardware, bias=bias)


def _entries_per_pe(plan: EiePlan) -> npt.NDArray[np.int64]:
    return np.asarray(np.add.reduce([batch.matrix.entries.sum(axis=0) for batch in plan.batches]))


def _pointers(plan: EiePlan) -> int:
    return sum(batch.matrix.entries.shape[0] + 1 for batch in plan.batches)


def _reload_bits(chip: _Chip, plans: Mapping[int, EiePlan]) -> dict[int, int]:
    """Return the bits each layer reads from DRAM: none where all layers' weights and pointers fit the chip together."""
    entries = np.add.reduce([_entries_per_pe(plan) for plan in plans.values()])
    pointers = sum(_pointers(plan) for plan in plans.values())
    hardware = chip.hardware
    if int(entries.max()) <= hardware.weight_entries_per_pe and pointers <= hardware.pointers_per_pe:
        return {}
    return {
        index: int(_entries_per_pe(plan).sum()) * hardware.entry_bits
        + _pointers(plan) * hardware.pes * hardware.pointer_bits
        for index, plan in plans.items()
    }


def _vectors(chip: _Chip, layer: Gemm, batch: int) -> npt.NDArray[np.bool_]:
    """Return the activations of every row of every image [vectors, inputs]."""
    name = layer.inputs[0]
    images = range(batch) if chip.masks.is_sparse(name) else range(1)
    masks = [chip.masks.mask(name, image=image) for image in images]
    found = []
    for mask in masks:
        turned = np.swapaxes(mask, -1, -2) if layer.transpose_ifmap else mask
        found.append(turned.reshape(prod(turned.shape[:-1]), turned.shape[-1]))
    return np.concatenate(found)


def _run_layer(chip: _Chip, graph: LayerGraph, which: tuple[Row, int], stored: tuple[EiePlan, int]) -> EngineLayer:
    (row, batch), (plan, reload_bits) = which, stored
    layer = graph.layers[row.layer]
    assert isinstance(layer, Gemm)
    vectors = _vectors(chip, layer, batch)
    whole = ceil_div(batch * (graph.tensors[layer.inputs[0]].elements // plan.inputs), vectors.shape[0])
    runs: dict[bytes, tuple[EieRun, int]] = {}  # equal vectors take equal time
    for vector in vectors:
        key = np.packbits(vector).tobytes()
        known = runs.get(key)
        run = run_plan(plan, broadcast_mask(vector, plan.inputs), chip.hardware) if known is None else known[0]
        runs[key] = (run, whole + (0 if known is None else known[1]))
    return _summed(chip, list(runs.values()), plan, reload_bits, biases=_biases(layer, graph, batch))


def _biases(layer: Gemm, graph: LayerGraph, batch: int) -> int:
    return graph.tensors[layer.outputs[0]].elements * batch if len(layer.inputs) > 2 else 0


def _summed(
    chip: _Chip, runs: list[tuple[EieRun, int]], plan: EiePlan, reload_bits: int, *, biases: int
) -> EngineLayer:
    """Add the vectors up; each run stands for as many vectors as its count says."""
    hardware, dram = chip.hardware, chip.accelerator.dram
    pe_cycles = {name: sum(run.pe_cycles[name] * count for run, count in runs) for name in PE_CYCLE_NAMES}
    energy = dict.fromkeys(COMPONENT_OF.values(), 0.0)
    for run, count in runs:
        for module, pj in eie_energy_pj(run).items():
            energy[COMPONENT_OF[module]] += pj * count * chip.energy_factor
    reads = ceil_div(bits_to_bytes(reload_bits), ceil_div(dram.word_bits, BITS_PER_BYTE))
    dram_bytes = reads * ceil_div(dram.word_bits, BITS_PER_BYTE)
    transfer = int(-(-dram_bytes // chip.accelerator.dram_bytes_per_cycle)) if dram_bytes else 0
    energy["dram"] = dram_bytes * BITS_PER_BYTE * chip.prices.dram_pj_per_bit
    weight_words = sum(run.weight_row_reads * count for run, count in runs)
    activation_words = sum((run.activation_sram_words + run.broadcasts) * count for run, count in runs)
    return EngineLayer(
        cycles=sum(run.cycles * count for run, count in runs),
        wait_cycles=transfer + dram.latency_cycles if dram_bytes else 0,
        pe_cycles=pe_cycles,
        pe_load=tuple(int(load) for load in np.add.reduce([run.pe_entries * count for run, count in runs])),
        effectual_macs=pe_cycles["useful"] - biases,
        issued_macs=pe_cycles["useful"] + pe_cycles["padding"] - biases,
        energy_pj=energy,
        glb={
            "ifmap": Access(activation_words, 0, bits_to_bytes(activation_words * hardware.activation_bits)),
            "weight": Access(weight_words, 0, bits_to_bytes(weight_words * hardware.weight_row_bits)),
            "psum": Access(),
        },
        ifmap_bits=hardware.activation_bits,
        weight_bits=hardware.weight_bits,
        weight_dram_bytes=dram_bytes,
        mapping={"vectors": sum(count for _, count in runs), "batches": len(plan.batches)},
    )


def _priced(chip: _Chip) -> PriceList:
    """Return the price list as it was used: an event of each module, and DRAM."""
    rows = tuple(
        PriceRow(f"eie {name} ({COMPONENT_OF[name]})", pj * chip.energy_factor, "pJ", ENERGY_SOURCE, "A")
        for name, pj in event_energy_pj().items()
    )
    return replace(chip.prices, rows=(*rows, *(row for row in chip.prices.rows if row.name == "dram")))


def _assumptions(chip: _Chip, reloads: bool) -> tuple[str, ...]:
    hardware = chip.hardware
    found = [
        (
            f"{chip.accelerator.name} holds weights as {hardware.weight_bits}-bit codes of a shared codebook and "
            f"activations in {hardware.activation_bits} bits, whatever the model's widths; activations stay on chip "
            "between its layers"
        ),
    ]
    if reloads:
        found.append(
            "the network's compressed weights do not fit the chip together: each layer's are read from DRAM before it "
            "begins, and nothing hides that (the published chip has no DRAM: its times have all weights on chip)"
        )
    return tuple(found)
