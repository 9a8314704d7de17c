"""The library's files are what the code makes of its sources, to the byte."""

import pytest

from simulator.errors import WorkloadError
from simulator.workload.library import library_folder
from simulator.workload.zoo import CHIP_NETWORKS, HAND_BUILT, int8_variant, regenerate_library
from simulator.workload.zoo.imported import MADE_NETWORKS, ONNX_NETWORKS, onnx_folder, onnx_network

REMEDY = "run `python -m simulator.workload.zoo`, and tell in CHANGELOG.md what moved"


def made_of_the_same_source(name):
    """Whether the onnx package at hand holds the file that the library was made from."""
    import json

    path = library_folder() / f"{name}.json"
    recorded = json.loads(path.read_text())["provenance"]["sha256"]
    return onnx_network(name).provenance.sha256 == recorded


def test_command_rewrites_the_same_bytes(run_python, tmp_path, project, reference_dir):
    pytest.importorskip("onnx")
    (tmp_path / "workloads").mkdir()
    (tmp_path / "docs" / "schema").mkdir(parents=True)
    run = run_python("-m", "simulator.workload.zoo", str(tmp_path))
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    written = {path.name for path in (tmp_path / "workloads").iterdir()}
    assert written == {path.name for path in library_folder().glob("*.json")}
    moved = [
        name
        for name in sorted(written)
        if (tmp_path / "workloads" / name).read_bytes() != (library_folder() / name).read_bytes()
    ]
    assert moved == [], REMEDY


@pytest.mark.parametrize("name", HAND_BUILT)
def test_hand_built_networks_are_current(name, tmp_path):
    from simulator.workload.files import save_workload

    graph = HAND_BUILT[name]()
    assert graph.name == name
    for made in (graph, int8_variant(graph)):
        path = tmp_path / f"{made.name}.json"
        save_workload(made, path)
        assert path.read_bytes() == (library_folder() / path.name).read_bytes(), REMEDY


@pytest.mark.parametrize("name", ONNX_NETWORKS)
def test_onnx_networks_are_current(name, tmp_path):
    pytest.importorskip("onnx")
    if not made_of_the_same_source(name):
        pytest.skip(f"this onnx package's {onnx_folder().name}/{ONNX_NETWORKS[name]} is another file")
    from simulator.workload.files import save_workload

    graph = onnx_network(name)
    for made in (graph, int8_variant(graph)):
        path = tmp_path / f"{made.name}.json"
        save_workload(made, path)
        assert path.read_bytes() == (library_folder() / path.name).read_bytes(), REMEDY


def test_missing_folder_is_told(tmp_path):
    with pytest.raises(WorkloadError, match="cannot be written"):
        regenerate_library(tmp_path / "none")


def test_all_names_are_listed():
    plain = {*HAND_BUILT, *ONNX_NETWORKS}
    expected = plain | {f"{name}_int8" for name in plain} | set(MADE_NETWORKS) | set(CHIP_NETWORKS)
    assert {path.stem for path in library_folder().glob("*.json")} == expected
