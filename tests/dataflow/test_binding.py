"""A network bound to an accelerator: widths, batches, copies, host layers, and who feeds whom."""

import numpy as np
import pytest

from simulator.arch import load_accelerator
from simulator.dataflow.binding import MAX_ELEMENTS, bind
from simulator.errors import ArchitectureError, WorkloadError
from simulator.records import COPY_WORK, IFMAP, MAC_WORK, VECTOR_WORK
from simulator.workload import load_workload
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import FLOAT32, INT8, Precision
from simulator.workload.transforms.quantize import quantize

TPU = load_accelerator("tpu_like_128")
RESIDUAL_COLUMN = 2


def builder(precision=INT8):
    return GraphBuilder("net", weight_precision=precision, activation_precision=precision)


def feeds(network, index, column):
    """Names of the rows that make an operand of work ``index``."""
    begin, end = network.producer_spans[index, column]
    return [network.rows[network.row_of_work[i]].name for i in network.producers[begin:end]]


def work_of(network, name):
    return network.works[[network.rows[i].name for i in network.row_of_work].index(name)]


def index_of(network, name):
    return [network.rows[i].name for i in network.row_of_work].index(name)


# Widths


@pytest.mark.parametrize("kind", ["conv", "gemm"])
def test_floats_are_assumed_to_be_the_widest_integers(kind):
    net = builder(FLOAT32)
    y = net.conv(net.input("x", (1, 3, 8, 8)), 4, 3) if kind == "conv" else net.gemm(net.input("x", (2, 8)), 4)
    network = bind(net.build(y), TPU)
    work, row = network.works[0], network.rows[0]
    assert (work.ifmap_bits, work.weight_bits, work.ofmap_bits, work.psum_bits) == (8, 8, 8, 32)
    assert work.parameter_bits == 4 * 32  # a float bias is an accumulator
    assert (row.ifmap_bits, row.weight_bits, row.precision_assumed) == (8, 8, True)


def test_one_float_tensor_is_enough_to_assume():
    net = builder()
    graph = net.build(net.gemm(net.input("x", (2, 8)), 4, name="fc"))
    assert not bind(graph, TPU).rows[0].precision_assumed
    for name in ("x", "fc.weight", "fc.out"):
        assert bind(graph.with_precisions({name: FLOAT32}), TPU).rows[0].precision_assumed, name


def test_float_path_keeps_true_widths():
    machine = load_accelerator(TPU, overrides=["precision.float_bits=32"])
    net = builder(Precision(bits=16, kind="float"))
    network = bind(net.build(net.gemm(net.input("x", (2, 8)), 4)), machine)
    work, row = network.works[0], network.rows[0]
    assert (work.ifmap_bits, work.weight_bits, work.ofmap_bits, work.pack, work.passes) == (16, 16, 16, 1, 1)
    assert not row.precision_assumed
    assert network.multipliers[0].is_float
    with pytest.raises(WorkloadError, match="exceed the array's 16-bit floats"):
        bind(load_workload("lenet5"), load_accelerator(TPU, overrides=["precision.float_bits=16"]))


@pytest.mark.parametrize(
    ("preset", "bits", "pack", "passes"),
    [
        ("tpu_like_128", (4, 8), 2, 1),
        ("tpu_like_128", (8, 8), 1, 1),
        ("tpu_like_128", (4, 4), 2, 1),
        ("edge_like_32", (4, 4), 4, 1),
        ("tpu_v1", (4, 8), 1, 1),
        ("gemmini_like_16", (4, 4), 1, 1),
        ("tpu_like_128", (16, 8), 1, 2),
        ("tpu_v1", (16, 16), 1, 4),
    ],
)
def test_weight_and_activation_bits_decide_the_rate_and_storage_stays_true(preset, bits, pack, passes):
    graph = quantize(load_workload("lenet5"), *bits)
    network = bind(graph, load_accelerator(preset))
    for work in network.works[network.works["kind"] == MAC_WORK]:
        assert (work.weight_bits, work.ifmap_bits) == bits
        assert (work.pack, work.passes) == (pack, passes)


