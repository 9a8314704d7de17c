"""SCNN, Cambricon-X, Cnvlutin and N:M tensor cores: the layers each can run, from the network's own masks.

The engines' laws are docs/model/sparse_engines.md's, operands on chip. DRAM is added by layers: what a layer reads and
writes moves while the layer works, wholly behind it (assumed: memories large enough for the next layer's operands), so
that a layer takes the longer of the two. What an engine cannot run is the host's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.arch import Accelerator
from simulator.arch.sparse_arrays import NmTensorCoreArray
from simulator.assembly import add_up, not_timed, warnings_of
from simulator.dataflow.binding import Row, bind
from simulator.dataflow.cambricon_x import CambriconXHardware, run_cambricon_x
from simulator.dataflow.cnvlutin import CnvlutinHardware, Window, run_cnvlutin
from simulator.dataflow.eyeriss_v2_array import EyerissV2Array, run_array
from simulator.dataflow.eyeriss_v2_pe import EyerissV2Pe
from simulator.dataflow.nm_tensor_core import NmTensorCoreHardware, Pattern, run_nm_tensor_core
from simulator.dataflow.scnn import run_scnn
from simulator.dataflow.scnn_hardware import ScnnHardware
from simulator.dataflow.sparse_run import SparseRun, add_runs
from simulator.energy import PriceList, PriceRow, price_list
from simulator.machines.contract import Outcome, Request
from simulator.machines.engine_layer import EngineLayer, engine_energy_pj, engine_memories, engine_result
from simulator.machines.host_layers import leave_to_host, refuse_choices
from simulator.results import LayerResult
from simulator.units import BITS_PER_BYTE, bits_to_bytes, ceil_div
from simulator.workload.graph import LayerGraph
from simulator.workload.layers import Conv, Gemm, Layer
from simulator.workload.loops import MacLoops
from simulator.workload.masks import Masks

Mask = npt.NDArray[np.bool_]
_RENAMED = {"pes": "pe_count"}


@dataclass(frozen=True)
class _Job:
    """One layer on one engine."""

    accelerator: Accelerator
    hardware: Any
    masks: Masks
    layer: Layer
    nest: MacLoops
    batch: int

    def weights(self) -> list[Mask]:
        """Return the weight mask of each group [outputs, channels, kernel rows, kernel columns]."""
        mask, nest = self.masks.mask(self.nest.weight), self.nest
        if isinstance(self.layer, Gemm):
            matrix = mask if self.layer.transpose_weight else mask.T
            return [matrix.reshape(nest.K, nest.C, 1, 1)]
        return list(mask.reshape(nest.G, nest.K, nest.C, nest.R, nest.S))

    def pixels(self) -> list[tuple[Mask, Mask]]:
        """Return weights [outputs, channels] and activations [pixels of all images, channels] of each group."""
        nest, images = self.nest, self.batch if self.masks.is_sparse(self.nest.ifmap) else 1
        rows = []
        for image in range(images):
            mask = self.masks.mask(nest.ifmap, image=image)
            if isinstance(self.layer, Gemm):
                turned = np.swapaxes(mask, -1, -2) if self.layer.transpose_ifmap else mask
                rows.append(turned.reshape(-1, turned.shape[-1]))
            else:
                kept = mask if mask.ndim == 4 else mask[:, :, None, :]
                kept = kept[:, :, :: nest.stride[0], :: nest.stride[1]]
                rows.append(np.moveaxis(kept, 1, -1).reshape(-1, kept.shape[1]))
        every = np.concatenate(rows * (self.batch // images))
        parts = np.split(every, nest.G, axis=1)
        return [(weights.reshape(nest.K, -1), part) for weights, part in zip(self.weights(), parts, strict=True)]

    def images(self) -> list[Mask]:
        """Return the activations of every image [channels of all groups, height, width]."""
        count = self.batch if self.masks.is_sparse(self.nest.ifmap) else 1
        masks = [self.masks.mask(self.nest.ifmap, image=image) for image in range(count)]
        found = [one for mask in masks for one in mask.reshape(-1, *mask.shape[1:])]
        return [one if one.ndim == 3 else one[:, None, :] for one in found] * (self.batch // count)

    @property
    def window(self) -> Window:
        """Kernel, stride and padding of a convolution."""
        return Window((self.nest.R, self.nest.S), self.nest.stride, self.nest.padding)


def _scnn(job: _Job) -> list[SparseRun]:
    channels = job.nest.C
    return [
        run_scnn(weights, image[group * channels : (group + 1) * channels], job.window, job.hardware)
        for image in job.images()
        for group, weights in enumerate(job.weights())
    ]


def _cnvlutin(job: _Job) -> list[SparseRun]:
    channels, outputs = job.nest.C, job.nest.K
    return [
        run_cnvlutin(image[group * channels : (group + 1) * channels], outputs, job.window, job.hardware)
        for image in job.images()
        for group in range(job.nest.G)
    ]


def _cambricon_x(job: _Job) -> list[SparseRun]:
    positions = job.nest.rows * job.batch
    return [run_cambricon_x(weights.reshape(job.nest.K, -1), positions, job.hardware) for weights in job.weights()]


def _eyeriss_v2(job: _Job) -> list[SparseRun]:
    return [run_array(weights, activations, job.hardware) for weights, activations in job.pixels()]


def _eyeriss_v2_hardware(clock_hz: float, **values: int) -> EyerissV2Array:
    of_array = {name: values.pop(name) for name in ("clusters", "pes_per_cluster")}
    return EyerissV2Array(pe=EyerissV2Pe(**values), clock_hz=clock_hz, **of_array)


def _nm(job: _Job) -> list[SparseRun]:
    array = job.accelerator.array
    assert isinstance(array, NmTensorCoreArray)
    positions, nest = job.nest.rows * job.batch, job.nest
    runs = []
    for weights in job.weights():
        matrix = _channels_last(weights)
        pattern = Pattern(array.n if _pattern_kept(job) else array.m, array.m)
        runs.append(run_nm_tensor_core((nest.K, nest.inner, positions), pattern, job.hardware, weights=matrix))
    return runs


def keeps_pattern(matrix: Mask, n: int, m: int) -> bool:
    """Say whether every ``m`` neighbours of a row hold at most ``n`` non-zeros.

    Examples
    --------
    >>> keeps_pattern(np.eye(4, dtype=bool), 2, 4), keeps_pattern(np.ones((1, 4), dtype=bool), 2, 4)
    (True, False)
    """
    counts = np.add.reduceat(matrix, np.arange(0, matrix.shape[1], m), axis=1, dtype=np.int64)
    return bool(counts.max() <= n)


@dataclass(frozen=True)
class _Engine:
    """What runs a kind of array: its hardware's class, its runner, the layers it takes, its formats in DRAM."""

    hardware: Callable[..., Any]
    run: Callable[[_Job], list[SparseRun]]
    layers: tuple[type, ...]
    packs: tuple[str, ...]
    """Operands that lie in DRAM without their zeros."""
    index_field: str = ""
    """Which field of the array is the width of an index."""
    multiplies_padding: bool = False
    pointwise: bool = False
    """Whether convolutions must be 1 x 1, without padding."""


