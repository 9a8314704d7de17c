"""Shape rules against windows counted one by one, numpy, and the ONNX package's own inference."""

from itertools import product

import numpy as np
import onnx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, shape_inference

from simulator.workload.layers import (
    Activation,
    Conv,
    ConvTranspose,
    Elementwise,
    Gemm,
    Host,
    Matmul,
    Movement,
    Pool,
    Recurrent,
    Softmax,
)
from simulator.workload.shapes import broadcast, check_movement, elements, infer_output_shape

small = st.integers(1, 4)
size = st.integers(1, 14)
pad = st.tuples(st.integers(0, 3), st.integers(0, 3))


def layer(kind, op, inputs=1, **fields):
    names = tuple(f"x{i}" for i in range(inputs))
    return kind.model_validate({"op": op, "name": "l", "inputs": names, "outputs": ("y",), **fields})


def onnx_shape(operator, shapes, **attributes):
    """The ONNX package's shape for one node, or None where it refuses."""
    names = [f"x{i}" for i in range(len(shapes))]
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in zip(names, shapes, strict=True)]
    node = helper.make_node(operator, names, ["y"], **attributes)
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    model = helper.make_model(
        helper.make_graph([node], "g", inputs, [output]), opset_imports=[helper.make_opsetid("", 21)]
    )
    try:
        inferred = shape_inference.infer_shapes(model, strict_mode=True)
    except onnx.shape_inference.InferenceError:
        return None
    return tuple(d.dim_value for d in inferred.graph.output[0].type.tensor_type.shape.dim)


def windows(length, kernel, stride, dilation, padding, *, ceil_mode):
    """Slide a window over the padded axis; in ceil mode it may hang over the end, and starts before the end padding."""
    extent = (kernel - 1) * dilation + 1
    total = length + sum(padding)
    count = 0
    for start in range(0, total, stride):
        covered = start - stride + extent >= total
        counts = not covered and start < length + padding[0] if ceil_mode else start + extent <= total
        count += counts
    return count


@given(length=size, kernel=small, stride=small, dilation=st.integers(1, 3), padding=pad, ceil_mode=st.booleans())
def test_pool_counts_windows(length, kernel, stride, dilation, padding, ceil_mode):
    fields = {"kernel": (kernel,), "stride": (stride,), "dilation": (dilation,), "padding": (padding,)}
    pool = layer(Pool, "max_pool", ceil_mode=ceil_mode, **fields)
    expected = windows(length, kernel, stride, dilation, padding, ceil_mode=ceil_mode)
    if expected == 0:
        with pytest.raises(ValueError, match="does not fit"):
            infer_output_shape(pool, [(1, 2, length)])
    else:
        assert infer_output_shape(pool, [(1, 2, length)]) == (1, 2, expected)


@settings(max_examples=60)
@given(length=size, kernel=small, stride=small, padding=st.integers(0, 2), ceil_mode=st.booleans())
def test_pool_agrees_with_onnx(length, kernel, stride, padding, ceil_mode):
    assume(padding < kernel <= length + 2 * padding)
    fields = {"kernel": (kernel,), "stride": (stride,), "dilation": (1,), "padding": ((padding, padding),)}
    pool = layer(Pool, "max_pool", ceil_mode=ceil_mode, **fields)
    attributes = {"kernel_shape": [kernel], "strides": [stride], "pads": [padding, padding], "ceil_mode": ceil_mode}
    *_, theirs = onnx_shape("MaxPool", [(1, 2, length)], **attributes)
    if ceil_mode and (theirs - 1) * stride >= length + padding:
        theirs -= 1  # ONNX (Pool, ceil_mode) and PyTorch ignore a window that starts in the end padding; onnx counts it
    assert infer_output_shape(pool, [(1, 2, length)]) == (1, 2, theirs)


@settings(max_examples=60)
@given(data=st.data(), axes=st.integers(1, 3), groups=small, channels=small, filters=small)
def test_convolution_agrees_with_onnx(data, axes, groups, channels, filters):
    def draw(strategy):
        return tuple(data.draw(strategy) for _ in range(axes))

    spatial, kernel, stride, dilation, padding = (
        draw(size),
        draw(small),
        draw(small),
        draw(st.integers(1, 3)),
        draw(pad),
    )
    shapes = [(2, groups * channels, *spatial), (groups * filters, channels, *kernel), (groups * filters,)]
    fields = {"stride": stride, "dilation": dilation, "padding": padding, "groups": groups}
    conv = layer(Conv, f"conv{axes}d", 3, **fields)
    counts = [
        windows(*sizes, ceil_mode=False) for sizes in zip(spatial, kernel, stride, dilation, padding, strict=True)
    ]
    if 0 in counts:
        with pytest.raises(ValueError, match="does not fit"):
            infer_output_shape(conv, shapes)
        return
    ours = infer_output_shape(conv, shapes)
    pads = [begin for begin, _ in padding] + [end for _, end in padding]
    attributes = {"strides": stride, "dilations": dilation, "pads": pads, "group": groups}
    assert ours == onnx_shape("Conv", shapes, **attributes) == (2, groups * filters, *counts)