def test_array_that_cannot_multiply_says_so():
    with pytest.raises(ArchitectureError, match=r"layer 'c1' on gemmini_like_16: .*cannot multiply 16 x 8 bits"):
        bind(quantize(load_workload("lenet5"), 8, 16), load_accelerator("gemmini_like_16"))


@pytest.mark.parametrize(("preset", "pack"), [("tpu_like_128", 2), ("tpu_v1", 1), ("gemmini_like_16", 1)])
def test_mixed_resnet50_layer_by_layer(preset, pack):
    """26 layers of 4-bit weights gain on a packing array and nothing on an INT8 one; storage shrinks on all."""
    network = bind(load_workload("resnet50_w4w8"), load_accelerator(preset))
    rows = [row for row in network.rows if row.macs]
    assert [row.weight_bits for row in rows].count(4) == 26
    assert [row.weight_bits for row in rows].count(8) == 28
    assert {row.ifmap_bits for row in rows} == {8}
    assert [row.name for row in rows if row.precision_assumed] == ["n168"]  # the file leaves its fused sum in float32
    for i, work in enumerate(network.works):
        if work.kind == MAC_WORK:
            row = network.rows[network.row_of_work[i]]
            assert work.weight_bits == row.weight_bits
            assert (work.pack, work.passes) == (pack if row.weight_bits == 4 else 1, 1), row.name


def test_vector_work_reads_each_operand_once_and_at_its_width():
    net = builder()
    x, y = net.input("x", (1, 6)), net.input("y", (1, 6), precision=Precision(bits=16))
    total = net.add(x, y, name="sum")
    square = net.elementwise("mul", total, total, name="square")
    network = bind(net.build(square), TPU)
    assert work_of(network, "sum").input_bits == 6 * 8 + 6 * 16
    assert work_of(network, "square").input_bits == 6 * 8
    assert [work.kind for work in network.works] == [VECTOR_WORK, VECTOR_WORK]
    assert network.rows[0].weight_bits == network.rows[0].macs == 0


# Batch


def test_batch_multiplies_images_not_weights():
    net = builder()
    y = net.conv(net.input("x", (2, 4, 9, 9)), 6, 3, groups=2, stride=2, name="conv")
    graph = net.build(net.gemm(net.flatten(y), 5, name="fc"))
    one, three = bind(graph, TPU), bind(graph, TPU, batch=3)
    for name in ("conv", "fc"):
        single, triple = work_of(one, name), work_of(three, name)
        assert triple.N == 3 * single.N
        assert triple.macs == 3 * single.macs
        assert triple.ofmap_elements == 3 * single.ofmap_elements
        for field in ("G", "K", "C", "P", "Q", "parameter_bits", "weight_bits"):
            assert triple[field] == single[field], field
    assert three.batch == 3
    assert sum(row.macs for row in three.rows) == 3 * graph.total_macs


def test_batch_of_attention_has_a_second_operand_for_each_image():
    net = builder()
    graph = net.build(net.matmul(net.input("q", (4, 6, 8)), net.input("k", (4, 8, 6)), name="scores"))
    one, three = bind(graph, TPU).works[0], bind(graph, TPU, batch=3).works[0]
    assert (one.G, one.N) == (4, 1)
    assert (three.G, three.N) == (12, 1)
    assert three.macs == 3 * one.macs


def test_batch_of_a_recurrent_layer_multiplies_both_works():
    net = builder()
    graph = net.build(net.recurrent(net.input("x", (5, 2, 12)), 10))
    network = bind(graph, TPU, batch=3)
    project, step = network.works
    assert (project.N, project.P, step.N, step.P) == (3, 10, 3, 2)
    assert project.macs + step.macs == network.rows[0].macs == 3 * graph.total_macs


