"""Finding workloads by name or by file."""

import json
import logging

import pytest

from simulator.errors import WorkloadError
from simulator.workload import library
from simulator.workload.files import save_workload
from simulator.workload.library import library_folder, library_names, load_workload
from tests.workload.networks import every_tensor_kind

PUBLISHED = {
    "alexnet": 654_560_384,
    "bert_base_s128": 11_174_215_680,
    "densenet121": 2_834_161_664,
    "inception_v1": 1_431_556_352,
    "inception_v2": 2_018_851_840,
    "lenet5": 416_520,
    "mobilenet_v2": 300_774_272,
    "resnet18": 1_814_073_344,
    "resnet50": 4_089_184_256,
    "resnet50_w4w8": 4_089_184_256,
    "shufflenet": 124_664_528,
    "squeezenet": 349_151_936,
    "vgg16": 15_470_264_320,
    "vgg19": 19_632_062_464,
    "vit_tiny": 1_253_683_200,
    "zfnet512": 1_481_727_008,
}
AS_ON_THE_CHIP = {"alexnet_eyeriss": 665_784_864, "vgg16_eyeriss": 15_346_630_656}  # one variant, 16 bits, no head
NAMES = library_names()


def test_names_are_complete():
    plain = set(PUBLISHED)
    assert set(NAMES) == plain | {f"{name}_int8" for name in plain - {"resnet50_w4w8"}} | set(AS_ON_THE_CHIP)
    assert list(NAMES) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_library_network_loads_small_and_told_where_from(name):
    graph = load_workload(name)
    assert graph.name == name
    assert graph.total_macs == (PUBLISHED | AS_ON_THE_CHIP)[name.removesuffix("_int8")]
    assert graph.provenance.source
    assert graph.provenance.licence
    path = library_folder() / f"{name}.json"
    assert path.stat().st_size < 300_000
    read = {tensor for layer in graph.layers for tensor in layer.inputs}
    assert {name for name, tensor in graph.tensors.items() if tensor.constant} <= read


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("_int8")])
def test_int8_networks_are_8_bit_throughout(name):
    graph = load_workload(name)
    for layer in graph.mac_layers:
        ifmap, second = (graph.tensors[tensor] for tensor in layer.inputs[:2])
        assert (ifmap.precision.bits, ifmap.precision.kind) == (8, "int")
        assert (second.precision.bits, second.precision.kind) == (8, "int")
        if second.constant:
            assert second.precision.signed
            assert second.precision.granularity == "per_channel"
    assert {tensor.precision.kind for tensor in graph.tensors.values()} == {"int"}
    signs = {tensor.precision.signed for tensor in graph.tensors.values()}
    assert signs == ({True} if name == "lenet5_int8" else {True, False})  # tanh and means of tanh have both signs


@pytest.mark.parametrize("name", [name for name in NAMES if name in PUBLISHED and name != "resnet50_w4w8"])
def test_plain_networks_are_float32(name):
    graph = load_workload(name)
    indices = {"token_ids", "segment_ids"}
    assert {t.precision.label for n, t in graph.tensors.items() if n not in indices} == {"float32"}


def test_mixed_network_has_4_and_8_bit_weights():
    graph = load_workload("resnet50_w4w8")
    bits = [graph.tensors[layer.inputs[1]].precision.bits for layer in graph.mac_layers]
    assert (bits.count(4), bits.count(8)) == (26, 28)


def test_every_file_of_the_library_holds_its_own_name():
    for path in library_folder().glob("*.json"):
        assert json.loads(path.read_text())["name"] == path.stem


def test_graph_is_returned_as_it_is():
    graph = every_tensor_kind()
    assert load_workload(graph) is graph


def test_json_file_is_read(tmp_path):
    path = tmp_path / "net.JSON"
    save_workload(every_tensor_kind(), path)
    assert load_workload(path) == load_workload(str(path)) == every_tensor_kind()


def test_unknown_name_offers_the_nearest():
    with pytest.raises(WorkloadError, match=r"'resnet_18': no such library workload \(did you mean 'resnet18'\?\)"):
        load_workload("resnet_18")
    with pytest.raises(WorkloadError, match="simulator list workloads"):
        load_workload("")
    with pytest.raises(WorkloadError, match=r"no such file"):
        load_workload("nowhere/resnet18")


def test_shapes_bind_only_what_has_unbound_dimensions(tmp_path):
    for workload in ("lenet5", tmp_path / "a.json", "topology.csv"):
        with pytest.raises(WorkloadError, match="only ONNX models have shapes to bind"):
            load_workload(workload, shapes={"x": (1, 3)})
    with pytest.raises(WorkloadError, match="only ONNX models have shapes to bind"):
        load_workload(every_tensor_kind(), shapes={"x": (1, 3)})


def test_missing_library_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(library, "_FOLDERS", (tmp_path / "none",))
    with pytest.raises(WorkloadError, match="reinstall"):
        library_names()


def test_loading_is_silent(capsys, caplog):
    with caplog.at_level(logging.DEBUG):
        load_workload("lenet5")
    assert capsys.readouterr() == ("", "")
    assert not caplog.records
