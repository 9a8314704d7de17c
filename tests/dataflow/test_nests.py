"""Loop nests as work fields: the batch multiplies images, or groups where the second operand is an activation."""

from simulator.dataflow.nests import loop_fields, reads_rows_in_order
from simulator.workload.builder import GraphBuilder


def nest_of(graph, index=0):
    return graph.loops_of(graph.layers[index])[0]


def test_the_batch_multiplies_images_of_constant_weights_and_groups_of_dynamic_ones():
    net = GraphBuilder("conv")
    conv = net.build(net.conv(net.input("image", (2, 3, 8, 6)), 4, 3, stride=(2, 1), padding=1))
    fields = loop_fields(nest_of(conv), 5)
    assert (fields["N"], fields["G"], fields["K"], fields["C"]) == (10, 1, 4, 3)
    assert (fields["stride_h"], fields["stride_w"], fields["pad_h"], fields["pad_w"]) == (2, 1, 1, 1)
    assert (fields["P"], fields["Q"], fields["H"], fields["W"]) == (4, 6, 8, 6)
    net = GraphBuilder("attention")
    x = net.input("x", (1, 2, 4, 4))
    attention = net.build(net.matmul(x, x))
    once, twice = loop_fields(nest_of(attention), 1), loop_fields(nest_of(attention), 2)
    assert (twice["G"], twice["N"]) == (2 * once["G"], once["N"])


def test_rows_in_order():
    net = GraphBuilder("rows")
    graph = net.build(net.gemm(net.flatten(net.conv(net.input("image", (1, 3, 4, 4)), 2, 1)), 3))
    assert all(reads_rows_in_order(layer) for layer in graph.layers)