def test_batch_multiplies_vector_and_copy_work():
    net = builder()
    x = net.transpose(net.softmax(net.input("x", (2, 6)), name="softmax"), (1, 0), moves_data=True, name="turn")
    one, four = bind(net.build(x), TPU), bind(net.build(x), TPU, batch=4)
    for field in ("input_bits", "ofmap_elements", "operations"):
        assert four.works[field].tolist() == [4 * value for value in one.works[field].tolist()]


@pytest.mark.parametrize("batch", [0, -1, 1.5, "2", True, None, np.float64(2), np.bool_(True)])
def test_batch_is_a_whole_number_of_at_least_one(batch):
    with pytest.raises(WorkloadError, match=r"batch = .*: give a whole number of at least 1"):
        bind(load_workload("lenet5"), TPU, batch=batch)


def test_batch_of_numpy_is_a_plain_number():
    network = bind(load_workload("lenet5"), TPU, batch=np.int32(2))
    assert type(network.batch) is int
    assert network.rows[0].macs == 2 * 117_600


@pytest.mark.parametrize("batch", [2**62, MAX_ELEMENTS, np.int64(2**62)])
def test_batch_beyond_the_counters_is_refused(batch):
    net = builder()
    softmax = net.build(net.softmax(net.input("x", (1, 8))))
    for graph in (load_workload("lenet5"), softmax):
        with pytest.raises(WorkloadError, match="give a smaller batch"):
            bind(graph, TPU, batch=batch)


def test_operations_beyond_the_counters_name_the_layer():
    net = builder()
    x = net.input("x", (1, 1, 2**15, 2**15))
    graph = net.build(net.average_pool(x, 2**14, stride=1, name="window"))
    with pytest.raises(WorkloadError, match="layer 'window' with batch = 1024"):
        bind(graph, TPU, batch=1024)


def test_network_without_timed_layers_is_refused():
    net = builder()
    with pytest.raises(WorkloadError, match="net: no layer to time; give a network"):
        bind(net.build(net.flatten(net.input("x", (1, 2, 3)))), TPU)


# Recurrent layers


def test_recurrent_layer_is_two_works_in_one_row():
    net = builder()
    graph = net.build(net.recurrent(net.input("x", (6, 2, 12)), 20, name="lstm"))
    network = bind(graph, TPU)
    assert len(network.works) == 2
    assert network.row_of_work == (0, 0)
    project, step = network.works
    assert (project.ifmap_on_chip, step.ifmap_on_chip) == (0, 1)
    assert (project.sequence_steps, step.sequence_steps) == (1, 6)
    assert project.ofmap_elements == 6 * 2 * 80  # four gates a unit, stored between the two
    assert step.ofmap_elements == 6 * 2 * 20
    assert (project.residual_bits, step.residual_bits) == (0, 8)  # each time step reads its projected input
    assert feeds(network, 1, RESIDUAL_COLUMN) == ["lstm"]
    assert network.producers.tolist() == [0]
    assert (project.operations, step.operations) == (0, 6 * 2 * 80)


def test_biases_of_a_recurrent_layer_come_once_and_its_weights_are_no_biases():
    net = builder()
    operands = [net.constant(name, (1, 80, width)) for name, width in (("w", 12), ("r", 20))]
    bias = net.constant("b", (1, 160), precision=Precision(bits=32))
    fields = {"name": "lstm", "hidden_size": 20, "directions": 1}
    graph = net.build(net.layer("lstm", (net.input("x", (6, 2, 12)), *operands, bias), **fields))
    assert bind(graph, TPU).works["parameter_bits"].tolist() == [160 * 32, 0]


def test_recurrent_works_have_their_own_multipliers():
    """Recurrent weights of 4 bits pack; the projection's 8-bit weights do not."""
    net = builder()
    graph = net.build(net.recurrent(net.input("x", (6, 2, 12)), 20, name="lstm"))
    network = bind(graph.with_precisions({"lstm.recurrent": Precision(bits=4)}), TPU)
    assert [work.pack for work in network.works] == [1, 2]
    assert [(one.ifmap_bits, one.weight_bits) for one in network.multipliers] == [(8, 8), (8, 4)]


