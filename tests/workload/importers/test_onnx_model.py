import subprocess
import sys
from collections import Counter

import pytest

from simulator.errors import WorkloadError
from simulator.workload import load_workload, save_workload
from simulator.workload.importers.onnx_model import UnsupportedModelError, import_onnx
from tests.workload.importers.onnx_models import (
    array,
    import_model,
    light_folder,
    model,
    node,
    ops,
    weights,
)

LIGHT_MACS = {
    "bvlc_alexnet": 654_560_384,
    "densenet121": 2_834_161_664,
    "inception_v1": 1_431_556_352,
    "inception_v2": 2_018_851_840,
    "resnet50": 4_089_184_256,
    "shufflenet": 124_664_528,
    "squeezenet": 349_151_936,
    "vgg19": 19_632_062_464,
    "zfnet512": 1_481_727_008,
}


@pytest.mark.parametrize(("name", "macs"), LIGHT_MACS.items())
def test_light_models_have_their_published_macs(name, macs):
    graph = import_onnx(light_folder() / f"light_{name}.onnx")
    assert graph.total_macs == macs
    assert {row.fate for row in graph.import_table} <= {"mapped", "folded"}


def test_split_batch_normalization_leaves_no_elementwise_layer():
    assert Counter(ops(import_onnx(light_folder() / "light_densenet121.onnx"))) == {
        "conv2d": 121,
        "activation": 121,
        "normalization": 62,
        "concat": 58,
        "average_pool": 4,
        "max_pool": 1,
    }


def test_imported_network_survives_its_workload_file(tmp_path):
    graph = load_workload(light_folder() / "light_squeezenet.onnx")
    save_workload(graph, tmp_path / "squeezenet.json")
    again = load_workload(tmp_path / "squeezenet.json")
    assert (again.layers, dict(again.tensors), again.outputs) == (graph.layers, dict(graph.tensors), graph.outputs)


REFERENCE = {
    "smart-turn-v3.2-cpu": 3_612_889_152,
    "qonnx_espcn_subpixel_quant_model": 1_041_235_968,
    "made_brevitas_mixed_qonnx": 1_777_664,
    "made_brevitas_mixed_qcdq": 1_777_664,
    "made_resnet50_w4w8_mixed_qdq": 4_089_184_256,
}


@pytest.mark.parametrize(("name", "macs"), REFERENCE.items())
def test_reference_models_have_their_macs(reference_dir, name, macs):
    shapes = {"input_features": (1, 80, 800)} if name.startswith("smart") else None
    assert import_onnx(reference_dir / "models" / f"{name}.onnx", shapes=shapes).total_macs == macs


def widths(graph):
    return [
        tuple(graph.tensors[name].precision.label for name in (*layer.inputs[:2], layer.outputs[0]))
        for layer in graph.mac_layers
    ]


def test_brevitas_exports_agree_and_hide_their_widths_in_clips_and_inputs(reference_dir):
    qonnx, qcdq = (
        import_onnx(reference_dir / "models" / f"made_brevitas_mixed_{form}.onnx") for form in ("qonnx", "qcdq")
    )
    assert widths(qonnx) == [
        ("int8", "int8", "uint6"),
        ("uint6", "int4", "uint4"),
        ("uint4", "int2", "uint3"),
        ("uint3", "int3", "float32"),
    ]
    assert widths(qcdq) == widths(qonnx)


def test_resnet50_w4w8_has_int4_weights_on_26_convolutions(reference_dir):
    graph = import_onnx(reference_dir / "models" / "made_resnet50_w4w8_mixed_qdq.onnx")
    found = Counter((layer.op[:4], *bits) for layer, bits in zip(graph.mac_layers, widths(graph), strict=True))
    assert found == {
        ("conv", "uint8", "int4", "uint8"): 26,
        ("conv", "uint8", "int8", "uint8"): 27,
        ("gemm", "uint8", "int8", "uint8"): 1,
    }
    weight = graph.tensors[graph.mac_layers[0].inputs[1]]
    assert weight.precision.granularity == "per_channel"


