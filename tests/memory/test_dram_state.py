"""The records a kernel starts from."""

import numpy as np
import pytest

from simulator.memory.dram_run import dram_trace, request_records
from simulator.memory.dram_state import (
    BANK,
    CHANNEL,
    CONTROLLER_WORDS,
    HARDWARE,
    WANTS,
    WANTS_NEVER,
    hardware_records,
    new_channels,
    new_state,
    records,
)
from tests.memory.dram_cases import small_config


def test_every_hardware_field_is_filled():
    config = small_config()
    hardware = hardware_records(config, drain_writes=True)
    zero = {name for name in HARDWARE.names if hardware[0][name] == 0}
    assert zero == {
        "rank_queues",
        "close_page",
        "dual_command",
        "unified",
        "precharge_precharge",  # neither LPDDR4 nor GDDR
        "thirty_two_activates",  # not GDDR
    }


def test_banks_know_their_group_rank_and_channel():
    config = small_config(organization_changes={"channels": 2, "ranks": 2})
    state = new_state(config, request_records(config, dram_trace({"addr": [], "is_write": []})), drain_writes=True)
    for channel in state.channels:
        banks = channel.banks[:8]
        assert banks["rank"].tolist() == np.repeat([0, 1], 4).tolist()
        assert banks["group"].tolist() == np.repeat(np.arange(4), 2).tolist()
        assert channel.groups["rank"][:4].tolist() == [0, 0, 1, 1]
        assert all((channel[name] == WANTS_NEVER).all() for name in WANTS)
        assert (banks["open_row"] == -1).all()
        assert (banks["heads"] == -1).all()


def test_the_hardware_is_in_every_channel():
    config = small_config(organization_changes={"channels": 2})
    channels = new_channels(config, 2, drain_writes=False)
    hardware = hardware_records(config, drain_writes=False)
    for name in HARDWARE.names:
        assert channels[name].tolist() == [hardware[0][name]] * 2


def test_the_controller_comes_first():
    words = [name for name in CHANNEL.names if CHANNEL.fields[name][1] < 8 * CONTROLLER_WORDS]
    assert words[0] == "turn"
    assert words[-1] == "mover"


@pytest.mark.parametrize("name", BANK.names)
def test_records_can_be_written_by_attribute(name):
    banks = records(2, BANK)
    if BANK[name].shape:
        getattr(banks[1], name)[:] = 3
    else:
        setattr(banks[1], name, 3)
    assert (banks[name][0] == 0).all()
    assert (banks[name][1] == 3).all()