def test_reader_of_a_recurrent_layer_waits_for_its_second_work():
    net = builder()
    y = net.recurrent(net.input("x", (6, 2, 12)), 20, name="lstm")
    network = bind(net.build(net.softmax(y, name="softmax")), TPU)
    assert network.producers[slice(*network.producer_spans[2, IFMAP])].tolist() == [1]


# Copies and layers that cost nothing


def test_gather_reads_what_it_keeps_and_its_indices():
    net = builder()
    words = net.gather(
        net.constant("table", (1000, 16)), net.input("ids", (5,), precision=Precision(bits=32)), name="words"
    )
    network = bind(net.build(words), TPU, batch=2)
    work = network.works[0]
    assert work.kind == COPY_WORK
    assert work.input_bits == 2 * (5 * 16 * 8 + 5 * 32)
    assert work.ofmap_elements == 2 * 5 * 16
    assert (work.operations, work.macs) == (0, 0)


def test_slice_reads_what_it_keeps_and_a_transpose_reads_all():
    net = builder()
    x = net.input("x", (4, 10))
    cut = net.slice(x, (4, 3), moves_data=True, name="cut")
    network = bind(net.build(cut, net.transpose(x, (1, 0), moves_data=True, name="turn")), TPU)
    assert work_of(network, "cut").input_bits == 4 * 3 * 8
    assert work_of(network, "turn").input_bits == 4 * 10 * 8


def test_concat_that_moves_data_reads_its_parts():
    net = builder()
    parts = net.input("x", (1, 3, 4)), net.input("y", (1, 5, 4))
    network = bind(net.build(net.concat(parts, moves_data=True, name="join")), TPU)
    assert network.works[0].input_bits == 8 * 4 * 8
    assert network.works[0].ofmap_elements == 8 * 4


def test_host_layers_are_listed_with_their_macs_and_not_timed():
    net = builder()
    x = net.gemm(net.input("x", (2, 8)), 4, name="fc")
    y = net.layer("host", (x,), shape=(2, 4), kind="Sort", macs=12, name="sort")
    network = bind(net.build(net.softmax(y, name="softmax")), TPU, batch=3)
    assert [(row.name, row.op, row.macs) for row in network.untimed] == [("sort", "host", 36)]
    assert "host" in network.untimed[0].reason
    assert [row.name for row in network.rows] == ["fc", "softmax"]
    assert feeds(network, 1, IFMAP) == ["fc"]  # what follows the host waits for what went into it


# Groups


@pytest.mark.parametrize(
    ("preset", "channels", "expected"),
    [("tpu_like_128", 64, 14), ("tpu_like_128", 8, 8), ("tpu_v1", 64, 1), ("gemmini_like_16", 64, 1)],
)
def test_depthwise_groups_share_a_fold_where_the_array_can(preset, channels, expected):
    net = builder()
    graph = net.build(net.conv(net.input("x", (1, channels, 8, 8)), channels, 3, groups=channels))
    assert bind(graph, load_accelerator(preset)).works[0].group_packing == expected  # 128 // 9 = 14


def test_packed_weights_widen_the_diagonal():
    """Four-bit weights: 128 columns hold 256 channels, so four groups of 64 fit instead of two."""
    for bits, groups in ((8, 2), (4, 4)):
        net = GraphBuilder("net", weight_precision=Precision(bits=bits), activation_precision=INT8)
        graph = net.build(net.conv(net.input("x", (1, 8, 8, 8)), 512, 1, groups=8))
        assert bind(graph, TPU).works[0].group_packing == groups


def test_group_larger_than_the_array_is_cut_not_packed():
    net = builder()
    graph = net.build(net.conv(net.input("x", (1, 512, 8, 8)), 8, 3, groups=2))
    assert bind(graph, TPU).works[0].group_packing == 1


def test_a_network_too_large_for_one_image_blames_its_shapes():
    net = builder()
    graph = net.build(net.softmax(net.input("x", (2**29, 2**29))))
    with pytest.raises(WorkloadError, match=r"batch = 1: .* check the shapes of its tensors"):
        bind(graph, TPU)
