"""simulate(): options, errors, mappings given back, and SCALE-Sim's convention beside ours."""

import csv
import json

import numpy as np
import pytest

from simulator.api import DEFAULT_ACCELERATOR, simulate
from simulator.arch import load_accelerator
from simulator.errors import ArchitectureError, MappingError, WorkloadError
from simulator.workload import load_workload
from simulator.workload.builder import GraphBuilder
from simulator.workload.files import save_workload
from tests.test_assembly import TINY_BUFFERS
from tests.workload.networks import every_layer_kind

COMPAT_FIELDS = {
    "total_cycles",
    "overall_utilization_pct",
    "mapping_efficiency_pct",
    "ifmap_sram_reads",
    "filter_sram_reads",
}
CASES = "scalesim/*/COMPUTE_REPORT.csv"


def refused(error, pattern, *arguments, **options):
    with pytest.raises(error, match=pattern):
        simulate(*(arguments or ("lenet5", "tpu_like_128")), **options)


# Options


def test_default_accelerator_is_the_documented_one():
    assert DEFAULT_ACCELERATOR == "tpu_like_128"
    assert simulate("lenet5_int8") == simulate("lenet5_int8", "tpu_like_128")


def test_names_objects_and_files_are_the_same(tmp_path):
    graph = load_workload("lenet5_int8")
    path = tmp_path / "lenet.json"
    save_workload(graph, path)
    expected = simulate("lenet5_int8", "gemmini_like_16")
    for workload in (graph, path, str(path)):
        assert simulate(workload, load_accelerator("gemmini_like_16")) == expected


def test_an_unknown_fidelity_is_refused():
    refused(ArchitectureError, r"fidelity 'exact': no such fidelity; use 'event' or 'bandwidth'", fidelity="exact")


def test_unknown_options_name_the_choices():
    refused(ArchitectureError, r"objective 'speed': .* use latency, energy, edp", objective="speed")
    refused(ArchitectureError, r"compat 'timeloop': .* use 'scalesim'", compat="timeloop")
    refused(ArchitectureError, r"dataflow 'rs': tpu_like_128 runs ws, os, is", dataflow="rs")
    refused(ArchitectureError, r"dataflow '': tpu_like_128 runs", dataflow="")
    refused(ArchitectureError, r"dataflow 'os': tpu_v1 runs ws", "lenet5", "tpu_v1", dataflow="os")


@pytest.mark.parametrize("batch", [0, -1, 1.0, "1", True, 2**62, np.int64(2**62)])
def test_impossible_batches(batch):
    refused(WorkloadError, r"batch = .*give a", batch=batch)


def test_numpy_batch_is_a_plain_number_in_json():
    result = simulate("lenet5_int8", "tpu_like_128", batch=np.int64(2))
    assert result == simulate("lenet5_int8", "tpu_like_128", batch=2)
    assert '"batch": 2' in result.to_json()


def test_batch_multiplies_products():
    assert simulate("lenet5_int8", batch=3).total.macs == 3 * 416_520


def test_missing_files_and_wrong_types():
    refused(WorkloadError, "no such library workload", "lenet", "tpu_like_128")
    refused(WorkloadError, "no such library workload", None, "tpu_like_128")
    refused(WorkloadError, "no such file", "nowhere/net.json", "tpu_like_128")
    refused(ArchitectureError, "no such preset", "lenet5", "tpu")
    refused(WorkloadError, "only ONNX models have shapes to bind", shapes={"x": (1,)})


def test_network_without_work_is_refused():
    net = GraphBuilder("hollow")
    graph = net.build(net.flatten(net.input("x", (1, 2, 3))))
    refused(WorkloadError, "hollow: no layer to time; give a network with at least one compute or vector layer", graph)


def test_buffers_too_small_name_layer_buffer_and_shortfall():
    small = load_accelerator("tpu_like_128", overrides=TINY_BUFFERS)
    refused(MappingError, r"layer 'c1' on tpu_like_128: no mapping fits: buffer '\w+' .* bytes short", "lenet5", small)