ENGINES: Mapping[str, _Engine] = {
    "scnn": _Engine(ScnnHardware, _scnn, (Conv,), ("weight", "ifmap", "ofmap"), "index_bits"),
    "cambricon_x": _Engine(CambriconXHardware, _cambricon_x, (Conv, Gemm), ("weight",), "step_bits"),
    "cnvlutin": _Engine(CnvlutinHardware, _cnvlutin, (Conv,), ("ifmap", "ofmap"), ""),
    "eyeriss_v2": _Engine(
        _eyeriss_v2_hardware, _eyeriss_v2, (Conv, Gemm), ("weight", "ifmap", "ofmap"), "count_bits", pointwise=True
    ),
    "nm_tensor_core": _Engine(NmTensorCoreHardware, _nm, (Conv, Gemm), (), "", multiplies_padding=True),
}


def run_sparse_engine(request: Request) -> Outcome:
    """Run the layers of a network that an engine can run.

    Raises
    ------
    SimulatorError
        None can, mappings or a dataflow are given that it has not, or a layer does not fit.
    """
    graph, accelerator = request.graph, request.accelerator
    engine, flow = ENGINES[accelerator.array.kind], accelerator.array.dataflows[0]
    refuse_choices(request)
    hardware, prices = hardware_of(accelerator), price_list(accelerator)
    bound = bind(graph, accelerator, batch=request.batch)
    network = leave_to_host(bound, request.zeros, partial(_can_run, graph, engine), _form_of(engine), accelerator)
    layers: list[LayerResult] = []
    used: set[PriceRow] = set()
    for row in network.rows:
        layer = graph.layers[row.layer]
        job = _Job(accelerator, hardware, request.zeros, layer, graph.loops_of(layer)[0], network.batch)
        one = _layer(job, row, engine, prices, used)
        layers.append(engine_result(row, one, accelerator, int(layers[-1].end_cycle or 0) if layers else 0))
    return Outcome(
        layers=tuple(layers),
        total=add_up(accelerator, network, layers),
        dataflow=flow,
        prices=replace(prices, rows=(*_used(prices), *sorted(used, key=lambda row: row.name))),
        batch=network.batch,
        not_timed=not_timed(network),
        warnings=(*warnings_of(accelerator, network, layers), *_assumptions(accelerator, layers)),
    )


