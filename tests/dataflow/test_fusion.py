"""Which vector layers ride on an array's outputs."""

import pytest

from simulator.arch import load_accelerator
from simulator.dataflow.binding import bind
from simulator.dataflow.fusion import follow_chain
from simulator.dataflow.widths import Widths
from simulator.workload import load_workload
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import INT8, Precision

MACHINE = load_accelerator("tpu_like_128")


def builder():
    return GraphBuilder("net", weight_precision=INT8, activation_precision=INT8)


def fused_by_row(graph, machine=MACHINE):
    return {row.name: row.fused for row in bind(graph, machine).rows}


def chain_of(graph, index, finished=()):
    return follow_chain(Widths(graph, MACHINE, 1), index, finished)


def two_branches(first="a", second="b"):
    """x -> a, x -> b, a + b -> relu; the layers in the order given."""
    net = builder()
    x = net.input("x", (1, 4, 6, 6))
    made = {name: net.conv(x, 4, 3, padding=1, name=name) for name in (first, second)}
    return net.build(net.relu(net.add(made["a"], made["b"], name="sum"), name="relu"))


def test_conv_normalization_relu_is_one_row():
    net = builder()
    y = net.conv(net.input("x", (1, 3, 8, 8)), 4, 3, name="conv")
    graph = net.build(net.relu(net.normalization(y, "batch", name="bn"), name="relu"))
    assert fused_by_row(graph) == {"conv": ("bn", "relu")}
    chain = chain_of(graph, 0)
    assert (chain.tensor, chain.residual) == ("relu.out", None)
    elements = 4 * 6 * 6
    assert chain.operations == 2 * elements + elements  # the preset takes two operations for a normalized element


def test_output_with_two_readers_is_stored_for_both():
    net = builder()
    y = net.conv(net.input("x", (1, 3, 8, 8)), 4, 1, name="conv")
    graph = net.build(net.relu(y, name="relu"), net.softmax(y, name="softmax"))
    assert fused_by_row(graph) == {"conv": (), "relu": (), "softmax": ()}


def test_network_output_is_not_absorbed():
    net = builder()
    y = net.conv(net.input("x", (1, 3, 8, 8)), 4, 1, name="conv")
    z = net.relu(y, name="relu")
    assert fused_by_row(net.build(y, z)) == {"conv": (), "relu": ()}


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_addition_goes_to_the_producer_that_finishes_last(order):
    graph = two_branches(*order)
    assert fused_by_row(graph) == {order[0]: (), order[1]: ("sum", "relu")}
    assert chain_of(graph, 1, {f"{order[0]}.out"}).residual == f"{order[0]}.out"
    assert chain_of(graph, 0).layers == []


def test_addition_waits_for_the_layers_fused_into_the_other_branch():
    """The other branch's last tensor is made by a layer that comes later in the file, yet is finished by then."""
    net = builder()
    x = net.input("x", (1, 4, 6, 6))
    a, b = net.conv(x, 4, 1, name="a"), net.conv(x, 4, 1, name="b")
    left, right = net.normalization(a, "batch", name="bn_a"), net.normalization(b, "batch", name="bn_b")
    graph = net.build(net.add(left, right, name="sum"))
    assert [layer.name for layer in graph.layers] == ["a", "b", "bn_a", "bn_b", "sum"]
    assert fused_by_row(graph) == {"a": ("bn_a",), "b": ("bn_b", "sum")}


def test_second_addition_is_a_layer_of_its_own():
    """One second operand a chain: the hardware streams one residual."""
    net = builder()
    x = net.input("x", (1, 4, 6, 6))
    p, q = net.input("p", (1, 4, 6, 6)), net.input("q", (1, 4, 6, 6))
    y = net.add(net.conv(x, 4, 1, name="conv"), p, name="one")
    graph = net.build(net.add(y, q, name="two"))
    assert fused_by_row(graph) == {"conv": ("one",), "two": ()}


def test_own_input_is_a_residual():
    net = builder()
    x = net.input("x", (1, 4, 6, 6))
    graph = net.build(net.add(net.conv(x, 4, 1, name="conv"), x, name="sum"))
    assert fused_by_row(graph) == {"conv": ("sum",)}
    network = bind(graph, MACHINE)
    assert network.works[0].residual_bits == 8


def test_doubling_needs_no_second_operand():
    net = builder()
    y = net.conv(net.input("x", (1, 4, 6, 6)), 4, 1, name="conv")
    graph = net.build(net.add(y, y, name="double"))
    assert fused_by_row(graph) == {"conv": ("double",)}
    assert chain_of(graph, 0).residual is None


@pytest.mark.parametrize("gate", [(1, 4, 1, 1), (1, 1, 1, 1)])
def test_broadcast_operand_is_not_fused(gate):
    net = builder()
    x, g = net.input("x", (1, 4, 6, 6)), net.input("g", gate)
    graph = net.build(net.elementwise("mul", net.conv(x, 4, 1, name="conv"), g, name="gate"))
    assert fused_by_row(graph) == {"conv": (), "gate": ()}