def test_energy_objective_saves_energy():
    latency, energy = (simulate("resnet18_int8", "gemmini_like_16", objective=goal) for goal in ("latency", "energy"))
    assert energy.total.energy_pj <= latency.total.energy_pj
    assert (latency.objective, energy.objective) == ("latency", "energy")


# Mappings


@pytest.mark.parametrize("preset", ["edge_like_32", "tpu_like_128"])
def test_mappings_of_a_result_reproduce_it(preset):
    """Every layer's, vector and recurrent ones included, through JSON."""
    for workload in ("resnet18_int8", every_layer_kind()):
        first = simulate(workload, preset, dataflow="auto")
        printed = json.loads(first.to_json())["layers"]
        again = simulate(workload, preset, dataflow="auto", mappings={row["name"]: row["mapping"] for row in printed})
        assert again.layers == first.layers
        assert again.total == first.total


def test_faulty_mappings():
    refused(
        MappingError, r"mapping for 'outputs': no such timed layer.*\(did you mean 'output'", mappings={"outputs": {}}
    )
    refused(MappingError, r"mappings\['c1'\]: give a dictionary", mappings={"c1": 3})
    refused(MappingError, r"mappings\[1\]: give a dictionary", mappings={1: {}})
    refused(MappingError, "mappings of type list: give a dictionary of layer name to", mappings=["c1"])
    refused(MappingError, r"tile.K = 7; give 1..6", mappings={"c1": {"tile": {"K": 7}}})
    assert simulate("lenet5", mappings={}) == simulate("lenet5")


# SCALE-Sim's convention


def test_convention_stands_beside_ours_and_changes_nothing():
    plain, both = simulate("resnet18_int8"), simulate("resnet18_int8", compat="scalesim")
    assert both.total == plain.total
    for ours, theirs in zip(plain.layers, both.layers, strict=True):
        data = theirs.to_dict()
        convention = data.pop("compat_scalesim", None)
        assert data == ours.to_dict()
        assert (convention is not None) == (ours.macs > 0)
        assert convention is None or set(convention) == COMPAT_FIELDS


def test_convention_follows_the_dataflow():
    os, ws = (
        simulate("lenet5_int8", dataflow=flow, compat="scalesim").layers[0].compat_scalesim for flow in ("os", "ws")
    )
    # c1: 784 windows of 25 elements, 6 filters, on 128 x 128
    assert os["total_cycles"] == 7 * (25 + 128 + 128 - 2) - 1
    assert ws["total_cycles"] == 2 * 128 + 128 + 784 - 2 - 1


def test_convention_is_given_even_where_nothing_fits():
    small = load_accelerator("tpu_like_128", overrides=TINY_BUFFERS)
    result = simulate("lenet5", small, compat="scalesim")
    big = simulate("lenet5", compat="scalesim")
    assert [layer.compat_scalesim for layer in result.layers] == [layer.compat_scalesim for layer in big.layers]
    assert result.total.cycles is None


def _column(path, name):
    with path.open(encoding="utf-8", newline="") as file:
        rows = [{key.strip(): value for key, value in row.items() if key} for row in csv.DictReader(file)]
    return [float(row[name]) for row in rows]


def test_every_reference_run_of_scalesim(reference_dir):
    """31 configurations and topologies in that tool's own files: its cycles to the last, its percentages to 1e-12."""
    reports = sorted(reference_dir.glob(CASES))
    assert len(reports) >= 31
    for report in reports:
        folder = report.parent
        result = simulate(folder / "topology.csv", folder / "scale.cfg", compat="scalesim")
        ours = [layer.compat_scalesim for layer in result.layers if layer.compat_scalesim]
        assert [one["total_cycles"] for one in ours] == _column(report, "Total Cycles"), folder.name
        for field, column in (
            ("overall_utilization_pct", "Overall Util %"),
            ("mapping_efficiency_pct", "Mapping Efficiency %"),
        ):
            assert [one[field] for one in ours] == pytest.approx(_column(report, column), rel=1e-12), folder.name
        assert result.total.cycles > 0