def scattered(length, kernel, stride, dilation):
    """Where a transposed convolution's products land, before cropping."""
    return 1 + max(i * stride + k * dilation for i, k in product(range(length), range(kernel)))


@settings(max_examples=60)
@given(data=st.data(), axes=st.integers(1, 3), groups=small, channels=small, filters=small)
def test_transposed_convolution_agrees_with_onnx(data, axes, groups, channels, filters):
    def draw(strategy):
        return tuple(data.draw(strategy) for _ in range(axes))

    spatial, kernel, stride, dilation = draw(size), draw(small), draw(small), draw(st.integers(1, 3))
    padding, extra = draw(pad), tuple(data.draw(st.integers(0, s - 1)) for s in stride)
    shapes = [(2, groups * channels, *spatial), (groups * channels, filters, *kernel)]
    fields = {"stride": stride, "dilation": dilation, "padding": padding, "output_padding": extra, "groups": groups}
    transposed = layer(ConvTranspose, f"conv_transpose{axes}d", 2, **fields)
    expected = [
        scattered(*sizes[:4]) - sum(sizes[4]) + sizes[5]
        for sizes in zip(spatial, kernel, stride, dilation, padding, extra, strict=True)
    ]
    if min(expected) < 1:
        with pytest.raises(ValueError, match="reduce the padding"):
            infer_output_shape(transposed, shapes)
        return
    pads = [begin for begin, _ in padding] + [end for _, end in padding]
    attributes = {"strides": stride, "dilations": dilation, "pads": pads, "group": groups, "output_padding": extra}
    ours = infer_output_shape(transposed, shapes)
    assert ours == onnx_shape("ConvTranspose", shapes, **attributes) == (2, groups * filters, *expected)


ranked = st.lists(st.integers(1, 3), max_size=4).map(tuple)


@settings(max_examples=300)
@given(left=ranked, right=ranked)
def test_matmul_agrees_with_numpy(left, right):
    matmul = layer(Matmul, "matmul", 2)
    try:
        expected = np.matmul(np.zeros(left), np.zeros(right)).shape
    except ValueError:
        with pytest.raises(ValueError, match=r"broadcast|no matrix product"):
            infer_output_shape(matmul, [left, right])
        return
    assert infer_output_shape(matmul, [left, right]) == expected


@settings(max_examples=300)
@given(shapes=st.lists(ranked, min_size=1, max_size=4))
def test_broadcast_agrees_with_numpy(shapes):
    try:
        expected = np.broadcast_shapes(*shapes)
    except ValueError:
        with pytest.raises(ValueError, match="do not broadcast"):
            broadcast(shapes)
        return
    assert broadcast(shapes) == expected


@given(rows=small, inner=small, cols=small, flip_ifmap=st.booleans(), flip_weight=st.booleans())
def test_gemm_agrees_with_numpy(rows, inner, cols, flip_ifmap, flip_weight):
    gemm = layer(Gemm, "gemm", 2, transpose_ifmap=flip_ifmap, transpose_weight=flip_weight)
    x, w = np.zeros((rows, inner)), np.zeros((inner, cols))
    shapes = [x.T.shape if flip_ifmap else x.shape, w.T.shape if flip_weight else w.shape]
    assert infer_output_shape(gemm, shapes) == (x @ w).shape


def test_recurrent_agrees_with_onnx():
    for operator, op, gates in (("LSTM", "lstm", 4), ("GRU", "gru", 3), ("RNN", "rnn", 1)):
        shapes = [(7, 2, 5), (2, gates * 3, 5), (2, gates * 3, 3)]
        recurrent = layer(Recurrent, op, 3, hidden_size=3, directions=2)
        expected = onnx_shape(operator, shapes, hidden_size=3, direction="bidirectional")
        assert infer_output_shape(recurrent, shapes) == expected == (7, 2, 2, 3)


