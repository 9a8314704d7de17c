"""HAWQ-V3: size and BOPs columns of its tables, and its per-layer T4 latencies beside our T4-like preset.

Yao et al., HAWQ-V3, ICML 2021. The columns are counted from the networks' convolutions, written out here: its ResNet-50
has the stride in a block's first convolution (He et al. 2016; 3.86 G MACs), our library's in the 3 x 3. The latencies
were measured on an NVIDIA T4 layer by layer, batch 8, first convolution and classifier left out (repository
Zhen-Dong/HAWQ, ILP.ipynb); they are read from a file that is not part of the project.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simulator.api import simulate
from simulator.documents import read_json
from simulator.errors import ArchitectureError, WorkloadError
from simulator.units import BITS_PER_BYTE
from simulator.validation.rows import Quantity, ValidationReport, ValidationRow, compare, reference_file
from simulator.workload import GraphBuilder, Precision

CHIP = "hawq_v3"
PRESET = "int4_int8_gpu_like"
BATCH = 8
DEPTHS = {"ResNet18": (2, 2, 2, 2), "ResNet50": (3, 4, 6, 3)}
CLASSES = 1000
PUBLISHED = {
    ("ResNet18", 32): (44.6, 1858), ("ResNet18", 8): (11.1, 116), ("ResNet18", 4): (5.8, 34),
    ("ResNet50", 32): (97.8, 3951), ("ResNet50", 8): (24.5, 247), ("ResNet50", 4): (13.1, 67),
}  # fmt: skip
"""(network, bits) -> size [MB as printed, MiB by what fits] and BOPs [G]; tables 1 and 2 of the paper."""


class Conv(NamedTuple):
    """A square convolution: filters, channels, kernel size, stride, output and input height and width."""

    K: int
    C: int
    R: int
    stride: int
    P: int
    H: int

    @property
    def weights(self) -> int:
        """Count the weights."""
        return self.K * self.C * self.R**2

    @property
    def macs(self) -> int:
        """Count the products of one image."""
        return self.weights * self.P**2


_HALF_DIGIT = {"size": 0.05, "bops": 0.5}
_RATIO = Quantity("int4_over_int8_latency", "ratio", "inferred")
_TIME = Quantity("latency", "ms", "inferred")
_NOTES = (
    (
        "size, bops: weights of convolutions and classifier at these bits, first convolution "
        "and classifier at 8 where the rest has 4; no biases, no batch norms. Pass: rounds to the printed digit. The "
        "paper's MB are MiB (11.68 million bytes are printed as 11.1)."
    ),
    (
        "ResNet18 W4A4 bops: 1695.6 M MACs x 16 + 118.5 M x 64 = 34.7 G, printed 34: cut off, not rounded; its other "
        "rows are rounded (1857.6 printed as 1858), so no one rule gives all. One that rounds to 34 beside 116.1 "
        "asks for 1,700 to 1,721 M MACs at 4 bits: the inner layers have 1,695.6, with the classifier 1,696.1, with "
        "the first convolution 1,813.6."
    ),
    (
        "ResNet50 W32A32 and W8A8 size: 97.8 is the checkpoint's file (97.78 MiB, recalled: with batch norms and their "
        "running statistics, 0.11 million numbers, and the file's own headers), and 24.5 is 97.8 / "
        "4. W4A4 is not counted "
        "that way: half of the inner weights and the ends are 13.14. The two printed differ by 11.4, half of the inner "
        "weights are 11.18: no common addition, such as biases or scales, explains both. Nor do ends at 4 bits: "
        "11.4 is 23.7 to 24.1 million weights of 4 bits; the inner layers have 23.45, with the first convolution "
        "23.46, with the classifier 25.49."
    ),
)
_LAYER_NOTE = (
    "int4_over_int8_latency: each layer alone at batch 8 on preset int4_int8_gpu_like, INT4 time "
    "over INT8 time, beside "
    "the one measured on a T4. The preset has a T4's peaks and memories; tiling, dataflow and "
    "latencies are assumed, and "
    "no kernel launch or code generator is in it: our times are a fifth of the measured ones and "
    "less, and layers that a "
    "launch dominates on the T4 (1x1, ratio near 1) gain here. Shown, not judged: nothing was fitted to these numbers. "
    "The worst, layer 42 of ResNet50, takes 0.080 ms at 4 bits on the T4, layer 46 with twice its products 0.103; "
    "layers 2 and 6 have one shape and measure 0.995 and 0.779: what separates them is not the layer."
)


def validate_hawq_v3(data: Path | None = None, queue_depth: int | None = None) -> ValidationReport:
    """Compare the columns of HAWQ-V3's tables, and per layer the gain of INT4 over INT8.

    Parameters
    ----------
    data
        The JSON of measured latencies: ``{network: {"layers": [{"layer", "parameters", "mmacs", "latency_int4_ms",
        "latency_int8_ms"}]}}``. None looks for ``hawq/hawq_v3.json`` below ``SIMULATOR_REFERENCE_DIR``; without it,
        only the columns are compared.
    queue_depth
        There are no queues: must be None.

    Raises
    ------
    WorkloadError
        The file cannot be read, or a layer in it is none of the network's.
    ArchitectureError
        A queue depth was given.
    """
    if queue_depth is not None:
        message = f"{CHIP}: queue depth {queue_depth} was given, but this array has no queues; leave it out"
        raise ArchitectureError(message)
    columns = [row for (network, bits), printed in PUBLISHED.items() for row in _columns(network, bits, printed)]
    path = data or reference_file("hawq", "hawq_v3.json")
    if path is None:
        absent = "latencies: not compared; the measured ones are not here (SIMULATOR_REFERENCE_DIR, or --data FILE)"
        return ValidationReport(CHIP, tuple(columns), (*_NOTES, absent))
    document = read_json(path, WorkloadError)
    layers: list[ValidationRow] = []
    said = []
    for network in DEPTHS:
        rows = _layers(network, convolutions(network)[1:], _measured(document, network, path))
        layers += rows
        said.append(_summary(network, [row for row in rows if row.unit == "ratio"][:-1]))
    return ValidationReport(CHIP, (*columns, *layers), (*_NOTES, _LAYER_NOTE, *said))


def convolutions(network: str) -> list[Conv]:
    """Return the convolutions of a residual network, block by block: its layers, then the shortcut's.

    Examples
    --------
    >>> sum(one.macs for one in convolutions("ResNet50")) / 1e6
    3855.925248
    """
    bottleneck = network == "ResNet50"
    found, channels, size = [Conv(64, 3, 7, 2, 112, 224)], 64, 56
    for stage, depth in enumerate(DEPTHS[network]):
        width = 64 * 2**stage
        outputs = width * (4 if bottleneck else 1)
        for block in range(depth):
            stride = 2 if stage > 0 and block == 0 else 1
            after = size // stride
            if bottleneck:
                found += [Conv(width, channels, 1, stride, after, size), Conv(width, width, 3, 1, after, after)]
                found.append(Conv(outputs, width, 1, 1, after, after))
            else:
                found += [Conv(width, channels, 3, stride, after, size), Conv(width, width, 3, 1, after, after)]
            if channels != outputs:
                found.append(Conv(outputs, channels, 1, stride, after, size))
            channels, size = outputs, after
    return found


def _columns(network: str, bits: int, printed: tuple[float, float]) -> list[ValidationRow]:
    layers = [(one.weights, one.macs) for one in convolutions(network)]
    classifier = CLASSES * convolutions(network)[-1].K
    layers.append((classifier, classifier))
    widths = np.full(len(layers), bits)
    if bits == 4:
        widths[[0, -1]] = 8
    weights, macs = np.array(layers).T
    counted = {"size": float((weights * widths).sum()) / BITS_PER_BYTE / 2**20}
    counted["bops"] = float((macs * widths**2).sum()) * 1e-9
    found = []
    for (name, number), reference in zip(counted.items(), printed, strict=True):
        target = 100 * _HALF_DIGIT[name] / reference
        what = Quantity(name, "MiB" if name == "size" else "G", "published", target)
        found.append(compare(f"{network} W{bits}A{bits}", what, reference, number))
    return found


def _measured(document: Any, network: str, path: Path) -> list[dict[str, float]]:  # noqa: ANN401
    needed = ("layer", "parameters", "mmacs", "latency_int4_ms", "latency_int8_ms")
    try:
        return [{name: float(row[name]) for name in needed} for row in document[network]["layers"]]
    except (KeyError, TypeError, ValueError) as problem:
        message = f"{path}: {network}.layers: {problem!r}; give a list of objects with numbers {', '.join(needed)}"
        raise WorkloadError(message) from None


def _layers(network: str, layers: Sequence[Conv], measured: Sequence[dict[str, float]]) -> list[ValidationRow]:
    """Return a row for each measured layer, and the sums."""
    waiting = list(layers)
    known: dict[Conv, tuple[float, float]] = {}
    rows, totals = [], np.zeros((2, 2))
    for row in measured:
        layer = _layer_of(row, waiting, network)
        if layer not in known:
            known[layer] = (_alone_ms(layer, 4), _alone_ms(layer, 8))
        ours, theirs = known[layer], (row["latency_int4_ms"], row["latency_int8_ms"])
        totals += np.array([theirs, ours])
        kernel = f"{layer.R}x{layer.R} {layer.C}->{layer.K} at {layer.P}x{layer.P}"
        name = f"{network} layer {int(row['layer'])}, {kernel}"
        rows.append(compare(name, _RATIO, theirs[0] / theirs[1], ours[0] / ours[1]))
    (their4, their8), (our4, our8) = totals.tolist()
    rows.append(compare(f"{network}, sum of layers", _RATIO, their4 / their8, our4 / our8))
    rows.append(compare(f"{network}, sum of layers, INT4", _TIME, their4, our4))
    rows.append(compare(f"{network}, sum of layers, INT8", _TIME, their8, our8))
    return rows


def _layer_of(row: dict[str, float], waiting: list[Conv], network: str) -> Conv:
    """Take the next layer out of ``waiting``; it must have the row's weights and MACs."""
    if waiting and waiting[0].weights == row["parameters"] and abs(waiting[0].macs * 1e-6 - row["mmacs"]) < 0.011:
        return waiting.pop(0)
    expected = f"{waiting[0].weights} weights and {waiting[0].macs * 1e-6:.2f}" if waiting else "no more layers, not 0"
    message = (
        f"{network} layer {int(row['layer'])}: {row['parameters']:.0f} weights and {row['mmacs']} million MACs; the "
        f"network has {expected} million there: give its layers in order, without the first convolution"
    )
    raise WorkloadError(message)


def _alone_ms(layer: Conv, bits: int) -> float:
    """Return the time of one convolution alone [ms]: ifmap, weights and ofmap at ``bits``."""
    width = Precision(bits=bits)
    net = GraphBuilder("layer", weight_precision=width, activation_precision=width)
    x = net.input("x", (1, layer.C, layer.H, layer.H))
    y = net.conv(x, layer.K, layer.R, stride=layer.stride, padding=layer.R // 2, bias=False)
    total = simulate(net.build(y), PRESET, batch=BATCH, fidelity="bandwidth").total
    return 1e3 * (total.latency_s or 0.0)


def _summary(network: str, rows: Sequence[ValidationRow]) -> str:
    errors = np.array([row.error_pct for row in rows], np.float64)
    names = [row.name for row in rows]
    worst = int(np.abs(errors).argmax())
    return (
        f"{network}: ratio of {len(rows)} layers, mean error {errors.mean():+.1f} %, mean absolute error "
        f"{np.abs(errors).mean():.1f} %, worst {errors[worst]:+.1f} % ({names[worst]})."
    )
