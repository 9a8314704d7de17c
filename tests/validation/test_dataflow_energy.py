"""Machines of equal area, and what a product costs on them."""

import pytest

from simulator.arch.sram import sram_area_mm2
from simulator.validation.dataflow_energy import DATAFLOWS, dataflow_energy, equal_area_buffer_bytes, machine_of


def test_areas_are_equal():
    large = sram_area_mm2(equal_area_buffer_bytes(), 64, 65, banks=1)
    small = sram_area_mm2(131072, 64, 65, banks=1) + 256 * sram_area_mm2(512, 16, 65, banks=1)
    assert small * 0.95 < large <= small


@pytest.mark.parametrize("dataflow", DATAFLOWS)
def test_machines_have_as_many_multipliers(dataflow):
    machine = machine_of(dataflow, 2)
    assert machine.array.pes == 256
    assert machine.array.dataflows == (dataflow,)


def test_row_stationary_takes_four_register_accesses_a_product():
    energy = dataflow_energy("rs")
    assert energy.by_level["mac"] == pytest.approx(1)
    assert energy.by_level["rf"] == pytest.approx(4)
    assert energy.total == pytest.approx(6.18, abs=0.02)
    assert set(energy.by_layer) == {"conv1", "conv2", "conv3", "conv4", "conv5"}
