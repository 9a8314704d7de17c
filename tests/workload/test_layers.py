from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from simulator.workload.layers import MAC_LAYERS, MAX_DIMENSION, MAX_RANK, VECTOR_LAYERS, Host, Layer, Movement, Tensor
from simulator.workload.precision import Precision
from tests.workload.networks import every_layer_kind

ADAPTER = TypeAdapter(Layer)
OPERATORS = {
    tag for branch in TypeAdapter(Layer).json_schema()["discriminator"]["mapping"].items() for tag in branch[:1]
}


@given(shape=st.lists(st.integers(1, 50), max_size=5), bits=st.integers(1, 64))
def test_size_is_the_packed_bits_rounded_up_once(shape, bits):
    tensor = Tensor(name="t", shape=tuple(shape), precision=Precision(bits=bits))
    assert tensor.elements == prod(shape)
    assert 8 * (tensor.size_bytes - 1) < tensor.elements * bits <= 8 * tensor.size_bytes


def test_scalar_has_one_element():
    assert Tensor(name="s", shape=()).size_bytes == 4


@pytest.mark.parametrize(
    "fields",
    [
        {"shape": (0,)},
        {"shape": (-1, 3)},
        {"shape": (MAX_DIMENSION + 1,)},
        {"shape": (1,) * (MAX_RANK + 1)},
        {"shape": (2,), "name": ""},
        {"shape": (2,), "name": "x" * 1025},
        {"shape": (2,), "colour": "red"},
        {"shape": "ab"},
        {"shape": (2.5,)},
    ],
)
def test_tensor_refuses_nonsense(fields):
    with pytest.raises(ValidationError):
        Tensor(**{"name": "t", **fields})


def test_operator_chooses_the_class_and_every_operator_is_covered():
    layers = every_layer_kind().layers
    assert {layer.op for layer in layers} == OPERATORS
    for layer in layers:
        assert ADAPTER.validate_json(ADAPTER.dump_json(layer)) == layer


def test_every_class_is_multiply_accumulate_or_vector_or_moves_or_host():
    kinds = {type(layer) for layer in every_layer_kind().layers}
    assert kinds == {*MAC_LAYERS, *VECTOR_LAYERS, Movement, Host}


@pytest.mark.parametrize(
    "change",
    [
        {"stride": (0, 1)},
        {"padding": ((-1, 0), (0, 0))},
        {"padding": ((1,), (0, 0))},
        {"groups": 0},
        {"outputs": ()},
        {"op": "conv4d"},
        {"kernel": (3, 3)},
    ],
)
def test_convolution_refuses_nonsense(change):
    form = {
        "op": "conv2d",
        "name": "c",
        "inputs": ("x", "w"),
        "outputs": ("y",),
        "stride": (1, 1),
        "dilation": (1, 1),
        "padding": ((0, 0), (0, 0)),
    }
    assert ADAPTER.validate_python(form)
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(form | change)


def test_host_work_fits_the_counters():
    with pytest.raises(ValidationError):
        Host(op="host", name="h", inputs=(), outputs=("y",), kind="NMS", macs=2**62 + 1)
