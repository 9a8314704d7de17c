"""Widths of tensors, and how operands are multiplied."""

import pytest

from simulator.arch import load_accelerator
from simulator.dataflow.widths import Multiplier, Widths
from simulator.errors import ArchitectureError, WorkloadError
from simulator.workload.builder import GraphBuilder
from simulator.workload.layers import Tensor
from simulator.workload.precision import FLOAT32, Precision

WIDE = ['precision.pairs=[{"ifmap_bits": 16, "weight_bits": 8}]', "precision.law=fixed"]


def widths(preset="tpu_like_128", overrides=(), batch=1, graph=None):
    return Widths(graph or tiny(), load_accelerator(preset, overrides=overrides), batch)


def tiny():
    net = GraphBuilder("tiny")
    x = net.input("x", (2, 3, 8, 8))
    y = net.max_pool(net.softmax(net.conv(x, 4, 3, name="conv"), name="softmax"), 2, name="pool")
    return net.build(net.reduction(y, "mean", (2, 3), name="mean"))


def tensor(bits=32, kind="int", *, constant=False, elements=10):
    return Tensor(name="t", shape=(elements,), precision=Precision(bits=bits, kind=kind), constant=constant)


def test_integer_widths_are_taken_as_they_are():
    for bits in (1, 4, 7, 8, 33):
        assert widths().bits(tensor(bits)) == bits
        assert not widths().is_assumed(tensor(bits))


def test_floats_take_the_widest_integers_of_an_array_without_floats():
    assert widths().bits(tensor(32, "float")) == 8
    assert widths(overrides=WIDE).bits(tensor(32, "float")) == 16
    assert widths(overrides=WIDE).bits(tensor(32, "float"), weight=True) == 8
    assert widths().is_assumed(tensor(8), tensor(32, "float"))


def test_floats_keep_their_width_on_an_array_with_floats():
    fp = widths(overrides=["precision.float_bits=32"])
    assert fp.bits(tensor(16, "float")) == 16
    assert not fp.is_assumed(tensor(16, "float"))


def test_second_operand_is_as_wide_as_its_maker_stored_it():
    wide = widths(overrides=WIDE)
    activation, weight = tensor(32, "float"), tensor(32, "float", constant=True)
    assert wide.operand_bits(activation, weight) == (16, 8)
    assert wide.operand_bits(activation, activation) == (16, 16)


def test_parameters_are_accumulators_unless_told():
    assert widths().parameter_bits(tensor(32, "float", elements=7)) == 7 * 32
    assert widths().parameter_bits(tensor(8, elements=7)) == 7 * 8


def test_reads_of_activations_count_images_and_those_of_constants_do_not():
    assert widths(batch=3).read_bits(tensor(4)) == 3 * 10 * 4
    assert widths(batch=3).read_bits(tensor(4, constant=True)) == 10 * 4


def test_operations_count_windows_inputs_and_outputs():
    graph = tiny()
    by_name = {layer.name: layer for layer in graph.layers}
    counted = widths(graph=graph, batch=5)
    assert counted.operations(by_name["softmax"]) == 5 * 5 * (2 * 4 * 6 * 6)  # five operations an element
    assert counted.operations(by_name["pool"]) == 5 * (2 * 4 * 3 * 3) * 4
    assert counted.operations(by_name["mean"]) == 5 * (2 * 4 * 3 * 3)  # what is read, not what is left


@pytest.mark.parametrize(
    ("preset", "bits", "expected"),
    [
        ("tpu_like_128", (8, 8), Multiplier(1, 1, 8, 8)),
        ("tpu_like_128", (8, 4), Multiplier(2, 1, 8, 4)),
        ("tpu_like_128", (4, 8), Multiplier(1, 1, 8, 8)),
        ("tpu_like_128", (16, 8), Multiplier(1, 2, 8, 8)),
        ("tpu_like_128", (9, 17), Multiplier(1, 6, 8, 8)),
        ("edge_like_32", (4, 4), Multiplier(4, 1, 4, 4)),
        ("edge_like_32", (5, 3), Multiplier(2, 1, 8, 4)),
        ("tpu_v1", (8, 4), Multiplier(1, 1, 8, 8)),
        ("gemmini_like_16", (4, 4), Multiplier(1, 1, 8, 8)),
    ],
)
def test_integer_products_follow_the_precision_law(preset, bits, expected):
    assert widths(preset).multiplier("l", tensor(bits[0]), tensor(bits[1], constant=True)) == expected


def test_wide_operands_without_passes_are_refused():
    with pytest.raises(ArchitectureError, match="cannot multiply 16 x 8 bits"):
        widths("gemmini_like_16").multiplier("l", tensor(16), tensor(8))


def test_floats_go_to_the_float_path_and_integers_never_do():
    fp = widths(overrides=["precision.float_bits=32"])
    floats = Multiplier(1, 1, 32, 32, is_float=True)
    assert fp.multiplier("l", tensor(32, "float"), tensor(32, "float")) == floats
    assert fp.multiplier("l", tensor(8, "float"), tensor(8, "float")) == floats  # narrow, yet no integer
    assert fp.multiplier("l", tensor(16, "float"), tensor(4)) == floats  # 4-bit weights are widened
    assert fp.multiplier("l", tensor(8), tensor(4)) == Multiplier(2, 1, 8, 4)
    assert fp.multiplier("l", tensor(16), tensor(8)) == Multiplier(1, 2, 8, 8)
    assert not widths().multiplier("l", tensor(32, "float"), tensor(32, "float")).is_float


def test_floats_as_wide_as_an_integer_pair_are_still_floats():
    both = widths(overrides=[*WIDE, "precision.float_bits=16"])
    assert both.multiplier("l", tensor(16, "float"), tensor(16, "float")) == Multiplier(1, 1, 16, 16, is_float=True)
    assert not both.multiplier("l", tensor(16), tensor(8)).is_float


def test_floats_wider_than_the_float_path_name_layer_and_remedy():
    fp = widths(overrides=["precision.float_bits=16"])
    with pytest.raises(WorkloadError, match=r"layer 'fc': 32-bit operands exceed .* 16-bit floats; quantize"):
        fp.multiplier("fc", tensor(16, "float"), Tensor(name="w", shape=(1,), precision=FLOAT32, constant=True))
