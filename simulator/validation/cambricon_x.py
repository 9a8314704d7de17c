"""Cambricon-X beside its paper: speed-up over DianNao on AlexNet and VGG-16, at recalled densities."""

from pathlib import Path

import numpy as np

from simulator.dataflow.cambricon_x import CambriconXHardware, run_cambricon_x
from simulator.errors import ArchitectureError
from simulator.units import OPS_PER_MAC, ceil_div
from simulator.validation.pruned_networks import (
    ALEXNET,
    ALEXNET_DENSE_LAYERS,
    VGG_16,
    VGG_16_DENSE_LAYERS,
    PrunedLayer,
)
from simulator.validation.rows import Quantity, ValidationReport, ValidationRow, compare

CHIP = "cambricon_x"

PUBLISHED_SPEEDUP = 7.23
"""Mean over the paper's networks, over DianNao (found)."""

PUBLISHED_PEAK_GOPS = 544.0
DIANNAO_CLOCK_HZ = 0.98e9
DIANNAO_OUTPUTS = DIANNAO_INPUTS = 16

GROUPS = {
    "AlexNet convolutions": ALEXNET,
    "AlexNet fully connected": ALEXNET_DENSE_LAYERS,
    "VGG-16 convolutions": VGG_16,
    "VGG-16 fully connected": VGG_16_DENSE_LAYERS,
}

_SEED = 0
_TARGET_PCT = 20.0
_NOTES = (
    "Zhang et al., MICRO 2016: the mean speed-up over DianNao is found, its networks' densities are not.",
    "Densities recalled from Han et al., NIPS 2015; uniform random masks; operands on chip on both machines.",
    "DianNao: 16 outputs x 16 inputs a cycle at 0.98 GHz, dense.",
    "bound: perfect skipping of zero weights. It stays below 4 on convolutions: the published mean must rest",
    "on sparser networks, or on DianNao's waits for memory, which are not in this comparison.",
    "The mean is of all layers alike; it misses its target and stays as it is.",
)


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
    hardware = CambriconXHardware()
    rows: list[ValidationRow] = []
    speedups: list[float] = []
    for name, layers in GROUPS.items():
        found = [layer_speedup(layer, hardware) for layer in layers]
        bounds = [_bound(layer, hardware) for layer in layers]
        speedups += found
        shown = Quantity("speedup", "x", "predicted")
        rows.append(compare(f"{name}: mean", shown, None, float(np.mean(found))))
        rows.append(compare(f"{name}: bound", shown, None, float(np.mean(bounds))))
    mean = Quantity("speedup", "x", "recalled", _TARGET_PCT)
    rows.insert(0, compare("mean of all layers", mean, PUBLISHED_SPEEDUP, float(np.mean(speedups))))
    peak = OPS_PER_MAC * hardware.multipliers * hardware.clock_hz / 1e9
    rows.append(compare("peak", Quantity("peak_throughput", "GOP/s", "published", 10.0), PUBLISHED_PEAK_GOPS, peak))
    return ValidationReport(CHIP, tuple(rows), _NOTES)


def layer_speedup(layer: PrunedLayer, hardware: CambriconXHardware) -> float:
    """Return how much sooner a layer ends than on DianNao.

    Examples
    --------
    >>> 6 < layer_speedup(ALEXNET_DENSE_LAYERS[1], CambriconXHardware()) < 8
    True
    """
    generator = np.random.default_rng([_SEED, layer.outputs, layer.channels, layer.plane])
    weights = layer.weights(generator)
    reduction = weights.transpose(0, 2, 3, 1).reshape(weights.shape[0], -1)  # neighbouring channels side by side
    run = run_cambricon_x(reduction, layer.positions**2, hardware)
    return _diannao_s(layer) / (run.time_s * layer.groups)


def _diannao_s(layer: PrunedLayer) -> float:
    outputs, reduction = layer.outputs // layer.groups, layer.channels // layer.groups * layer.kernel**2
    steps = ceil_div(outputs, DIANNAO_OUTPUTS) * ceil_div(reduction, DIANNAO_INPUTS)
    return layer.groups * layer.positions**2 * steps / DIANNAO_CLOCK_HZ


def _bound(layer: PrunedLayer, hardware: CambriconXHardware) -> float:
    """Return the speed-up if every multiplier always had a non-zero weight."""
    return _diannao_s(layer) * hardware.multipliers * hardware.clock_hz / (layer.macs * layer.weight_density)
