"""Results as objects, dictionaries, JSON, CSV and text."""

import csv
import io
import json
import sys
from dataclasses import FrozenInstanceError, replace

import pytest

from simulator.api import simulate
from simulator.arch import load_accelerator
from simulator.arch.library import preset_names
from simulator.energy import COMPONENTS
from simulator.errors import ArchitectureError, SimulatorError, WorkloadError
from simulator.results import Access
from simulator.workload.library import library_names
from tests.report import sample_results
from tests.result_contract import assert_contract
from tests.workload.networks import every_layer_kind

QUICK = [
    ("lenet5", "gemmini_like_16"),
    ("lenet5_int8", "tpu_v1"),
    ("mobilenet_v2_int8", "edge_like_32"),
    ("resnet18", "tpu_like_128"),
    ("resnet50_w4w8", "tpu_like_128"),
    ("shufflenet", "tpu_v1"),
    ("vit_tiny_int8", "tpu_like_128"),
]
WITHOUT = {
    "conv": ("bert_base_s128", "bert_base_s128_int8"),
    "fc": ("alexnet_eyeriss", "densenet121", "densenet121_int8", "squeezenet", "squeezenet_int8", "vgg16_eyeriss"),
    "pointwise": ("alexnet_eyeriss", "vgg16_eyeriss"),
}
NEEDS = {"cnvlutin": "conv", "scnn": "conv", "eie_64pe": "fc", "ese": "fc", "eyeriss_v2": "pointwise"}
NOTHING_TO_RUN = [(name, preset) for preset, kind in NEEDS.items() for name in WITHOUT[kind]]
TOO_WIDE = [("alexnet_eyeriss", "gemmini_like_16"), ("vgg16_eyeriss", "gemmini_like_16")]
REFUSED = {*NOTHING_TO_RUN, *TOO_WIDE}
EVERY = [(name, preset) for name in library_names() for preset in preset_names() if (name, preset) not in REFUSED]


@pytest.fixture(scope="module")
def result():
    return simulate("lenet5_int8", "tpu_like_128")


@pytest.mark.parametrize(("workload", "preset"), QUICK)
def test_contract(workload, preset):
    assert_contract(simulate(workload, preset))


@pytest.mark.slow
@pytest.mark.parametrize(("workload", "preset"), EVERY)
def test_contract_on_the_whole_library(workload, preset):
    assert_contract(simulate(workload, preset))


@pytest.mark.parametrize(("workload", "preset"), NOTHING_TO_RUN)
def test_a_network_without_a_layer_for_the_engine_is_refused(workload, preset):
    with pytest.raises(WorkloadError, match=f"workload {workload}: has no .*, and {preset} runs nothing else; choose"):
        simulate(workload, preset)


@pytest.mark.parametrize(("workload", "preset"), TOO_WIDE)
def test_integers_wider_than_the_array_are_refused(workload, preset):
    with pytest.raises(ArchitectureError, match=r"cannot multiply 16 x 16 bits .* set precision\.temporal=true"):
        simulate(workload, preset)


@pytest.mark.parametrize("preset", preset_names())
def test_contract_on_every_kind_of_layer(preset):
    """Recurrent, transposed, 3-D, host and copy layers, at two images."""
    result = simulate(every_layer_kind(), preset, batch=2)
    assert_contract(result)
    assert {"lstm", "host"} <= {layer.op for layer in result.layers} | {row["op"] for row in result.not_timed}


@pytest.mark.parametrize("dataflow", ["ws", "os", "is", "auto"])
def test_contract_in_every_dataflow(dataflow):
    result = simulate("lenet5_int8", "tpu_like_128", dataflow=dataflow)
    assert_contract(result)
    allowed = {"ws", "os", "is"} if dataflow == "auto" else {dataflow}
    assert {layer.dataflow for layer in result.layers} <= {*allowed, "vector"}
    stays = {"ws": "weight", "os": "psum", "is": "ifmap"}
    for layer in result.layers:
        if layer.macs:
            assert set(layer.accesses["rf"]) == {stays[layer.dataflow]}
            assert set(layer.accesses["noc"]) == {"weight", "psum", "ifmap"} - {stays[layer.dataflow]}
        else:
            assert layer.accesses["rf"] == layer.accesses["noc"] == {}


def test_contract_with_every_bus_narrow():
    narrow = [f"array.{operand}_bus_words_per_cycle=2" for operand in ("ifmap", "weight", "psum")]
    result = simulate("lenet5_int8", load_accelerator("gemmini_like_16", overrides=narrow))
    assert_contract(result)
    assert result.total.issue_cycles["bus"] > 0


