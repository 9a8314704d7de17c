"""Who feeds whom, and whose ifmap rows are its producer's ofmap rows."""

import pytest

from simulator.arch import load_accelerator
from simulator.dataflow.binding import bind
from simulator.records import IFMAP, WEIGHT
from simulator.workload import load_workload
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import INT8

TPU = load_accelerator("tpu_like_128")
RESIDUAL_COLUMN = 2


def builder():
    return GraphBuilder("net", weight_precision=INT8, activation_precision=INT8)


def feeds(network, index, column):
    """Names of the rows that make an operand of work ``index``."""
    begin, end = network.producer_spans[index, column]
    return [network.rows[network.row_of_work[i]].name for i in network.producers[begin:end]]


def index_of(network, name):
    return [network.rows[i].name for i in network.row_of_work].index(name)


def test_producers_are_seen_through_reshape_concat_and_split():
    net = builder()
    x = net.input("x", (1, 4, 6, 6))
    a, b = net.conv(x, 4, 1, name="a"), net.conv(x, 4, 1, name="b")
    joined = net.concat((a, b))
    left, right = net.split(joined, (3, 5))
    flat = net.flatten(left)
    network = bind(net.build(net.gemm(flat, 7, name="fc"), net.conv(right, 2, 1, name="c")), TPU)
    assert feeds(network, index_of(network, "a"), IFMAP) == []
    assert feeds(network, index_of(network, "fc"), IFMAP) == ["a", "b"]
    assert feeds(network, index_of(network, "c"), IFMAP) == ["a", "b"]
    assert sorted(row.op for row in network.untimed) == ["concat", "reshape", "split"]


def test_attention_waits_for_both_operands_and_weights_for_none():
    net = builder()
    x = net.input("x", (6, 8))
    q, k = net.gemm(x, 8, name="q"), net.gemm(x, 8, name="k")
    network = bind(net.build(net.matmul(q, net.transpose(k, (1, 0)), name="scores")), TPU)
    index = index_of(network, "scores")
    assert feeds(network, index, IFMAP) == ["q"]
    assert feeds(network, index, WEIGHT) == ["k"]
    assert feeds(network, index_of(network, "q"), WEIGHT) == []


def test_fused_addition_waits_for_its_second_operand():
    net = builder()
    x = net.input("x", (1, 4, 6, 6))
    y = net.conv(x, 4, 1, name="a")
    network = bind(net.build(net.relu(net.add(net.conv(x, 4, 1, name="b"), y, name="sum"), name="relu")), TPU)
    assert feeds(network, 1, RESIDUAL_COLUMN) == ["a"]
    assert network.works[1].residual_bits == 8


@pytest.mark.parametrize("name", ["bert_base_s128", "inception_v1", "shufflenet", "vit_tiny"])
def test_producers_come_before_their_readers(name):
    network = bind(load_workload(name), TPU)
    for i in range(len(network.works)):
        for begin, end in network.producer_spans[i]:
            assert all(0 <= j < i for j in network.producers[begin:end])


# Rows of the ifmap that are rows of the producer's ofmap


def chain(make, **options):
    """Aligned flag of layer ``b`` behind what ``make`` puts between."""
    net = builder()
    network = bind(net.build(make(net)), TPU, **options)
    return int(network.aligned[index_of(network, "b")])


def conv_a(net, shape=(1, 4, 8, 8)):
    return net.conv(net.input("x", shape), 4, 3, padding=1, name="a")


def test_convolution_behind_convolution_is_aligned():
    assert chain(lambda net: net.conv(net.relu(conv_a(net)), 4, 3, stride=2, name="b")) == 1
    assert chain(lambda net: net.conv(conv_a(net, (3, 4, 8, 8)), 4, 3, name="b"), batch=2) == 1
    assert chain(lambda net: net.gemm(net.gemm(net.input("x", (5, 8)), 8, name="a"), 3, name="b")) == 1


def test_other_layouts_are_not_aligned():
    assert chain(lambda net: net.conv(net.input("x", (1, 4, 8, 8)), 4, 3, name="b")) == 0  # no producer
    assert chain(lambda net: net.gemm(net.flatten(conv_a(net)), 4, name="b")) == 0  # renamed
    assert chain(lambda net: net.conv(net.max_pool(conv_a(net), 2), 4, 3, name="b")) == 0  # vector producer
    assert chain(lambda net: net.conv(net.conv_transpose(conv_a(net), 4, 2, stride=2), 4, 3, name="b")) == 0
    assert chain(lambda net: net.softmax(conv_a(net), name="b")) == 0
    same_size = chain(lambda net: net.conv(net.conv_transpose(conv_a(net), 4, 3, padding=1), 4, 3, name="b"))
    assert same_size == 0  # a transposed convolution's products are scattered over rows
    joined = chain(lambda net: net.conv(net.concat((conv_a(net), net.input("y", (1, 4, 8, 8)))), 4, 3, name="b"))
    assert joined == 0


def test_slices_of_a_volume_are_not_aligned():
    """A slice of a 3-D convolution reads its neighbours in depth, which its producer stores later."""

    def volumes(net):
        y = net.conv(net.input("x", (1, 4, 8, 8, 8)), 4, 3, padding=1, name="a")
        return net.conv(y, 4, 3, padding=1, name="b")

    assert chain(volumes) == 0


def test_square_matrix_read_transposed_is_not_aligned():
    def transposed(net):
        y = net.gemm(net.input("x", (16, 16)), 16, name="a")
        return net.layer("gemm", (y, net.constant("w", (16, 16))), transpose_ifmap=True, name="b")

    assert chain(transposed) == 0


def test_batched_attention_behind_a_projection_is_not_aligned():
    def attention(net):
        y = net.gemm(net.input("x", (4, 6, 8)), 8, name="a")
        return net.matmul(y, net.input("k", (4, 8, 6)), name="b")

    assert chain(attention) == 0


def test_time_steps_are_not_aligned():
    def behind_lstm(net):
        return net.gemm(net.recurrent(net.input("x", (6, 1, 12)), 20, name="a"), 4, name="b")

    assert chain(behind_lstm) == 0