def test_broadcast_result_is_not_fused():
    net = builder()
    x, big = net.input("x", (1, 4)), net.input("big", (3, 5))
    graph = net.build(net.add(net.gemm(x, 5, name="fc"), big, name="sum"))
    assert fused_by_row(graph) == {"fc": (), "sum": ()}


def test_result_enlarged_by_a_constant_is_not_fused():
    net = builder()
    graph = net.build(net.add(net.gemm(net.input("x", (1, 4)), 5, name="fc"), net.constant("c", (3, 5)), name="sum"))
    assert fused_by_row(graph) == {"fc": (), "sum": ()}


def test_operators_the_vector_unit_does_not_fuse():
    net = builder()
    y = net.conv(net.input("x", (1, 4, 6, 6)), 4, 1, name="conv")
    graph = net.build(net.relu(net.normalization(y, "batch", name="bn"), name="relu"))
    plain = load_accelerator("tpu_like_128", overrides=['vector.fused=["activation"]'])
    assert fused_by_row(graph, plain) == {"conv": (), "bn": (), "relu": ()}
    none = load_accelerator("tpu_like_128", overrides=["vector.fused=[]"])
    assert fused_by_row(two_branches(), none) == {"a": (), "b": (), "sum": (), "relu": ()}


@pytest.mark.parametrize("function", ["layer", "instance", "lrn"])
def test_normalizations_that_need_sums_are_not_fused(function):
    net = builder()
    y = net.conv(net.input("x", (1, 4, 6, 6)), 4, 1, name="conv")
    assert fused_by_row(net.build(net.normalization(y, function, name="norm"))) == {"conv": (), "norm": ()}


def test_nothing_is_fused_behind_a_recurrent_layer():
    net = builder()
    graph = net.build(net.relu(net.recurrent(net.input("x", (3, 1, 4)), 5, name="lstm"), name="relu"))
    assert fused_by_row(graph) == {"lstm": (), "relu": ()}


def test_constants_of_the_chain_come_with_the_weights():
    net = builder()
    y = net.conv(net.input("x", (1, 3, 8, 8)), 4, 1, name="conv")  # a bias of 4 x 8 bits
    y = net.normalization(y, "batch", name="bn")  # scale and shift of 4 x 8 bits
    y = net.elementwise("mul", y, net.constant("k", (4, 1, 1), precision=Precision(bits=16)))
    y = net.add(y, net.constant("f", (4, 1, 1), precision=Precision(bits=16, kind="float")))
    graph = net.build(y)
    network = bind(graph, MACHINE)
    assert network.works[0].parameter_bits == 4 * 8 + 2 * 4 * 8 + 4 * 16 + 4 * MACHINE.array.psum_bits
    assert network.works[0].residual_bits == 0


def test_ofmap_is_as_wide_as_the_last_tensor_of_the_chain():
    net = builder()
    y = net.conv(net.input("x", (1, 3, 8, 8)), 4, 1, name="conv")
    graph = net.build(net.relu(y, name="relu"))
    graph = graph.with_precisions({"conv.out": Precision(bits=20), "relu.out": Precision(bits=4)})
    assert bind(graph, MACHINE).works[0].ofmap_bits == 4


@pytest.mark.parametrize(
    ("name", "adds"),
    [("resnet18", 8), ("resnet50", 16), ("resnet50_w4w8", 16), ("mobilenet_v2", 10), ("shufflenet", 13)],
)
def test_every_residual_addition_of_a_library_network_is_fused(name, adds):
    graph = load_workload(name)
    named = {layer.name for layer in graph.layers if layer.op == "add"}
    network = bind(graph, MACHINE)
    fused = [name for row in network.rows for name in row.fused]
    assert len(named) == adds
    assert named <= set(fused)
    assert len(fused) == len(set(fused))
    assert not any(row.op == "add" for row in network.rows)
    assert sum(1 for work in network.works if work.residual_bits) == adds


def test_additions_of_resnet18_by_name():
    fused = fused_by_row(load_workload("resnet18"))
    for stage in (1, 2, 3, 4):
        shortcut = f"layer{stage}.0.downsample" if stage > 1 else "layer1.0.conv2"  # the last of the two branches
        assert fused[shortcut] == (f"layer{stage}.0.add", f"layer{stage}.0.relu2")
        assert fused[f"layer{stage}.1.conv2"] == (f"layer{stage}.1.add", f"layer{stage}.1.relu2")
        if stage > 1:
            assert fused[f"layer{stage}.0.conv2"] == ()


def test_every_layer_is_a_row_or_fused_or_untimed_exactly_once():
    for name in ("bert_base_s128", "densenet121", "inception_v2", "vit_tiny"):
        graph = load_workload(name)
        network = bind(graph, MACHINE)
        named = [row.name for row in network.rows] + [row.name for row in network.untimed]
        named += [name for row in network.rows for name in row.fused]
        assert sorted(named) == sorted(layer.name for layer in graph.layers)
