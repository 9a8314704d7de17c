"""A description that no device can meet is refused, and says which field and why."""

import pytest
from pydantic import ValidationError

from simulator.memory.dram_config import DramPolicy, bits_for
from tests.memory.dram_cases import organization, small_config, timing


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"address_mapping": "rochrababg"}, "lacks the field 'co'"),
        ({"address_mapping": "rochrababgcoco"}, "doubles the field 'co'"),
        ({"address_mapping": "rochrababgxx"}, "unknown field 'xx'"),
        ({"address_mapping": "rochrababgc"}, "unknown field 'c'"),
        ({"address_mapping": ""}, "lacks the field 'ch'"),
        ({"channels": 0}, "greater than 0"),
        ({"channels": 3}, "power of two"),
        ({"rows": 1 << 30, "columns": 1 << 30}, "beyond the address space"),
        ({"banks_per_group": 1 << 11}, "less than or equal to 1024"),
        ({"columns": 4}, "less than one burst"),
        ({"bus_width_bits": 4}, "must hold"),
        ({"protocol": "DDR9"}, "Input should be"),
        ({"burst_length": 1}, "less than one cycle"),
    ],
)
def test_an_impossible_organisation_is_named(changes, words):
    with pytest.raises(ValidationError, match=words):
        organization(**changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tras_cycles": 9}, "less than tRCD \\+ burst"),
        ({"al_cycles": 6}, "less than tRCD"),
        ({"cwl_cycles": 12}, "a write could precede"),
        ({"tccd_l_cycles": 3}, "tccd_l_cycles is 3, less than tccd_s_cycles = 4"),
        ({"twtr_l_cycles": 1}, "twtr_l"),
        ({"trrd_l_cycles": 2}, "trrd_l"),
        ({"trefi_cycles": 50}, "would never end"),
        ({"trfc_cycles": 0}, "above zero"),
        ({"cl_cycles": -1}, "greater than or equal to 0"),
        ({"clock_period_ns": float("nan")}, "finite"),
    ],
)
def test_an_impossible_timing_is_named(changes, words):
    with pytest.raises(ValidationError, match=words):
        small_config(timing_changes=changes)


def test_without_bank_groups_the_longer_distances_mean_nothing():
    config = small_config(organization_changes={"bank_groups": 1}, timing_changes={"tccd_l_cycles": 1})
    assert config.timing.distances(config.organization)["read_read_same"] == 4


def test_capacity_and_peak_follow_from_the_parts():
    config = small_config(organization_changes={"channels": 2})
    shape = config.organization
    assert shape.capacity_bytes == 2 * 4 * 64 * 64 * 8  # channels x banks x rows x columns x bus bytes
    assert config.peak_bytes_per_cycle == 2 * 64 / 4
    assert bits_for(1) == 0


@pytest.mark.parametrize(("protocol", "cycles"), [("DDR3", 4), ("GDDR5", 2), ("GDDR5X", 1), ("HBM2", 4), ("LPDDR5", 1)])
def test_a_burst_takes_as_long_as_the_protocol_moves_beats(protocol, cycles):
    assert organization(protocol=protocol).burst_cycles == cycles


def test_precharges_keep_apart_only_where_the_standard_says_so():
    ppd = timing(tppd_cycles=3)
    distances = {name: ppd.distances(organization(protocol=name))["precharge_precharge"] for name in ("DDR4", "LPDDR4")}
    assert distances == {"DDR4": 0, "LPDDR4": 3}


def test_a_policy_without_queues_is_refused():
    with pytest.raises(ValidationError, match="command_queue_entries"):
        DramPolicy(command_queue_entries=0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ranks": 64}, "ranks is 64 a channel, more than the 32"),
        ({"ranks": 16, "bank_groups": 16}, "ranks x bank_groups is 256 a channel"),
        ({"ranks": 32, "banks_per_group": 16}, "banks_per_group is 1024 a channel, more than the 512"),
    ],
)
def test_a_channel_beyond_what_is_simulated_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        organization(**changes)
