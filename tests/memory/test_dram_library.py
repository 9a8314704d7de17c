"""The built-in DRAM systems: what their standards say of them, and where each number comes from."""

import numpy as np
import pytest

from simulator.errors import ArchitectureError
from simulator.memory.dram_config import DramConfig
from simulator.memory.dram_library import dram_preset_names, load_dram
from simulator.memory.dram_run import dram_trace, run_trace

# Data pins x data rate / 8 [GB/s], and pJ a bit of streaming reads as published (DDR3: without the 70 of idle systems).
STANDARDS = {
    "ddr3_1600": (64 * 1.6 / 8, (15, 30)),
    "ddr4_2400": (64 * 2.4 / 8, (15, 25)),
    "ddr4_3200": (64 * 3.2 / 8, (15, 25)),
    "lpddr4_3200": (64 * 3.2 / 8, (6, 10)),
    "lpddr5_6400": (64 * 6.4 / 8, (4, 6)),
    "hbm2": (1024 * 2.0 / 8, (3.7, 6.25)),  # 3.9 less 5 %
}
NANOSECONDS = {  # JEDEC: what every standard here shares, as (least, most)
    "tras_cycles": (25, 45),
    "trp_cycles": (12, 20),
    "trcd_read_cycles": (12, 20),
    "tfaw_cycles": (18, 45),
    "trefi_cycles": (3800, 7810),
    "trfc_cycles": (150, 400),
    "twr_cycles": (14, 36),
}
PRESETS = pytest.mark.parametrize("name", dram_preset_names())


def stream(config, requests=4000):
    addresses = np.arange(requests) * config.organization.request_bytes
    return dram_trace({"addr": addresses, "is_write": np.zeros(requests, dtype=bool)})


def leaves(model, prefix=""):
    for name, value in model:
        if hasattr(value, "model_fields_set"):
            yield from leaves(value, f"{prefix}{name}.")
        elif not isinstance(value, str | dict | None):
            yield f"{prefix}{name}"


def test_every_standard_has_a_preset():
    assert set(dram_preset_names()) == set(STANDARDS)


@PRESETS
def test_the_peak_bandwidth_is_the_standards(name):
    assert load_dram(name).peak_bytes_per_second == pytest.approx(STANDARDS[name][0] * 1e9, rel=1e-9)


@PRESETS
def test_the_timing_is_within_what_jedec_devices_have(name):
    timing = load_dram(name).timing
    for field, (least, most) in NANOSECONDS.items():
        assert least <= getattr(timing, field) * timing.clock_period_ns <= most, field


@PRESETS
def test_streams_come_near_the_peak_and_cost_what_is_published(name):
    config = load_dram(name).model_copy(update={"inject_width": 16})
    result = run_trace(config, stream(config, 4000 * config.organization.channels))
    assert result.achieved_bytes_per_cycle > 0.85 * result.peak_bytes_per_cycle
    bits = 8 * config.organization.request_bytes * (result.command_counts["read"] + result.command_counts["write"])
    least, most = STANDARDS[name][1]
    assert least <= sum(result.energy_pj.values()) / bits <= most


@PRESETS
def test_every_number_has_a_source(name):
    config = load_dram(name)
    assert {path for path in leaves(config) if not config.source_of(path)} == set()
    unknown = {path for path in config.sources if path.split(".")[0] not in DramConfig.model_fields}
    assert not unknown


def test_names_are_read_as_people_write_them(tmp_path):
    config = load_dram("LPDDR4-3200")
    assert load_dram(config) is config
    path = tmp_path / "mine.json"
    path.write_text(config.model_dump_json(), encoding="utf-8")
    assert load_dram(path) == load_dram(str(path)) == config


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(ArchitectureError, match=r"'ddr4_2401': no such preset \(did you mean 'ddr4_2400'\?\)"):
        load_dram("ddr4_2401")
