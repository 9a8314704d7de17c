"""Convolutional networks built from their papers' tables. Batch normalization is folded into weights and biases."""

from simulator.workload.builder import GraphBuilder
from simulator.workload.graph import LayerGraph, Provenance

LICENCE = "MIT: this project's own description of a published architecture, without trained weights"

_VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
_RESNET18 = ((64, 1), (128, 2), (256, 2), (512, 2))
_MOBILENET_V2 = (  # expansion, channels, repeats, first stride: Sandler et al., table 2
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def lenet5() -> LayerGraph:
    """LeNet-5 for a 32 x 32 digit: 416,520 MACs with every C3 map reading all six S2 maps."""
    net = GraphBuilder("lenet5")
    x = net.input("image", (1, 1, 32, 32))
    x = net.activation(net.conv(x, 6, 5, name="c1"), "tanh", name="c1.tanh")
    x = net.average_pool(x, 2, name="s2")
    x = net.activation(net.conv(x, 16, 5, name="c3"), "tanh", name="c3.tanh")
    x = net.average_pool(x, 2, name="s4")
    x = net.activation(net.conv(x, 120, 5, name="c5"), "tanh", name="c5.tanh")
    x = net.flatten(x, name="flatten")
    x = net.activation(net.gemm(x, 84, name="f6"), "tanh", name="f6.tanh")
    provenance = Provenance(
        source=(
            "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-based learning applied to document recognition, "
            "Proc. IEEE 86(11), 1998, figure 2 and section II.B"
        ),
        licence=LICENCE,
        note=(
            "Departures: C3 reads all six S2 maps (the paper's table I connects 60 of the 96 pairs); the ten Euclidean "
            "RBF units of the output are a fully connected layer of the same size; S2 and S4 have no trainable scale."
        ),
    )
    return net.build(net.gemm(x, 10, name="output"), provenance=provenance)


def vgg16() -> LayerGraph:
    """VGG-16 (configuration D) at 224: 15.47 GMAC."""
    net = GraphBuilder("vgg16")
    x = net.input("image", (1, 3, 224, 224))
    for block, widths in enumerate(_VGG16, start=1):
        for number, channels in enumerate(widths, start=1):
            name = f"conv{block}_{number}"
            x = net.relu(net.conv(x, channels, 3, padding=1, name=name), name=f"{name}.relu")
        x = net.max_pool(x, 2, name=f"pool{block}")
    x = net.flatten(x, name="flatten")
    for name in ("fc6", "fc7"):
        x = net.relu(net.gemm(x, 4096, name=name), name=f"{name}.relu")
    provenance = Provenance(
        source="K. Simonyan, A. Zisserman, Very deep convolutional networks, ICLR 2015, arXiv:1409.1556, table 1 (D)",
        licence=LICENCE,
        note="138,357,544 parameters and 15.47 GMAC, as torchvision lists for VGG16_Weights.IMAGENET1K_V1.",
    )
    return net.build(net.gemm(x, 1000, name="fc8"), provenance=provenance)


def resnet18() -> LayerGraph:
    """ResNet-18 at 224: 1.814 GMAC."""
    net = GraphBuilder("resnet18")
    x = net.input("image", (1, 3, 224, 224))
    x = net.relu(net.conv(x, 64, 7, stride=2, padding=3, name="conv1"), name="conv1.relu")
    x = net.max_pool(x, 3, stride=2, padding=1, name="maxpool")
    for stage, (channels, stride) in enumerate(_RESNET18, start=1):
        x = _basic_block(net, x, channels, stride, f"layer{stage}.0")
        x = _basic_block(net, x, channels, 1, f"layer{stage}.1")
    x = net.flatten(net.global_average_pool(x, name="avgpool"), name="flatten")
    provenance = Provenance(
        source="K. He, X. Zhang, S. Ren, J. Sun, Deep residual learning..., CVPR 2016, arXiv:1512.03385, table 1",
        licence=LICENCE,
        note=(
            "Projection shortcuts (option B) and layer names as in torchvision, which lists 1.814 GMAC for "
            "ResNet18_Weights.IMAGENET1K_V1. Batch normalization is folded."
        ),
    )
    return net.build(net.gemm(x, 1000, name="fc"), provenance=provenance)


def _basic_block(net: GraphBuilder, x: str, channels: int, stride: int, name: str) -> str:
    y = net.conv(x, channels, 3, stride=stride, padding=1, name=f"{name}.conv1")
    y = net.relu(y, name=f"{name}.relu1")
    y = net.conv(y, channels, 3, padding=1, name=f"{name}.conv2")
    if net.shape(x) != net.shape(y):
        x = net.conv(x, channels, 1, stride=stride, name=f"{name}.downsample")
    return net.relu(net.add(y, x, name=f"{name}.add"), name=f"{name}.relu2")


def mobilenet_v2() -> LayerGraph:
    """MobileNetV2 1.0 at 224: 300,774,272 MACs in 53 layers."""
    net = GraphBuilder("mobilenet_v2")
    x = net.input("image", (1, 3, 224, 224))
    x = net.activation(net.conv(x, 32, 3, stride=2, padding=1, name="stem"), "relu6", name="stem.relu6")
    block = 0
    for expansion, channels, repeats, first_stride in _MOBILENET_V2:
        for repeat in range(repeats):
            block += 1
            stride = first_stride if repeat == 0 else 1
            x = _inverted_residual(net, x, channels, expansion, stride, f"block{block}")
    x = net.activation(net.conv(x, 1280, 1, name="head"), "relu6", name="head.relu6")
    x = net.flatten(net.global_average_pool(x, name="avgpool"), name="flatten")
    provenance = Provenance(
        source="M. Sandler et al., MobileNetV2: inverted residuals and..., CVPR 2018, arXiv:1801.04381, table 2",
        licence=LICENCE,
        note="300 M multiply-adds and 3.4 M parameters in the paper's table 4. Batch normalization is folded.",
    )
    return net.build(net.gemm(x, 1000, name="fc"), provenance=provenance)


def _inverted_residual(net: GraphBuilder, x: str, channels: int, expansion: int, stride: int, name: str) -> str:
    y, hidden = x, net.shape(x)[1] * expansion
    if expansion > 1:
        y = net.activation(net.conv(y, hidden, 1, name=f"{name}.expand"), "relu6", name=f"{name}.expand.relu6")
    y = net.conv(y, hidden, 3, stride=stride, padding=1, groups=hidden, name=f"{name}.depthwise")
    y = net.activation(y, "relu6", name=f"{name}.depthwise.relu6")
    y = net.conv(y, channels, 1, name=f"{name}.project")
    return net.add(y, x, name=f"{name}.add") if net.shape(x) == net.shape(y) else y
