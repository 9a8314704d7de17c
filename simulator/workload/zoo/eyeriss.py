"""The two networks measured on the Eyeriss chip: its shapes, 16 bits, its published ifmap zeros.

Only convolutions are there, as in the chip's tables; what lies between them (normalization, pooling) ran elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from simulator.workload.builder import GraphBuilder
from simulator.workload.graph import LayerGraph, Provenance
from simulator.workload.precision import Precision
from simulator.workload.sparsity import UniformDensity
from simulator.workload.zoo.convnets import LICENCE

_INT16 = Precision(bits=16, kind="int")
_TABLES = "Chen, Krishna, Emer and Sze, Eyeriss, JSSC 52(1), 2017, tables V and VI: shapes and zeros in the ifmaps"


@dataclass(frozen=True)
class _Conv:
    """One convolution, the zeros of its ifmap and of its ofmap [%], and the ifmap's side where the host makes it."""

    name: str
    channels: int
    kernel: int
    ifmap_zeros_pct: float
    ofmap_zeros_pct: float
    stride: int = 1
    padding: int = 0
    groups: int = 1
    pooled_to: int = 0


_ALEXNET = (
    _Conv("conv1", 96, 11, 0.01, 62.2, stride=4, pooled_to=27),
    _Conv("conv2", 256, 5, 38.7, 83.1, padding=2, groups=2, pooled_to=13),
    _Conv("conv3", 384, 3, 72.5, 79.3, padding=1),
    _Conv("conv4", 384, 3, 79.3, 77.6, padding=1, groups=2),
    _Conv("conv5", 256, 3, 77.6, 90.0, padding=1, groups=2),
)
_VGG16_ZEROS_PCT = (1.6, 47.7, 24.8, 38.7, 39.7, 58.1, 58.7, 64.3, 74.7, 85.4, 79.4, 87.4, 88.5)
_VGG16_BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


def alexnet_eyeriss() -> LayerGraph:
    """Build the five convolutions of AlexNet as the chip ran them: 0.666 GMAC an image, 2.66 for its batch of four.

    An ofmap that is the next ifmap has its zeros. Those of conv1, conv2 and conv5, which are pooled, are what
    Sparseloop's study of the chip uses (densities .378 .169 .1).
    """
    note = (
        "Ofmap zeros before a pooling: densities .378 .169 .1 of the Sparseloop artifact (MICRO 2022). The host stands "
        "for normalization and pooling, which the chip's table leaves out."
    )
    return _chip_network("alexnet_eyeriss", (3, 227), _ALEXNET, note)


def vgg16_eyeriss() -> LayerGraph:
    """Build the thirteen convolutions of VGG-16 as the chip ran them: 15.3 GMAC an image, 46.04 for its batch of three.

    Zeros of an ofmap are the next layer's ifmap zeros: before pooling there are more (assumed equal), and those of the
    last layer are assumed to be its own ifmap's.
    """
    after = (*_VGG16_ZEROS_PCT[1:], _VGG16_ZEROS_PCT[-1])
    layers: list[_Conv] = []
    side = 224
    for block, (channels, convolutions) in enumerate(_VGG16_BLOCKS, 1):
        for number in range(1, convolutions + 1):
            pooled = side // 2 if number == convolutions and block < len(_VGG16_BLOCKS) else 0
            zeros = _VGG16_ZEROS_PCT[len(layers)], after[len(layers)]
            layers.append(_Conv(f"conv{block}_{number}", channels, 3, *zeros, padding=1, pooled_to=pooled))
        side //= 2
    note = (
        "Ofmap zeros: the next layer's ifmap zeros, also across a pooling, where there are more (assumed); the last "
        "layer's as its ifmap's (assumed). The host stands for pooling, which the chip's table leaves out."
    )
    return _chip_network("vgg16_eyeriss", (3, 224), layers, note)


def _chip_network(name: str, image: tuple[int, int], layers: Sequence[_Conv], note: str) -> LayerGraph:
    net = GraphBuilder(name, weight_precision=_INT16, activation_precision=_INT16)
    x = net.input("image", (1, image[0], image[1], image[1]))
    zeros_pct: dict[str, float] = {}
    for one in layers:
        zeros_pct[x] = one.ifmap_zeros_pct
        x = net.conv(
            x,
            one.channels,
            one.kernel,
            stride=one.stride,
            padding=one.padding,
            groups=one.groups,
            bias=False,
            name=one.name,
        )
        x = net.relu(x, name=f"{one.name}.relu")
        zeros_pct[x] = one.ofmap_zeros_pct
        if one.pooled_to:
            shape = (1, one.channels, one.pooled_to, one.pooled_to)
            x = net.layer("host", (x,), name=f"{one.name}.pool", shape=shape, kind="normalization and pooling")
    graph = net.build(x, provenance=Provenance(source=_TABLES, licence=LICENCE, note=note))
    densities = {
        tensor: UniformDensity(kind="uniform", density=round(1 - zeros / 100, 6)) for tensor, zeros in zeros_pct.items()
    }
    sparse = {
        tensor: graph.tensors[tensor].model_copy(update={"sparsity": sparsity})
        for tensor, sparsity in densities.items()
    }
    return replace(graph, tensors=dict(graph.tensors) | sparse)