def _used(prices: PriceList) -> tuple[PriceRow, ...]:
    """Return the general prices that a result of these engines rests on."""
    return tuple(row for row in prices.rows if row.name.startswith(("mac", "dram", "static", "clock")))


def hardware_of(accelerator: Accelerator) -> Any:  # noqa: ANN401 - each engine has its own
    """Return the engine that a description describes.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> hardware_of(load_accelerator("cambricon_x")) == CambriconXHardware()
    True
    """
    array, kind = accelerator.array, ENGINES[accelerator.array.kind].hardware
    own = {"kind", "dataflows", "psum_bits", "n", "m"} | ({"value_bits"} if array.kind == "eyeriss_v2" else set())
    values = {name: getattr(array, _RENAMED.get(name, name)) for name in _field_names(array, own)}
    return kind(**values, clock_hz=accelerator.clock_hz)


def _field_names(array: Any, own: set[str]) -> list[str]:  # noqa: ANN401 - any array that skips zeros
    """Return the engine's names of an array's fields, but for those that only the description has."""
    back = {described: name for name, described in _RENAMED.items()}
    return [back.get(name, name) for name in type(array).model_fields if name not in own]


def _form_of(engine: _Engine) -> str:
    """Say what an engine runs."""
    form = "pointwise convolution" if engine.pointwise else "plain 2-D convolution"
    return " or ".join({"Conv": form, "Gemm": "matrix product"}[one.__name__] for one in engine.layers)


def _can_run(graph: LayerGraph, engine: _Engine, layer: Layer) -> bool:
    """Whether a layer is of a form that the engine's law knows: 2-D, no dilation, the same padding on both sides."""
    if not isinstance(layer, engine.layers) or not graph.tensors[layer.inputs[1]].constant:
        return False
    if isinstance(layer, Gemm):
        return True
    nest = graph.loops_of(layer)[0]
    if not isinstance(layer, Conv) or layer.op == "conv3d" or max(nest.dilation) > 1:
        return False
    if engine.pointwise and ((nest.R, nest.S) != (1, 1) or max(nest.padding) > 0):
        return False
    window = Window((nest.R, nest.S), nest.stride, nest.padding)
    fits = nest.H + 2 * nest.padding[0] >= nest.R and nest.W + 2 * nest.padding[1] >= nest.S
    return fits and window.outputs(nest.H, nest.W) == (nest.P, nest.Q)


