"""The chip's networks: MACs, shapes and zeros of its tables V and VI; files are current."""

import csv

import pytest

from simulator.workload.files import save_workload
from simulator.workload.library import library_folder
from simulator.workload.sparsity import density
from simulator.workload.zoo import CHIP_NETWORKS
from simulator.workload.zoo.eyeriss import alexnet_eyeriss, vgg16_eyeriss


@pytest.mark.parametrize("name", CHIP_NETWORKS)
def test_files_are_current(name, tmp_path):
    graph = CHIP_NETWORKS[name]()
    save_workload(graph, tmp_path / "it.json")
    assert (tmp_path / "it.json").read_bytes() == (library_folder() / f"{name}.json").read_bytes()


@pytest.mark.parametrize(
    ("graph", "file", "batch"), [(alexnet_eyeriss(), "alexnet.csv", 4), (vgg16_eyeriss(), "vgg16.csv", 3)]
)
def test_macs_and_zeros_are_the_tables(graph, file, batch, reference_dir):
    rows = list(csv.DictReader((reference_dir / "eyeriss" / file).read_text().splitlines()))[:-1]
    assert len(rows) == len(graph.mac_layers)
    for row, layer in zip(rows, graph.mac_layers, strict=True):
        assert batch * graph.macs_of(layer) / 1e9 == pytest.approx(float(row["macs_g"]), abs=0.0051)
        zeros = 100 * (1 - density(graph.tensors[layer.inputs[0]].sparsity))
        assert zeros == pytest.approx(float(row["ifmap_zeros_pct"]), abs=1e-3)
        assert graph.tensors[layer.inputs[1]].precision.bits == 16
