"""Networks that come from model files."""

import hashlib

import pytest

from simulator.errors import WorkloadError
from simulator.workload.zoo import imported
from simulator.workload.zoo.imported import ONNX_NETWORKS, made_network, onnx_folder, onnx_network


def test_every_listed_network_is_in_the_onnx_package():
    pytest.importorskip("onnx")
    assert all((onnx_folder() / f"light_{file}.onnx").is_file() for file in ONNX_NETWORKS.values())


def test_provenance_names_the_file_and_its_content():
    pytest.importorskip("onnx")
    graph = onnx_network("squeezenet")
    path = onnx_folder() / "light_squeezenet.onnx"
    assert graph.name == "squeezenet"
    assert graph.provenance.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert graph.provenance.licence == "Apache-2.0"
    assert graph.total_macs == 349_151_936


def test_package_without_models_is_told(monkeypatch, tmp_path):
    onnx = pytest.importorskip("onnx")
    monkeypatch.setattr(onnx, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(WorkloadError, match="comes without its light models"):
        onnx_folder()


def test_missing_package_is_told(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(WorkloadError, match="package onnx is missing"):
        onnx_folder()


def test_missing_reference_file_is_told(tmp_path):
    pytest.importorskip("onnx")
    with pytest.raises(WorkloadError, match="made_resnet50_w4w8"):
        made_network("resnet50_w4w8", tmp_path)


def test_made_network_says_its_values_are_synthetic(reference_dir):
    graph = made_network("resnet50_w4w8", reference_dir)
    assert graph.total_macs == 4_089_184_256
    assert "synthetic" in graph.provenance.note


def test_names_do_not_collide():
    assert not set(imported.MADE_NETWORKS) & set(ONNX_NETWORKS)
