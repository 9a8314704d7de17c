"""Single changes: each finding is what running the network with that change gives."""

import pytest

from simulator import simulate
from simulator.arch import load_accelerator
from simulator.errors import SimulatorError
from simulator.memory.dram_choice import with_dram
from simulator.memory.dram_library import DRAM_PRESET_FOLDER
from simulator.search.what_if import changes, narrower_weights, what_if
from simulator.workload import load_workload
from simulator.workload.builder import GraphBuilder

MACHINE = "gemmini_like_16"


@pytest.fixture(scope="module")
def lenet():
    return load_workload("lenet5_int8")


@pytest.fixture(scope="module")
def findings(lenet):
    return what_if(lenet, load_accelerator(MACHINE), "c5", batch=2)


def test_every_finding_is_what_that_run_gives(lenet, findings):
    before = simulate(lenet, MACHINE, batch=2)
    old = next(layer for layer in before.layers if layer.name == "c5")
    checked = 0
    for one in findings:
        if not one.setting.startswith("--set "):
            continue
        changed = load_accelerator(MACHINE, overrides=[one.setting.removeprefix("--set ")])
        after = simulate(lenet, changed, batch=2)
        new = next(layer for layer in after.layers if layer.name == "c5")
        assert (one.layer_cycles, one.total_cycles) == (new.cycles, after.total.cycles)
        assert one.layer_gain_cycles == old.cycles - new.cycles
        assert one.total_gain_cycles == before.total.cycles - after.total.cycles
        assert one.energy_ratio == after.total.energy_pj / before.total.energy_pj
        assert one.area_ratio == after.total.area_mm2 / before.total.area_mm2
        checked += 1
    assert checked >= 8


def test_the_best_comes_first_and_bandwidth_helps_a_layer_of_weights(findings):
    gains = [one.layer_gain_cycles for one in findings]
    assert gains == sorted(gains, reverse=True)
    by_name = {one.name: one for one in findings}
    assert by_name["twice the DRAM bandwidth"].layer_gain_cycles > 0
    assert by_name["4-bit weights in this layer"].layer_gain_cycles > 0
    assert len(by_name) == len(findings)


def test_a_layer_that_is_not_timed_has_no_findings(lenet):
    assert what_if(lenet, load_accelerator(MACHINE), "nothing") == ()


def test_changes_that_the_description_forbids_are_left_out(lenet):
    full = load_accelerator(MACHINE, overrides=["buffers.scratchpad.slots=8", "array.rows=4096"])
    names = {one.name for one in changes(lenet, full, "c5", {})}
    assert {"one more slot in scratchpad", "twice the rows"} <= names
    found = {one.name for one in what_if(lenet, full, "c5")}
    assert "one more slot in scratchpad" not in found
    assert "twice the rows" not in found
    assert "one more slot in accumulator" in found


def test_only_fields_that_there_are_get_changed(lenet):
    plain = {one.name for one in changes(lenet, load_accelerator(MACHINE), "c5", {})}
    assert not any("bus" in name for name in plain)
    bus = load_accelerator(MACHINE, overrides=["array.psum_bus_words_per_cycle=4", "dram.latency_cycles=0"])
    names = {one.name for one in changes(lenet, bus, "c5", {"dataflow": "auto", "fidelity": "bandwidth"})}
    assert "twice the psum bus" in names
    assert "half the DRAM latency" not in names
    assert "the best dataflow for each layer" not in names


def test_layouts_are_tried_where_the_drams_commands_are_timed_and_its_latency_where_they_are_not(lenet):
    machine = load_accelerator(MACHINE)
    timed = {one.name: one.setting for one in changes(lenet, machine, "c5", {})}
    assert timed["feature maps as NCHW"] == "--set dram.layout=NCHW"
    assert "feature maps tiled by channels" in timed
    assert "half the DRAM latency" not in timed  # the described one only counts in the mapper's estimate then
    names = {one.name for one in changes(lenet, machine, "c5", {"fidelity": "bandwidth"})}
    assert "half the DRAM latency" in names
    assert not any(name.startswith("feature maps") for name in names)


def test_another_dram_is_the_one_that_is_changed(lenet):
    machine = load_accelerator("edge_like_32")
    found = {one.name: one for one in what_if(lenet, machine, "c5", dram="hbm2")}
    one = found["twice the DRAM bandwidth"]
    assert one.setting == "--set dram.bandwidth_bytes_per_second=512000000000"
    before = simulate(lenet, machine, dram="hbm2")
    faster = load_accelerator(with_dram(machine, "hbm2"), overrides=[one.setting.removeprefix("--set ")])
    after = simulate(lenet, faster)
    assert (one.total_gain_cycles, one.total_cycles) == (before.total.cycles - after.total.cycles, after.total.cycles)


def test_a_dram_file_gets_more_channels_its_clock_is_what_it_says(lenet, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text((DRAM_PRESET_FOLDER / "ddr4_2400.json").read_text())
    machine = load_accelerator("edge_like_32")
    found = {one.name: one for one in what_if(lenet, machine, "c5", dram=str(path))}
    one = found["twice the DRAM's channels"]
    assert "twice the DRAM bandwidth" not in found
    again = load_accelerator(with_dram(machine, str(path)), overrides=[one.setting.removeprefix("--set ")])
    after = simulate(lenet, again)
    assert after.total.cycles == one.total_cycles
    assert after.dram_system["channels"] == 2
    assert after.dram_system["clock_hz"] == simulate(lenet, machine, dram=str(path)).dram_system["clock_hz"]


def test_weights_are_narrowed_in_one_layer_only(lenet):
    narrow = narrower_weights(lenet, "c5")
    changed = {name for name in lenet.tensors if narrow.tensors[name] != lenet.tensors[name]}
    assert len(changed) == 1
    assert narrow.tensors[changed.pop()].precision.bits == 4
    assert narrower_weights(lenet, "no such layer") is None
    assert narrower_weights(narrow, "c5") is None
    pooled = GraphBuilder("pool")
    graph = pooled.build(pooled.relu(pooled.input("x", (1, 4, 4, 4))))
    assert narrower_weights(graph, graph.layers[0].name) is None


def test_a_network_that_cannot_run_is_refused(lenet):
    with pytest.raises(SimulatorError, match="short"):
        what_if(lenet, load_accelerator(MACHINE, overrides=SMALL), "c5")


SMALL = [f"buffers.accumulator.{field}={value}" for field, value in (("word_bits", 8), ("capacity_bytes", 2))]
SMALL[1:1] = ["buffers.accumulator.banks=1", "buffers.accumulator.ports=null"]
