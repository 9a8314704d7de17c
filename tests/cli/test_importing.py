"""``simulator import``."""

import pytest

from simulator.workload import load_workload

TOPOLOGY = (
    "Layer name,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num Filter,Strides,\nc1,8,8,3,3,4,5,1,\n"
)


@pytest.fixture
def topology(tmp_path):
    path = tmp_path / "net.csv"
    path.write_text(TOPOLOGY, encoding="utf-8")
    return path


def test_a_model_becomes_a_workload_file(call, topology, tmp_path):
    shown = call("import", topology, "-o", tmp_path / "net.json")
    assert shown.exit_code == 0, shown.output
    assert "1 mapped" in shown.stdout
    assert load_workload(tmp_path / "net.json").total_macs == 6 * 6 * 3 * 3 * 4 * 5
    assert call("import", topology, "-o", tmp_path / "net.json", "--quiet").output == ""


def test_the_table_is_shown_on_request(call, topology, tmp_path):
    assert "c1" in call("import", topology, "-o", tmp_path / "net.json", "--imports-table").stdout


def test_unsupported_nodes_are_shown_and_nothing_is_written(call, tmp_path):
    onnx = pytest.importorskip("onnx")
    value = onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node("NoSuchOperator", ["x"], ["y"], name="odd", domain="nowhere")
    graph = onnx.helper.make_graph([node], "g", [value("x", 1, [1, 4])], [value("y", 1, [1, 4])])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "odd.onnx")
    result = call("import", tmp_path / "odd.onnx", "-o", tmp_path / "odd.json")
    assert result.exit_code == 2
    assert "UNSUPPORTED" in result.stdout
    assert result.stderr.count("error: ") == 1
    assert not (tmp_path / "odd.json").exists()


def test_what_cannot_be_read_or_written_is_refused(refused, topology, tmp_path):
    assert "no folder" in refused("import", topology, "-o", tmp_path / "none" / "x.json")
    assert "nothing.onnx" in refused("import", tmp_path / "nothing.onnx", "-o", tmp_path / "x.json")
    (tmp_path / "bad.onnx").write_bytes(b"\x08\x07garbage")
    assert "bad.onnx" in refused("import", tmp_path / "bad.onnx", "-o", tmp_path / "x.json")
    assert "--shape" in refused("import", topology, "-o", tmp_path / "x.json", "--shape", "a=1")
    assert not (tmp_path / "x.json").exists()


def test_the_model_is_not_written_over(refused, call, tmp_path):
    model = tmp_path / "net.json"
    assert call("new", "workload", "-o", model).exit_code == 0
    assert refused("import", model, "-o", model).startswith(f"error: -o {model}: is read by this command")


def test_zeros_of_a_model_are_kept_where_its_file_stays_beside(call, tmp_path):
    pytest.importorskip("onnx")
    import numpy as np

    from simulator.workload.masks import Masks
    from tests.workload.importers.onnx_models import array, model, node

    weights = np.array([[1, 0, 0, 2]] * 3)
    proto = model([node("MatMul", ["x", "w"], ["y"])], {"x": (1, 3)}, ["y"], [array("w", weights)])
    (tmp_path / "net.onnx").write_bytes(proto.SerializeToString())
    (tmp_path / "else").mkdir()
    call("import", tmp_path / "net.onnx", "-o", tmp_path / "net.json")
    beside = Masks(load_workload(tmp_path / "net.json"))
    assert (beside.mask("w") == (weights != 0)).all()
    shown = call("import", tmp_path / "net.onnx", "-o", tmp_path / "else" / "net.json").stdout
    assert "zeros of 1 weights as densities" in " ".join(shown.split())
    assert Masks(load_workload(tmp_path / "else" / "net.json")).density("w") == 0.5