def _layer(job: _Job, row: Row, engine: _Engine, prices: PriceList, used: set[PriceRow]) -> EngineLayer:
    run = add_runs(engine.run(job))
    traffic = _dram_bytes(job, engine)
    wait = max(0, _dram_cycles(job.accelerator, sum(traffic.values())) - run.cycles)
    products = run.effectual_macs + (run.pe_cycles["padding"] if engine.multiplies_padding else 0)
    kept = job.masks.density(job.nest.ifmap) * job.masks.density(job.nest.weight)
    glb, glb_pj = engine_memories(run, job.accelerator, used)
    bits = (job.accelerator.array.value_bits, job.accelerator.array.value_bits)  # type: ignore[union-attr]
    return EngineLayer(
        cycles=run.cycles,
        wait_cycles=wait,
        pe_cycles=dict(run.pe_cycles),
        pe_load=tuple(int(load) for load in run.pe_load),
        effectual_macs=min(round(row.macs * kept), products),
        issued_macs=products,
        energy_pj=engine_energy_pj(prices, run.cycles + wait, products, bits, traffic) | {"glb": glb_pj},
        glb=glb,
        ifmap_bits=bits[0],
        weight_bits=bits[1],
        weight_dram_bytes=traffic["weight"],
        other_dram_bytes={name: size for name, size in traffic.items() if name != "weight"},
        mapping=_mapping(job, run),
    )


def _mapping(job: _Job, run: SparseRun) -> dict[str, object]:
    array = job.accelerator.array
    if not isinstance(array, NmTensorCoreArray):
        return {"runs": run.batches}
    return {"runs": run.batches, "pattern": f"{array.n}:{array.m}" if _pattern_kept(job) else "dense"}


def _pattern_kept(job: _Job) -> bool:
    """Whether a layer runs, and lies in memory, in the N:M form of the array."""
    array = job.accelerator.array
    if not isinstance(array, NmTensorCoreArray) or array.n == array.m:
        return False
    return all(keeps_pattern(_channels_last(weights), array.n, array.m) for weights in job.weights())


def _channels_last(weights: Mask) -> Mask:
    """Return rows of outputs whose neighbours are channels at one kernel position."""
    return weights.transpose(0, 2, 3, 1).reshape(weights.shape[0], -1)


def _dram_bytes(job: _Job, engine: _Engine) -> dict[str, int]:
    """Return what a layer moves [bytes]: non-zeros with their indices where the engine packs, all values elsewhere."""
    array, graph = job.accelerator.array, job.masks.graph
    index_bits = getattr(array, engine.index_field) if engine.index_field else 4
    word = ceil_div(job.accelerator.dram.word_bits, BITS_PER_BYTE)
    names = {"weight": job.nest.weight, "ifmap": job.nest.ifmap, "ofmap": job.nest.ofmap}
    traffic = {}
    for operand, name in names.items():
        tensor = graph.tensors[name]
        elements = tensor.elements * (1 if operand == "weight" else job.batch)
        raw_bits = elements * array.value_bits  # type: ignore[union-attr]
        bits = raw_bits
        if operand == "weight" and _pattern_kept(job):
            assert isinstance(array, NmTensorCoreArray)
            bits = elements * array.n * (array.value_bits + (array.m - 1).bit_length()) // array.m
        elif operand in engine.packs:
            kept = round(elements * job.masks.density(name))
            bits = min(raw_bits, kept * (array.value_bits + index_bits))  # type: ignore[union-attr]
        traffic[operand] = ceil_div(bits_to_bytes(bits), word) * word
    return traffic


def _dram_cycles(accelerator: Accelerator, moved_bytes: int) -> int:
    return int(-(-moved_bytes // accelerator.dram_bytes_per_cycle)) + accelerator.dram.latency_cycles


def _assumptions(accelerator: Accelerator, layers: list[LayerResult]) -> tuple[str, ...]:
    array = accelerator.array
    has_memories = any(layer.energy_pj["glb"] for layer in layers)
    counted = "products, the engine's memories and DRAM" if has_memories else "products and DRAM alone"
    found = [
        (
            f"{accelerator.name} computes at its own width ({layers[0].weight_bits} bits), whatever the model's; "
            f"energy is of {counted}: registers and wires inside are not counted"
        ),
        "DRAM transfers of a layer are taken to hide behind its work wholly, or it behind them",
    ]
    if isinstance(array, NmTensorCoreArray):
        dense = sum(1 for layer in layers if layer.mapping["pattern"] == "dense")
        found += (
            [f"{dense} of {len(layers)} layers break the pattern {array.n}:{array.m} and run dense"] if dense else []
        )
    return tuple(found)