def test_smart_turn_is_w8a8_and_its_batch_must_be_bound(reference_dir):
    path = reference_dir / "models" / "smart-turn-v3.2-cpu.onnx"
    with pytest.raises(
        WorkloadError, match=r"'input_features' has unbound dimensions 's6'.*--shape input_features=1,80,800"
    ):
        import_onnx(path)
    graph = load_workload(path, shapes={"input_features": (1, 80, 800)})
    constant = [bits for layer, bits in zip(graph.mac_layers, widths(graph), strict=True) if layer.op != "matmul"]
    assert len(constant) == 31
    assert set(constant) == {("uint8", "int8", "uint8")}


def test_unsupported_nodes_are_all_listed_and_the_table_rides_on_the_error(tmp_path):
    proto = model(
        [
            node("Relu", ["x"], ["a"], name="first"),
            node("FancyOp", ["a"], ["b"], name="fancy", domain="my.domain"),
            node("Relu", ["b"], ["c"], name="after"),
            node("NonMaxSuppression", ["x", "x"], ["d"], name="nms"),
        ],
        {"x": [1, 4, 4]},
        ["c", "d"],
    )
    with pytest.raises(UnsupportedModelError) as caught:
        import_model(proto, tmp_path)
    message = str(caught.value)
    assert "'fancy' (my.domain.FancyOp)" in message
    assert "'nms' (NonMaxSuppression)" in message
    assert "'after'" not in message
    assert "2 of 4 nodes" in message
    assert [(row.node, row.fate) for row in caught.value.import_table] == [
        ("first", "mapped"),
        ("fancy", "UNSUPPORTED"),
        ("after", "UNSUPPORTED"),
        ("nms", "UNSUPPORTED"),
    ]


def test_every_node_has_a_row_and_names_are_unique(tmp_path):
    proto = model(
        [node("Relu", ["x"], ["a"]), node("Relu", ["a"], ["b"], name="a"), node("Add", ["a", "b"], ["c"], name="a")],
        {"x": [1, 4]},
        ["c"],
    )
    graph = import_model(proto, tmp_path)
    assert [layer.name for layer in graph.layers] == ["a", "a_2", "a_3"]
    assert [row.node for row in graph.import_table] == ["a", "a_2", "a_3"]


def test_nothing_to_simulate_is_an_error(tmp_path):
    proto = model([node("Identity", ["w"], ["y"])], {"x": [1]}, ["y"], [weights("w", 3)])
    with pytest.raises(WorkloadError, match="no layer is left"):
        import_model(proto, tmp_path)


def test_output_that_nobody_writes_is_an_error(tmp_path):
    proto = model([node("Relu", ["x"], ["y"])], {"x": [1]}, ["z"])
    with pytest.raises(WorkloadError, match="output 'z' is written by no layer"):
        import_model(proto, tmp_path)


def test_provenance_names_the_file(tmp_path):
    graph = import_model(model([node("Relu", ["x"], ["y"])], {"x": [2, 3]}, ["y"]), tmp_path)
    assert graph.provenance.source == "net.onnx"
    assert len(graph.provenance.sha256) == 64
    assert graph.inputs == ("x",)
    assert graph.outputs == ("y",)


def test_missing_onnx_package_says_what_to_install(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"x")
    code = (
        "import sys; sys.modules['onnx'] = None\n"
        "from pathlib import Path\n"
        "from simulator.errors import WorkloadError\n"
        "from simulator.workload.importers.onnx_model import import_onnx\n"
        "try:\n    import_onnx(Path(sys.argv[1]))\n"
        "except WorkloadError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "net.onnx")], capture_output=True, text=True, check=True
    )
    assert "pip install 'neural-accelerator-simulator[onnx]'" in done.stdout


def test_the_same_model_gives_the_same_graph_twice(tmp_path):
    proto = model(
        [node("Conv", ["x", "w", "b"], ["y"], pads=[1, 1, 1, 1]), node("Relu", ["y"], ["z"])],
        {"x": [1, 3, 8, 8]},
        ["z"],
        [weights("w", 4, 3, 3, 3), array("b", [0, 0, 0, 0])],
    )
    first, second = import_model(proto, tmp_path), import_model(proto, tmp_path)
    assert first == second
    assert first.layers[0].inputs == ("x", "w", "b")