def test_results_are_frozen(result):
    with pytest.raises(FrozenInstanceError):
        result.batch = 2
    with pytest.raises(FrozenInstanceError):
        result.layers[0].cycles = 0
    with pytest.raises(FrozenInstanceError):
        result.total.cycles = 0
    with pytest.raises(FrozenInstanceError):
        Access().reads = 1


def test_two_runs_give_the_same_bytes(result):
    again = simulate("lenet5_int8", "tpu_like_128")
    assert again == result
    assert again.to_json() == result.to_json()


def test_dictionary_is_the_callers_own(result):
    data = result.to_dict()
    data["total"]["cycles"] = data["layers"][0]["issue_cycles"]["useful"] = -1
    data["layers"][0]["accesses"].clear()
    assert result.total.cycles > 0
    assert result.layers[0].issue_cycles["useful"] > 0
    assert result.layers[0].accesses


def test_json_refuses_what_is_not_a_number(result):
    with pytest.raises(ValueError, match="not JSON compliant"):
        replace(result, clock_hz=float("nan")).to_json()


def test_optional_fields_appear_where_they_are_set(result):
    data = result.to_dict()["layers"][0]
    assert "compat_scalesim" not in data
    assert "mapping_error" not in data
    layer = replace(result.layers[0], mapping_error="why", compat_scalesim={"total_cycles": 1})
    assert layer.to_dict()["mapping_error"] == "why"
    assert layer.to_dict()["compat_scalesim"] == {"total_cycles": 1}


def test_total_energy_of_a_layer_is_the_sum_of_its_components(result):
    for layer in result.layers:
        assert tuple(layer.energy_pj) == COMPONENTS
        assert layer.total_energy_pj == sum(layer.energy_pj.values())


def test_csv_header_names_units(result):
    header = result.to_csv().splitlines()[0].split(",")
    plain = {"name", "op", "dataflow", "cycles", "utilization", "macs", "effectual_macs"}
    plain |= {"dram_row_hit_rate", "dram_limiter"}
    units = ("_bits", "_cycles", "_bytes", "_pj")
    assert all(column in plain or column.endswith(units) for column in header)


def test_csv_of_an_event_run_has_bandwidth_fidelity_beside_it(result):
    rows = list(csv.DictReader(io.StringIO(result.to_csv())))
    assert rows[-1]["bandwidth_cycles"] == ""
    for row, layer in zip(rows, result.layers, strict=False):
        assert int(row["bandwidth_cycles"]) == layer.bandwidth_cycles
        assert float(row["dram_row_hit_rate"]) == layer.dram["row_hit_rate"]
        assert row["dram_limiter"] == layer.dram["limiter"]
    assert "bandwidth_cycles" not in simulate("lenet5_int8", "tpu_like_128", fidelity="bandwidth").to_csv()


def test_csv_quotes_names_with_commas(result):
    named = replace(result, layers=(replace(result.layers[0], name='a,"b"\nc'), *result.layers[1:]))
    assert next(iter(csv.DictReader(io.StringIO(named.to_csv()))))["name"] == 'a,"b"\nc'


def test_result_without_layers_still_writes(result):
    empty = replace(result, layers=())
    assert empty.to_csv().split() == ["name", "total"]
    assert json.loads(empty.to_json())["layers"] == []
    assert str(empty).splitlines()[-1].startswith("total")


def test_printed_table_has_a_line_a_layer(result):
    lines = str(result).splitlines()
    assert lines[0].startswith("lenet5_int8 on tpu_like_128 (ws, event, batch 1, energy horowitz-45nm)")
    assert len(lines) == 3 + len(result.layers)
    for line, layer in zip(lines[2:], result.layers, strict=False):
        assert line.startswith(layer.name)
        assert str(layer.cycles) in line.split()
    assert str(result.total.cycles) in lines[-1].split()
    assert str(result.total.dram_bytes) in lines[-1].split()


def test_layers_as_a_frame_of_an_installed_package():
    polars = pytest.importorskip("polars")
    result = sample_results.run(sample_results.layer("a"), sample_results.layer("b", weight=0))
    frame = result.to_polars()
    assert isinstance(frame, polars.DataFrame)
    assert frame["name"].to_list() == ["a", "b"]
    assert frame["cycles"].to_list() == [each.cycles for each in result.layers]
    assert frame["idle_weight_cycles"].sum() == result.total.idle_cycles["weight"]


def test_a_frame_of_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(SimulatorError, match="pandas is not installed: pip install pandas"):
        sample_results.run().to_pandas()
