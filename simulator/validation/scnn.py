"""SCNN beside its paper: speed-up over its dense twin on AlexNet and VGG-16, at recalled densities."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from simulator.dataflow.cnvlutin import Window
from simulator.dataflow.scnn import run_scnn
from simulator.dataflow.scnn_hardware import ScnnHardware
from simulator.dataflow.scnn_tiles import plan_scnn
from simulator.dataflow.sparse_run import PE_CYCLE_CAUSES
from simulator.errors import ArchitectureError
from simulator.units import ceil_div
from simulator.validation.pruned_networks import ALEXNET, VGG_16, PrunedLayer
from simulator.validation.rows import Quantity, ValidationReport, ValidationRow, compare

CHIP = "scnn"

PUBLISHED_SPEEDUPS = {"AlexNet": 2.37, "VGG-16": 3.52, "GoogLeNet": 2.19}
"""Of a network's convolutions over the dense DCNN of as many multipliers (recalled with high confidence)."""

RECALLED_BREAK_EVEN = 0.85
"""Of weights and activations alike; measured on GoogLeNet (recalled with high confidence)."""

NETWORKS = {"AlexNet": ALEXNET, "VGG-16": VGG_16}

_SEED = 0
_TARGET_PCT = 20.0
_SPEEDUP = Quantity("speedup", "x", "recalled", _TARGET_PCT)
_NOTES = (
    "Parashar et al., ISCA 2017 (speed-ups recalled); densities recalled from Han et al., NIPS 2015; uniform masks.",
    "DCNN, the dense twin (assumed): the same tiles on 8 x 8 PEs, each a dot product of 16 a cycle.",
    "One group of outputs is run for each layer, product by product, and stands for all of them.",
    "break_even_density: the paper's is GoogLeNet's, ours AlexNet's, linear between densities; shown, not judged.",
    "GoogLeNet is not run: its densities are not recalled. Tiles, bank hash, queues and strides: see the model's page.",
)


def validate_scnn(data: Path | None = None, queue_depth: int | None = None) -> ValidationReport:
    """Compare SCNN's speed-ups with its paper.

    Parameters
    ----------
    data
        There is no file form of SCNN's layers: must be None.
    queue_depth
        Products that wait before each bank; 4 where not given.

    Raises
    ------
    ArchitectureError
        Data were given, or the depth makes no sense.
    """
    if data is not None:
        message = f"scnn: --data {data} was given, but there is no file form of SCNN's layers; leave it out"
        raise ArchitectureError(message)
    hardware = ScnnHardware() if queue_depth is None else ScnnHardware(bank_queue_entries=queue_depth)
    rows: list[ValidationRow] = []
    speedups = {}
    for name, layers in NETWORKS.items():
        speedups[name], shown = network_rows(name, layers, hardware)
        rows += [compare(name, _SPEEDUP, PUBLISHED_SPEEDUPS[name], speedups[name]), *shown]
    rows.append(compare("GoogLeNet", _SPEEDUP, PUBLISHED_SPEEDUPS["GoogLeNet"], None))
    published = [PUBLISHED_SPEEDUPS[name] for name in speedups]
    mean = (sum(published) / len(published), sum(speedups.values()) / len(speedups))
    rows.append(compare("mean of both", _SPEEDUP, *mean))
    break_even = Quantity("break_even_density", "", "recalled")
    rows.append(compare("AlexNet: break-even", break_even, RECALLED_BREAK_EVEN, break_even_density(ALEXNET, hardware)))
    return ValidationReport(CHIP, tuple(rows), _NOTES)


def break_even_density(layers: Sequence[PrunedLayer], hardware: ScnnHardware) -> float:
    """Return the density of both operands at which SCNN is as fast as its dense twin; 1 where it always is faster."""
    densities, speedups = np.array([1.0, 0.9, 0.8, 0.6]), []
    for density in densities:
        even = [replace(layer, weight_density=float(density), input_density=float(density)) for layer in layers]
        cycles = sum(_layer_cycles(layer, hardware)[0] for layer in even)
        speedups.append(sum(dense_twin_cycles(layer, hardware) for layer in even) / cycles)
    return float(np.interp(1.0, speedups, densities))


def network_rows(name: str, layers: Sequence[PrunedLayer], hardware: ScnnHardware) -> tuple[float, list[ValidationRow]]:
    """Return a network's speed-up, and rows of its layers and of where the multipliers' cycles went."""
    rows, sparse_cycles, dense_cycles = [], 0.0, 0
    causes = dict.fromkeys(PE_CYCLE_CAUSES, 0.0)
    shown, share = Quantity("speedup", "x", "predicted"), Quantity("pe_cycles_share", "%", "predicted")
    for layer in layers:
        cycles, split = _layer_cycles(layer, hardware)
        dense = dense_twin_cycles(layer, hardware)
        rows.append(compare(f"{name} {layer.name}", shown, None, dense / cycles))
        sparse_cycles, dense_cycles = sparse_cycles + cycles, dense_cycles + dense
        for cause, count in split.items():
            causes[cause] += count
    slots = sum(causes.values())
    rows += [compare(f"{name}: {cause}", share, None, 100.0 * count / slots) for cause, count in causes.items()]
    return dense_cycles / sparse_cycles, rows


def _layer_cycles(layer: PrunedLayer, hardware: ScnnHardware) -> tuple[float, dict[str, float]]:
    """Return a layer's cycles, and its multipliers' by cause, from one group of outputs."""
    generator = np.random.default_rng([_SEED, layer.outputs, layer.channels, layer.plane])
    window = Window((layer.kernel,) * 2, (layer.stride,) * 2, (layer.padding,) * 2)
    outputs = layer.outputs // layer.groups
    group = plan_scnn(outputs, (layer.plane, layer.plane), window, hardware).group_outputs
    run = run_scnn(layer.weights(generator, group), layer.activations(generator), window, hardware)
    whole = layer.groups * outputs / group
    return run.cycles * whole, {cause: count * whole for cause, count in run.pe_cycles.items()}


def dense_twin_cycles(layer: PrunedLayer, hardware: ScnnHardware) -> int:
    """Return the cycles of DCNN: every PE makes its tile's outputs, a dot product of as many lanes a cycle.

    Examples
    --------
    >>> dense_twin_cycles(ALEXNET[2], ScnnHardware())
    221184
    """
    tile = ceil_div(layer.positions, hardware.pe_rows) * ceil_div(layer.positions, hardware.pe_columns)
    reduction = layer.channels // layer.groups * layer.kernel**2
    return tile * layer.outputs * ceil_div(reduction, hardware.lanes)
