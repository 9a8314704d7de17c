"""Prices of commands by hand."""

import pytest

from simulator.memory.dram_energy import command_prices_pj
from simulator.memory.dram_library import load_dram


def test_ddr4_by_hand():
    config = load_dram("ddr4_2400")
    power, timing = config.power, config.timing
    volts_ns = power.vdd_v * timing.clock_period_ns * 8  # eight devices of 8 bits on 64 lanes
    prices = command_prices_pj(config, power)
    assert prices["read"] == pytest.approx((power.idd4r_ma - power.idd3n_ma) * volts_ns * 4)
    assert prices["write"] == pytest.approx((power.idd4w_ma - power.idd3n_ma) * volts_ns * 4)
    assert prices["refresh"] == pytest.approx((power.idd5ab_ma - power.idd3n_ma) * volts_ns * timing.trfc_cycles)
    standby = power.idd3n_ma * timing.tras_cycles + power.idd2n_ma * timing.trp_cycles
    whole = power.idd0_ma * (timing.tras_cycles + timing.trp_cycles)
    assert prices["activate"] == pytest.approx((whole - standby) * volts_ns)
    assert prices["io"] == pytest.approx(power.io_pj_per_bit * 512)
    assert prices["idle_cycle"] < prices["active_cycle"]
