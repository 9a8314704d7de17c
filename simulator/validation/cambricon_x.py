"""Cambricon-X beside its paper: speed-up over DianNao, both simulated from DRAM to DRAM, at recalled densities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulator.dataflow.cambricon_x import CambriconXHardware, run_cambricon_x, stream_buffers, streamed_weights
from simulator.dataflow.diannao import DianNaoHardware, run_diannao
from simulator.dataflow.streamed_product import StreamedWeights, run_stream
from simulator.errors import ArchitectureError
from simulator.units import OPS_PER_MAC, bits_to_bytes, ceil_div
from simulator.validation.pruned_networks import (
    ALEXNET,
    ALEXNET_DENSE_LAYERS,
    LENET_5,
    LENET_300_100,
    VGG_16,
    VGG_16_DENSE_LAYERS,
    PrunedLayer,
)
from simulator.validation.rows import Quantity, ValidationReport, ValidationRow, compare

CHIP = "cambricon_x"

PUBLISHED_SPEEDUP = 7.23
"""Mean over the paper's networks, over DianNao (found)."""

PUBLISHED_PEAK_GOPS = 544.0

Layers = tuple[PrunedLayer, ...]

NETWORKS: Mapping[str, Layers] = {
    "AlexNet": ALEXNET + ALEXNET_DENSE_LAYERS,
    "VGG-16": VGG_16 + VGG_16_DENSE_LAYERS,
    "LeNet-5": LENET_5,
    "LeNet-300-100": LENET_300_100,
}
GROUPS: Mapping[str, Layers] = {
    "AlexNet convolutions": ALEXNET,
    "AlexNet fully connected": ALEXNET_DENSE_LAYERS,
    "VGG-16 convolutions": VGG_16,
    "VGG-16 fully connected": VGG_16_DENSE_LAYERS,
}
BANDWIDTHS: Mapping[str, float] = {"operands on chip": 1e15, "50 GB/s": 50e9, "12.8 GB/s": 12.8e9}
"""Beside DianNao's own [bytes a second]: as if nothing came from DRAM, and two slower memories."""

_SEED = 0
_TARGET_PCT = 20.0
_NOTES = (
    "Zhang et al., MICRO 2016: only the abstract is found (7.23 x the state of the art, 16 PEs, 544 GOP/s). Which",
    "networks, how sparse, over which memory, a mean of what, is not; that DianNao is that machine is recalled.",
    "Networks and densities: Han et al., NIPS 2015 (recalled); uniform random masks; the mean is of whole networks.",
    "DianNao: 16 x 16 multipliers, NBin 2, NBout 2, SB 32 KB, 0.98 GHz, 250 GB/s (recalled); dense weights.",
    "Cambricon-X: the same 250 GB/s (assumed: like for like); weights and steps of non-zeros alone. Both by one law",
    "of double-buffered tiles, each under its own best tiling; loads and stores have a port each (assumed).",
    "bound: perfect skipping of zero weights, and of their bytes where weights bind DianNao. With these networks at",
    "this bandwidth it stays below the published mean, convolutions below 4: no PEs beside this DianNao reach it.",
    "The abstract has PEs compute asynchronously; here they wait for each other at every 256 inputs (assumed). Never",
    "waiting within a layer gains little (asynchronous PEs, operands on chip). 50 and 12.8 GB/s say too little of a",
    "slow memory: each window's inputs come anew (assumed), which binds convolutions of both machines. rooflines: both",
    "as fast as their multipliers, or as bytes that move once, zero weights skipped perfectly: 5.2 to 6.5 at every",
    "bandwidth. So no memory explains the published mean either: sparser networks, a slower DianNao or a mean of",
    "something else would. It misses its target and stays as it is.",
)


@dataclass(frozen=True)
class LayerTimes:
    """One layer on both machines [s], and how much sooner it could end at most."""

    diannao_s: float
    cambricon_x_s: float
    bound: float

    @property
    def speedup(self) -> float:
        """How much sooner it ends than on DianNao."""
        return self.diannao_s / self.cambricon_x_s


@dataclass(frozen=True)
class DrawnLayer:
    """A layer whose weights were drawn: what streaming needs of them, and a position's cycles on the fullest PE."""

    layer: PrunedLayer
    shape: tuple[int, int]
    kept: int
    weights: StreamedWeights
    fullest_cycles: int


