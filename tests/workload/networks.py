"""Networks that several tests of this room share."""

from simulator.workload.builder import GraphBuilder
from simulator.workload.graph import LayerGraph
from simulator.workload.layers import Conv, Tensor
from simulator.workload.precision import Precision
from simulator.workload.sparsity import (
    Balanced,
    Blocks,
    DensityProfile,
    FromFile,
    NOfM,
    Pruned,
    Skewed,
    Structured,
    UniformDensity,
)

SPARSITIES = (
    UniformDensity(kind="uniform", density=0.25),
    DensityProfile(kind="profile", axis=-2, densities=(0.5, 0.0, 1.0)),
    NOfM(kind="n_of_m", n=2, m=4),
    NOfM(kind="n_of_m", n=1, m=2, axis=0),
    Skewed(kind="skewed", density=0.4, axes=(0, -1), skews=(0.5, 0.25)),
    Blocks(kind="blocks", shape=(3, 4), density=0.5),
    Balanced(kind="balanced", density=0.5, pes=2, axis=0),
    Pruned(kind="pruned", file="w.npz", array="w", to=NOfM(kind="n_of_m", n=2, m=4)),
    Structured(kind="structured", axis=0, block=2, density=0.5),
    FromFile(kind="mask", file="masks/w.npz", array="w"),
    FromFile(kind="values", file="w.npz", array="w"),
)
PRECISIONS = (
    Precision(bits=1, signed=False),
    Precision(bits=4, granularity="per_group", group_size=32),
    Precision(bits=8, granularity="per_channel"),
    Precision(bits=16, kind="float"),
    Precision(bits=8, kind="float"),
    Precision(bits=64),
)


def every_layer_kind() -> LayerGraph:
    """One layer of each operator, so that nothing escapes a round trip through a file."""
    net = GraphBuilder("every_kind")
    image = net.input("image", (2, 4, 12, 10))
    x = net.conv(image, 8, (3, 5), stride=(2, 1), padding=((0, 1), (2, 2)), dilation=(1, 1), groups=2)
    x = net.conv_transpose(x, 6, 2, stride=2, output_padding=1, groups=2, padding=((0, 1), (1, 0)))
    x = net.normalization(net.average_pool(net.max_pool(x, 3, ceil_mode=True), 2), "batch")
    x = net.resize(x, (4, 4), mode="linear")
    x = net.layer("pad", (x,), shape=(2, 6, 6, 6), moves_data=True)
    left, right = net.split(x, (2, 4), axis=1)
    x = net.concat((left, right), axis=1, moves_data=True)
    for op in ("sub", "mul", "div", "minimum", "maximum", "power"):
        x = net.elementwise(op, x, x)
    x = net.elementwise("where", net.elementwise("compare", x, x), x, net.add(x, x))
    x = net.layer("expand", (net.slice(x, (1, 6, 6, 6)),), shape=(2, 6, 6, 6))
    rows = net.reduction(net.activation(x, "gelu"), "mean", (-1,))
    signal = net.conv(net.transpose(rows, (0, 2, 1)), 5, 3)
    signal = net.conv_transpose(signal, 3, 3)
    volume = net.conv(net.reshape(x, (1, 2, 6, 6, 6)), 3, 2)
    volume = net.conv_transpose(volume, 2, 2)
    scores = net.softmax(net.matmul(rows, net.transpose(rows, (0, 2, 1))), axis=1)
    fields = {"transpose_ifmap": True, "transpose_weight": True}
    dense = net.layer("gemm", (net.input("rows", (7, 3)), net.constant("t", (5, 7))), **fields)
    sequence = net.reshape(scores, (6, 2, 6))
    ends = [net.recurrent(sequence, 4, op=op, directions=2) for op in ("lstm", "gru", "rnn")]
    words = net.gather(net.constant("table", (11, 3)), net.input("ids", (2,), precision=Precision(bits=32)))
    host = net.layer("host", (words,), shape=(2, 9), kind="NonMaxSuppression", macs=12)
    return net.build(signal, volume, dense, *ends, host)


def every_tensor_kind() -> LayerGraph:
    """Constants with each sparsity and each precision, all added up."""
    net = GraphBuilder("every_tensor")
    x = net.input("x", (4, 3, 8))
    for i, sparsity in enumerate(SPARSITIES):
        x = net.add(x, net.constant(f"sparse{i}", (4, 3, 8), sparsity=sparsity))
    for i, precision in enumerate(PRECISIONS):
        x = net.add(x, net.constant(f"precise{i}", (4, 3, 8), precision=precision))
    return net.build(x)


def conv_layer(name: str = "c", inputs: tuple[str, ...] = ("x", "w"), output: str = "y", **fields: object) -> Conv:
    """A plain 2-D convolution layer, unless ``fields`` say otherwise."""
    form = {"stride": (1, 1), "dilation": (1, 1), "padding": ((0, 0), (0, 0)), **fields}
    return Conv.model_validate({"op": "conv2d", "name": name, "inputs": inputs, "outputs": (output,), **form})


def conv_tensors() -> list[Tensor]:
    """Operands of :func:`conv_layer`."""
    return [Tensor(name="x", shape=(1, 3, 8, 8)), Tensor(name="w", shape=(4, 3, 3, 3), constant=True)]
