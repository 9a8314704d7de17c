"""Which fidelity a run has, and what an event run adds to its result."""

import json
from types import SimpleNamespace

import pytest

from simulator.api import simulate
from simulator.arch import load_accelerator
from simulator.errors import ArchitectureError
from simulator.machines.fidelity import compressed, descriptors_of, distance_remarks, resolve_fidelity
from simulator.memory.dram_choice import choose_dram
from simulator.records import WRITE
from simulator.workload.builder import GraphBuilder
from simulator.workload.masks import Masks
from simulator.workload.precision import Precision
from tests.dataflow.network_cases import accelerator, plan
from tests.engine.test_compression import FORMATS, sparse, with_formats
from tests.result_contract import assert_contract


def unknown_standard():
    machine = load_accelerator("tpu_like_128")
    return machine.model_copy(update={"dram": machine.dram.model_copy(update={"system": None, "standard": "link"})})


def test_a_known_dram_can_be_simulated_and_an_unknown_one_is_said():
    assert resolve_fidelity(load_accelerator("tpu_like_128"), "event")[0] == "event"
    assert resolve_fidelity(load_accelerator("tpu_like_128"), "bandwidth") == ("bandwidth", None, ())
    fidelity, choice, remarks = resolve_fidelity(unknown_standard(), None)
    assert (fidelity, choice) == ("bandwidth", None)
    assert all("no DRAM preset of dram.standard 'link'" in remark for remark in remarks)
    with pytest.raises(ArchitectureError, match=r"no DRAM preset of dram.standard 'link'; give --dram"):
        resolve_fidelity(unknown_standard(), "event")
    with pytest.raises(ArchitectureError, match="fidelity 'exact': no such fidelity"):
        resolve_fidelity(unknown_standard(), "exact")


def test_an_event_run_says_what_its_dram_did():
    result = simulate("lenet5_int8", "gemmini_like_16", fidelity="event")
    assert_contract(result)
    plain = simulate("lenet5_int8", "gemmini_like_16", fidelity="bandwidth")
    assert [layer.bandwidth_cycles for layer in result.layers] == [layer.cycles for layer in plain.layers]
    system = result.dram_system
    assert (system["name"], system["channels"]) == ("lpddr4_3200", 2)
    assert system["peak_bytes_per_second"] == pytest.approx(16e9)
    energy = sum(layer.energy_pj["dram"] for layer in result.layers)
    assert energy == pytest.approx(sum(system["energy_pj"].values()))
    moved = sum(layer.dram["reads"] + layer.dram["writes"] for layer in result.layers) * 32
    assert moved >= 0.9 * result.total.dram_bytes  # writes of one burst may be one
    assert all(0 <= layer.dram["row_hit_rate"] <= 1 for layer in result.layers)
    json.dumps(result.to_dict())


def test_a_run_far_from_bandwidth_fidelity_says_so_and_why():
    choice = choose_dram(load_accelerator("tpu_like_128").dram)
    near = SimpleNamespace(cycles=120, bandwidth_cycles=100, dram={})
    assert distance_remarks([near], choice) == ()
    assert distance_remarks([near], None) == ()
    dram = {"read_bytes": 600, "write_bytes": 40, "reads": 30, "writes": 10}
    far = SimpleNamespace(cycles=300, bandwidth_cycles=100, dram=dram)
    (text,) = distance_remarks([far], choice)
    assert "100 cycles, where the DRAM's commands take 300" in text
    assert "2,560 bytes are moved for a payload of 640: try another dram.layout" in text
    (short,) = distance_remarks(
        [SimpleNamespace(cycles=300, bandwidth_cycles=100, dram=dram | {"read_bytes": 9e9})], choice
    )
    assert "layout" not in short


def test_another_dram_changes_the_cycles_of_both_fidelities():
    for fidelity in ("event", "bandwidth"):
        slow, fast = (
            simulate("lenet5_int8", "tpu_like_128", fidelity=fidelity, dram=name).total.cycles
            for name in ("lpddr4_3200", "hbm2")
        )
        assert slow > fast


def test_a_format_moves_no_tile_that_stays_raw():
    net = GraphBuilder("up", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))
    graph = sparse(net.build(net.conv_transpose(net.input("image", (1, 3, 5, 6)), 8, 3, name="up")), 0.0)
    dense = accelerator(capacity=(20000, 20000))
    planned = plan(graph, dense, given={"up": {"order": "mkc", "tile": {"N": 1, "P": 1, "Q": 2, "K": 60}}})
    stores = planned.tape.transfers["direction"] == WRITE
    places = []
    for machine in (dense, with_formats(dense, FORMATS[0])):
        made = compressed(planned.tape, planned.network, planned.mapped.mappings, machine, Masks(graph))
        program = (made, planned.network, planned.mapped.mappings)
        (found,) = descriptors_of([program], machine, choose_dram(load_accelerator("tpu_like_128").dram))
        places.append(found.pieces["base_byte"][found.spans[:-1]][stores].tolist())
    assert 0 < made.encoded[stores].sum() < stores.sum()
    assert places[0] == places[1]