def validate_cambricon_x(data: Path | None = None, queue_depth: int | None = None) -> ValidationReport:
    """Compare Cambricon-X's mean speed-up with its paper.

    Parameters
    ----------
    data, queue_depth
        There is no file form of its layers, and it has no queues: must be None.

    Raises
    ------
    ArchitectureError
        One of them was given.
    """
    for option, value, told in (("--data", data, "no file form"), ("--queue-depth", queue_depth, "no queues")):
        if value is not None:
            message = f"cambricon_x: {option} {value} was given, but this engine has {told}; leave it out"
            raise ArchitectureError(message)
    drawn = {layer: draw_layer(layer) for layers in NETWORKS.values() for layer in layers}
    times = _times(drawn, DianNaoHardware().dram_bytes_per_second)
    shown = Quantity("speedup", "x", "predicted")
    found = [network_speedup(layers, times) for layers in NETWORKS.values()]
    rows = [
        compare("mean of networks", Quantity("speedup", "x", "recalled", _TARGET_PCT), PUBLISHED_SPEEDUP, _mean(found)),
        *(compare(name, shown, None, speedup) for name, speedup in zip(NETWORKS, found, strict=True)),
        *_group_rows(times),
        compare(
            "mean of networks: bound", shown, None, _mean([network_bound(one, times) for one in NETWORKS.values()])
        ),
        compare(
            "mean of networks: asynchronous PEs, gain at most",
            Quantity("gain", "x", "predicted"),
            None,
            _mean([asynchronous_gain([drawn[layer] for layer in layers]) for layers in NETWORKS.values()]),
        ),
    ]
    every = _mean([one.speedup for one in times.values()])
    rows.append(compare("mean of all layers", Quantity("speedup", "x", "recalled"), PUBLISHED_SPEEDUP, every))
    for told, rate in BANDWIDTHS.items():
        other = _times(drawn, rate)
        mean = _mean([network_speedup(layers, other) for layers in NETWORKS.values()])
        rows.append(compare(f"mean of networks: {told}", shown, None, mean))
    for told, rate in {"": DianNaoHardware().dram_bytes_per_second, **BANDWIDTHS}.items():
        fastest = [roofline_speedup([drawn[layer] for layer in layers], rate) for layers in NETWORKS.values()]
        name = f"mean of networks: rooflines{', ' if told else ''}{told}"
        rows.append(compare(name, shown, None, _mean(fastest)))
    hardware = CambriconXHardware()
    peak = OPS_PER_MAC * hardware.multipliers * hardware.clock_hz / 1e9
    rows.append(compare("peak", Quantity("peak_throughput", "GOP/s", "published", 10.0), PUBLISHED_PEAK_GOPS, peak))
    return ValidationReport(CHIP, tuple(rows), _NOTES)


def _times(drawn: Mapping[PrunedLayer, DrawnLayer], dram_bytes_per_second: float) -> dict[PrunedLayer, LayerTimes]:
    return {layer: layer_times(one, dram_bytes_per_second) for layer, one in drawn.items()}


def draw_layer(layer: PrunedLayer) -> DrawnLayer:
    """Draw the weights of one group of a layer."""
    generator = np.random.default_rng([_SEED, layer.outputs, layer.channels, layer.plane])
    weights = layer.weights(generator)
    reduction = weights.transpose(0, 2, 3, 1).reshape(weights.shape[0], -1)  # neighbouring channels side by side
    streamed = streamed_weights(reduction, CambriconXHardware())
    fullest = int(run_cambricon_x(reduction, 1).pe_load.max())
    kept = int(np.count_nonzero(reduction))
    return DrawnLayer(layer, (reduction.shape[0], reduction.shape[1]), kept, streamed, fullest)


