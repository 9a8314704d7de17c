import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto

from simulator.errors import WorkloadError
from simulator.workload.importers import onnx_files
from simulator.workload.importers.onnx_files import read_model, read_weight, tensor_values
from simulator.workload.importers.onnx_model import import_onnx
from tests.workload.importers.onnx_models import (
    INT64,
    array,
    import_model,
    model,
    node,
    packed,
    scalar,
    weights,
)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\x00\x01garbage\xff", "is not an ONNX model"),
        (b"\x08\x07", "the graph has no nodes"),
        (b"#!/bin/sh\n", "is not an ONNX model"),
    ],
)
def test_what_is_no_model_is_refused(tmp_path, data, says):
    path = tmp_path / "net.onnx"
    path.write_bytes(data)
    with pytest.raises(WorkloadError, match=says):
        read_model(path)


def test_missing_file_and_folder_are_refused(tmp_path):
    with pytest.raises(WorkloadError, match="no such file"):
        read_model(tmp_path / "absent.onnx")
    with pytest.raises(WorkloadError, match="is a folder"):
        read_model(tmp_path)


def test_more_than_two_gibibytes_are_refused_unread(tmp_path, monkeypatch):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"12345")
    monkeypatch.setattr(onnx_files, "MAX_FILE_BYTES", 4)
    with pytest.raises(WorkloadError, match="save_as_external_data"):
        read_model(path)


def external(location, dims=(2,), kind=INT64, **entries):
    tensor = TensorProto(name="shape", data_type=kind, dims=dims, data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **entries}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
    return tensor


def reshaping(tensor):
    return model([node("Reshape", ["x", "shape"], ["y"], name="turn")], {"x": [2, 3]}, ["y"], [tensor])


def test_small_external_values_are_read(tmp_path):
    (tmp_path / "net.bin").write_bytes(b"skip" + np.array([3, 2], dtype=np.int64).tobytes())
    graph = import_model(reshaping(external("net.bin", offset=4, length=16)), tmp_path)
    assert graph.tensors["y"].shape == (3, 2)


@pytest.mark.parametrize("entries", [{"length": 16, "offset": 8}, {"length": 15}, {"offset": -1}, {"length": "x"}])
def test_incomplete_external_values_that_matter_are_refused(tmp_path, entries):
    (tmp_path / "net.bin").write_bytes(np.array([3, 2], dtype=np.int64).tobytes())
    with pytest.raises(WorkloadError, match=r"'shape'.* is no known constant.*data file"):
        import_model(reshaping(external("net.bin", **entries)), tmp_path)


def test_missing_data_of_a_weight_does_not_matter(tmp_path):
    tensor = external("absent.bin", (4, 3, 3, 3), TensorProto.FLOAT)
    tensor.name = "w"
    proto = model([node("Conv", ["x", "w"], ["y"])], {"x": [1, 3, 8, 8]}, ["y"], [tensor])
    assert import_model(proto, tmp_path).total_macs == 6 * 6 * 4 * 27


@pytest.mark.parametrize(
    "location", ["/etc/passwd", "../net.bin", "a/../../net.bin", "", "a\\b", "link/net.bin", "sub/../net.bin"]
)
def test_data_outside_the_folder_is_refused_even_if_unused(tmp_path, location):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "net.bin").write_bytes(bytes(16))
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(WorkloadError, match="outside the model's folder"):
        import_model(reshaping(external(location)), folder)


def test_names_that_are_no_text_are_refused(tmp_path):
    data = model([node("Relu", ["x"], ["y"], name="QQQQ")], {"x": [1]}, ["y"]).SerializeToString()
    path = tmp_path / "net.onnx"
    path.write_bytes(data.replace(b"QQQQ", b"\xff\xfe\xfd\xfc"))
    with pytest.raises(WorkloadError, match=r"not UTF-8|is not an ONNX model"):
        read_model(path)


def test_stored_weights_can_be_read_by_name(tmp_path):
    proto = model([node("Conv", ["x", "w"], ["y"])], {"x": [1, 3, 8, 8]}, ["y"], [weights("w", 4, 3, 3, 3)])
    import_model(proto, tmp_path)
    assert read_weight(tmp_path / "net.onnx", "w").shape == (4, 3, 3, 3)
    with pytest.raises(WorkloadError, match="stores no tensor 'v'"):
        read_weight(tmp_path / "net.onnx", "v")


def small_models() -> list[ModelProto]:
    clip = [node("Clip", ["q", "low", "high"], ["c"]), node("DequantizeLinear", ["c", "s", "z"], ["d"])]
    quantized = model(
        [
            node("QuantizeLinear", ["x", "s", "z"], ["q"]),
            *clip,
            node("Conv", ["d", "w"], ["y"], pads=[1, 1, 1, 1], strides=[2, 2]),
            node("Reshape", ["y", "shape"], ["r"]),
            node("Gemm", ["r", "f"], ["g"], transB=1),
            node("Softmax", ["g"], ["p"]),
        ],
        {"x": [1, 3, 8, 8]},
        ["p"],
        [
            scalar("s", 0.5),
            scalar("z", 0, np.uint8),
            scalar("low", 0, np.uint8),
            scalar("high", 15, np.uint8),
            weights("w", 4, 3, 3, 3),
            array("shape", [1, -1], np.int64),
            weights("f", 5, 64),
        ],
    )
    blocked = model(
        [node("DequantizeLinear", ["w", "s"], ["d"], block_size=2), node("MatMul", ["x", "d"], ["y"])],
        {"x": [2, 4]},
        ["y"],
        [packed("w", TensorProto.INT4, 4, 6), weights("s", 2, 6)],
        opset=21,
    )
    return [quantized, blocked]


MODELS = [proto.SerializeToString() for proto in small_models()]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_files_give_one_error_or_a_graph(tmp_path, data):
    good = bytearray(data.draw(st.sampled_from(MODELS)))
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(good) - 1))
        good[place] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path / "net.onnx"
    path.write_bytes(bytes(good[: data.draw(st.integers(0, len(good)))]) if data.draw(st.booleans()) else bytes(good))
    with suppress(WorkloadError):
        import_onnx(path)


def test_the_undamaged_models_of_the_fuzzer_are_read(tmp_path):
    for proto, macs in zip(small_models(), (4 * 4 * 4 * 27 + 5 * 64, 2 * 4 * 6), strict=True):
        assert import_model(proto, tmp_path).total_macs == macs


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_external_data_in_a_pipe_is_missing_data_and_not_waited_for(tmp_path, monkeypatch):
    def never(*_, **__):
        pytest.fail("a pipe was opened: that waits for a writer")

    os.mkfifo(tmp_path / "net.bin")
    monkeypatch.setattr(Path, "open", never)
    assert tensor_values(external("net.bin"), tmp_path, "net.onnx") is None
