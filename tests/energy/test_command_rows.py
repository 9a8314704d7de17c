"""What a report prints as prices of an event run is what its DRAM energy was made of."""

import json

import pytest

from simulator import load_accelerator, simulate
from simulator.energy.command_rows import command_rows
from simulator.memory.dram_library import DRAM_PRESET_FOLDER, dram_preset_names, load_dram


def test_printed_prices_times_commands_are_the_energy():
    result = simulate("lenet5_int8", "edge_like_32", fidelity="event", dram="ddr4_2400")
    prices = {row["name"]: row["value"] for row in result.energy_sources}
    assert "dram" not in prices
    found = result.dram_system["energy_pj"]
    assert found["refresh"] == pytest.approx(prices["dram refresh"] * result.dram_system["refreshes"])
    for name in ("activate", "read", "write"):
        count = found[name] / prices[f"dram {name}"]
        assert count == pytest.approx(round(count))
    bursts = found["read"] / prices["dram read"] + found["write"] / prices["dram write"]
    assert found["io"] == pytest.approx(prices["dram burst's pins"] * bursts)
    ranks = result.dram_system["channels"]
    longest_s = result.total.latency_s * 1.2  # the last writes leave after the run
    least, most = prices["dram rank without"], prices["dram rank with open rows"]
    assert least * ranks * result.total.latency_s < found["background"] / 1e12 < most * ranks * longest_s


def test_a_run_over_a_bandwidth_has_the_price_of_a_bit():
    names = {row["name"] for row in simulate("lenet5_int8", "edge_like_32", fidelity="bandwidth").energy_sources}
    assert "dram" in names
    assert not {name for name in names if name.startswith("dram ")}


def test_a_price_of_bits_that_is_not_used_is_said():
    machine = load_accelerator("edge_like_32", overrides=["technology.dram_energy_pj_per_bit=14"])
    priced = simulate("lenet5_int8", machine, fidelity="event")
    assert any("dram_energy_pj_per_bit = 14 is not used" in text for text in priced.warnings)
    assert simulate("lenet5_int8", machine, fidelity="bandwidth").warnings == ()


@pytest.mark.parametrize("name", dram_preset_names())
def test_every_preset_says_where_its_prices_are_from(name):
    rows = command_rows(load_dram(name), name)
    assert len(rows) == 7
    assert all(row.value > 0 and row.mark in {"F", "R", "A"} for row in rows)


def test_a_file_without_prices_has_none_and_one_without_pins_says_so(tmp_path):
    data = json.loads((DRAM_PRESET_FOLDER / "ddr4_2400.json").read_text(encoding="utf-8"))
    del data["sources"], data["power"]["io_pj_per_bit"]
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(data))
    *commands, pins = command_rows(load_dram(str(path)), "mine.json")
    assert {row.mark for row in commands} == {"G"}
    assert (pins.value, pins.source) == (0.0, "no io_pj_per_bit is given: mine.json")
    del data["power"]
    path.write_text(json.dumps(data))
    assert command_rows(load_dram(str(path)), "mine.json") == ()