def layer_times(drawn: DrawnLayer, dram_bytes_per_second: float) -> LayerTimes:
    """Run a layer on both machines.

    Examples
    --------
    >>> times = layer_times(draw_layer(ALEXNET_DENSE_LAYERS[1]), 250e9)
    >>> 6 < times.speedup < times.bound < 9
    True
    """
    layer, positions = drawn.layer, drawn.layer.positions**2
    dense, sparse = DianNaoHardware(dram_bytes_per_second=dram_bytes_per_second), CambriconXHardware()
    before_s = run_diannao(*drawn.shape, positions, dense).cycles / dense.clock_hz
    after = run_stream(drawn.weights, positions, stream_buffers(sparse, dram_bytes_per_second))
    least_s = max(
        positions * drawn.kept / sparse.multipliers / sparse.clock_hz,
        bits_to_bytes(drawn.kept * (sparse.value_bits + sparse.step_bits)) / dram_bytes_per_second,
    )
    return LayerTimes(layer.groups * before_s, layer.groups * after.cycles / sparse.clock_hz, before_s / least_s)


def network_speedup(layers: Layers, times: Mapping[PrunedLayer, LayerTimes]) -> float:
    """Return how much sooner a whole network ends."""
    return sum(times[layer].diannao_s for layer in layers) / sum(times[layer].cambricon_x_s for layer in layers)


def network_bound(layers: Layers, times: Mapping[PrunedLayer, LayerTimes]) -> float:
    """Return how much sooner a whole network could end at most."""
    least_s = sum(times[layer].diannao_s / times[layer].bound for layer in layers)
    return sum(times[layer].diannao_s for layer in layers) / least_s


def asynchronous_gain(layers: Sequence[DrawnLayer]) -> float:
    """Return the factor that PEs gain which never wait for each other within a layer, operands on chip.

    Examples
    --------
    >>> drawn = draw_layer(PrunedLayer("fc", 64, 1024, 1, 1, 1, 0, 0.1, 1.0))
    >>> int(drawn.weights.cycles.sum()), drawn.fullest_cycles, asynchronous_gain([drawn]) > 1
    (44, 35, True)
    """
    waiting, alone = (
        sum(one.layer.groups * one.layer.positions**2 * cycles(one) for one in layers)
        for cycles in (lambda one: int(one.weights.cycles.sum()), lambda one: one.fullest_cycles)
    )
    return waiting / alone


def roofline_speedup(layers: Sequence[DrawnLayer], dram_bytes_per_second: float) -> float:
    """Return how much sooner a network ends if both machines always run at their roofline.

    A layer takes as long as its products, zero weights skipped perfectly on Cambricon-X, or as its weights, inputs and
    outputs, each moved once.

    Examples
    --------
    >>> drawn = draw_layer(PrunedLayer("fc", 1024, 4096, 1, 1, 1, 0, 0.1, 1.0))
    >>> round(roofline_speedup([drawn], 1e9), 1), round(roofline_speedup([drawn], 1e15), 1)  # 16 of 24 bits, 0.98 GHz
    (6.6, 10.2)
    """
    dense, sparse = DianNaoHardware(), CambriconXHardware()
    dense_s = sparse_s = 0.0
    for one in layers:
        layer, (outputs, inputs), positions = one.layer, one.shape, one.layer.positions**2
        values = layer.channels * layer.plane**2 + layer.outputs * positions
        steps = ceil_div(outputs, dense.outputs) * ceil_div(inputs, dense.inputs) * positions
        dense_bits = (values + layer.groups * outputs * inputs) * dense.value_bits
        sparse_bits = values * sparse.value_bits + layer.groups * one.kept * (sparse.value_bits + sparse.step_bits)
        products_s = positions * one.kept / sparse.multipliers / sparse.clock_hz
        dense_s += max(layer.groups * steps / dense.clock_hz, bits_to_bytes(dense_bits) / dram_bytes_per_second)
        sparse_s += max(layer.groups * products_s, bits_to_bytes(sparse_bits) / dram_bytes_per_second)
    return dense_s / sparse_s


def _group_rows(times: Mapping[PrunedLayer, LayerTimes]) -> list[ValidationRow]:
    shown = Quantity("speedup", "x", "predicted")
    rows = []
    for name, layers in GROUPS.items():
        rows.append(compare(f"{name}: mean", shown, None, _mean([times[layer].speedup for layer in layers])))
        rows.append(compare(f"{name}: bound", shown, None, _mean([times[layer].bound for layer in layers])))
    return rows


def _mean(values: list[float]) -> float:
    return float(np.mean(values))
