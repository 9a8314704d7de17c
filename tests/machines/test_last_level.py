"""Runs on cores that share a scratchpad keep the contract of results, and draw."""

from itertools import pairwise

import pytest

from simulator import simulate
from simulator.api import Tenant, simulate_together
from simulator.arch import load_accelerator
from simulator.errors import ArchitectureError
from simulator.report.explanation import explain_layer
from simulator.report.result_files import load_result
from simulator.report.summary import totals
from simulator.report.trace import chrome_trace
from tests.result_contract import assert_contract


def machine(*more):
    return load_accelerator("gemmini_like_16", overrides=["cores=2", "core_split=K", *more])


@pytest.fixture(scope="module")
def shared():
    level = machine("last_level.capacity_bytes=16384", "last_level.latency_cycles=40")
    return simulate("lenet5_int8", level, fidelity="bandwidth", timeline=True)


def test_the_contract_holds_and_the_result_is_read_back(shared, tmp_path):
    assert_contract(shared)
    path = tmp_path / "result.json"
    path.write_text(shared.to_json(), encoding="utf-8")
    assert load_result(path).to_json() == shared.to_json()


def test_reads_of_the_scratchpad_are_not_on_the_drams_tracks(shared):
    tracks = {}
    for event in chrome_trace(shared)["traceEvents"]:
        if event["ph"] == "X":
            tracks.setdefault((event["pid"], event["tid"]), []).append((event["ts"], event["ts"] + event["dur"]))
    assert tracks
    for slices in tracks.values():
        ordered = sorted(slices)
        assert all(one[1] <= other[0] + 1e-6 for one, other in pairwise(ordered))
    level = shared.timeline
    moved = level.transfers["payload_bytes"][level.ports["transfer"]].sum()
    assert moved == shared.total.dram_bytes


def test_words_say_what_was_shared_and_waited_for(shared):
    lines = dict(totals(shared))
    assert lines["last level"].endswith("that cores read")
    assert "last_level" in lines["buffers"]
    late = max(shared.layers, key=lambda one: one.late_because["scratchpad"])
    assert "not in the scratchpad that cores share" in "\n".join(explain_layer(shared, late.name))
    small = simulate(
        "lenet5_int8", machine("last_level.capacity_bytes=1", "last_level.word_bits=8"), fidelity="bandwidth"
    )
    assert dict(totals(small))["last level"].startswith("nothing")
    assert "last level" not in dict(totals(simulate("lenet5_int8", machine(), fidelity="bandwidth")))


def test_area_leakage_and_accesses_of_the_scratchpad_are_priced(shared):
    without = simulate("lenet5_int8", machine(), fidelity="bandwidth")
    assert shared.total.area_mm2 > without.total.area_mm2
    assert any(row["name"].startswith("last_level read") for row in shared.energy_sources)
    prices = {row["name"]: row["value"] for row in shared.energy_sources}
    words = [access for layer in shared.layers for access in layer.accesses["last_level"].values()]
    added = sum(one.reads for one in words) * prices["last_level read 512 bit"]
    added += sum(one.writes for one in words) * prices["last_level write 512 bit"]
    glb = shared.total.energy_by_component_pj["glb"] - without.total.energy_by_component_pj["glb"]
    assert glb == pytest.approx(added, rel=1e-9)


def test_several_networks_cannot_share_one():
    level = machine("last_level.capacity_bytes=16384")
    with pytest.raises(ArchitectureError, match="last_level is shared by the cores of one network"):
        simulate_together([Tenant("lenet5_int8"), Tenant("lenet5_int8")], level, fidelity="bandwidth")
