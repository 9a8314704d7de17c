import pytest

from simulator.dataflow.ese_hardware import EseHardware
from simulator.errors import ArchitectureError


def test_one_entry_a_pe_and_cycle_comes_in():
    chip = EseHardware()
    assert chip.pes * chip.entry_bits == chip.memory_bits_per_cycle == 512
    assert EseHardware(queue_depth=1).usable_slots == 1


def test_bad_input_is_named():
    with pytest.raises(ArchitectureError, match="ESE: queue_depth = 0"):
        EseHardware(queue_depth=0)
