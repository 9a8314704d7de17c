"""The records a kernel starts from."""

import numpy as np
import pytest

from simulator.memory.dram_run import dram_trace, request_records
from simulator.memory.dram_state import BANK, HARDWARE, NEVER, hardware_records, new_state, records
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
    assert state.banks.rank.tolist() == np.repeat([0, 1, 2, 3], 4).tolist()
    assert state.banks.group.tolist() == np.repeat(np.arange(8), 2).tolist()
    assert state.banks.first_group.tolist() == np.repeat([0, 4], 8).tolist()
    assert state.groups["rank"].tolist() == np.repeat([0, 1, 2, 3], 2).tolist()
    assert (state.banks.want_activate == NEVER).all()
    assert (state.banks.open_row == -1).all()


@pytest.mark.parametrize("name", BANK.names)
def test_records_can_be_written_by_attribute(name):
    banks = records(2, BANK)
    setattr(banks[1], name, 3)
    assert banks[name].tolist() == [0, 3]