CONV = {"stride": (1, 1), "dilation": (1, 1), "padding": ((0, 0), (0, 0))}
POOL = {**CONV, "kernel": (2, 2)}


@pytest.mark.parametrize(
    ("made", "shapes", "reason"),
    [
        (layer(Conv, "conv2d", 1, **CONV), [(1, 3, 8, 8)], "at least 2 inputs"),
        (layer(Conv, "conv2d", 2, **CONV), [(1, 3, 8), (4, 3, 3)], "need 4 axes"),
        (layer(Conv, "conv2d", 2, **CONV), [(1, 3, 8, 8), (4, 2, 3, 3)], "disagree"),
        (layer(Conv, "conv2d", 2, **CONV, groups=2), [(1, 4, 8, 8), (3, 2, 3, 3)], "disagree"),
        (layer(Conv, "conv2d", 3, **CONV), [(1, 3, 8, 8), (4, 3, 3, 3), (3,)], "bias"),
        (layer(Conv, "conv2d", 2, **CONV | {"stride": (1,)}), [(1, 3, 8, 8), (4, 3, 3, 3)], "stride has 1 entries"),
        (layer(Gemm, "gemm", 2), [(2, 3), (4, 5)], "no matrix product"),
        (layer(Gemm, "gemm", 2), [(2, 3), (3, 5, 1)], "no matrix product"),
        (layer(Gemm, "gemm", 2), [(), (3, 5)], "no matrix product"),
        (layer(Gemm, "gemm", 3), [(2, 3), (3, 5), (4,)], "bias|broadcast"),
        (layer(Gemm, "gemm", 3), [(2, 3), (3, 5), (7, 2, 5)], "bias"),
        (layer(Pool, "max_pool", 1, **POOL), [(1, 3)], "N, C, spatial"),
        (layer(Pool, "max_pool", 1, **POOL), [(3,)], "N, C, spatial"),
        (layer(Pool, "max_pool", 1, **POOL), [(1, 3, 8)], "entries for 1 spatial axes"),
        (layer(Elementwise, "add", 1), [(1, 3)], "at least 2 inputs"),
        (layer(Elementwise, "where", 2), [(1,), (2,)], "at least 3 inputs"),
        (layer(Softmax, "softmax", axis=2), [(1, 3)], "axis = 2"),
        (layer(Softmax, "softmax"), [()], "axis = -1"),
        (layer(Activation, "activation", 0, function="relu"), [], "at least 1 inputs"),
        (layer(Recurrent, "lstm", 3, hidden_size=3), [(7, 2), (1, 12, 5), (1, 12, 3)], "time, N, input"),
        (layer(Recurrent, "lstm", 3, hidden_size=3), [(7, 2, 5), (1, 9, 5), (1, 12, 3)], "4 x hidden"),
        (layer(Recurrent, "gru", 3, hidden_size=3), [(7, 2, 5), (1, 9, 5), (1, 9, 5)], "recurrent weights"),
    ],
)
def test_misfits_say_why(made, shapes, reason):
    with pytest.raises(ValueError, match=reason):
        infer_output_shape(made, shapes)


def test_free_shapes_are_left_to_the_file():
    assert infer_output_shape(layer(Movement, "reshape"), [(2, 3)]) is None
    assert infer_output_shape(Host(op="host", name="h", inputs=("x",), outputs=("y",), kind="NMS"), [(2, 3)]) is None


@pytest.mark.parametrize(
    ("op", "inputs", "outputs", "sound"),
    [
        ("reshape", [(2, 6), (1,)], [(3, 4)], True),
        ("reshape", [(2, 6)], [(3, 5)], False),
        ("transpose", [(2, 6)], [(6, 2)], True),
        ("transpose", [(2, 6)], [(6, 3)], False),
        ("concat", [(2, 6), (3, 6)], [(5, 6)], True),
        ("concat", [(2, 6), (3, 6)], [(4, 6)], False),
        ("split", [(5, 6), (2,)], [(2, 6), (3, 6)], True),
        ("split", [(5, 6)], [(2, 6), (2, 6)], False),
        ("slice", [(5, 6)], [(2, 6)], True),
        ("expand", [(1, 6)], [(2, 6)], True),
    ],
)
def test_movements_conserve_elements(op, inputs, outputs, sound):
    movement = layer(Movement, op, len(inputs))
    if sound:
        check_movement(movement, inputs, outputs)
    else:
        with pytest.raises(ValueError, match="elements go in and"):
            check_movement(movement, inputs, outputs)


def test_elements():
    assert elements(()) == 1
    assert elements((2, 3, 4)) == 24
