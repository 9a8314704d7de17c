import pytest

from simulator.dataflow.scnn_hardware import ScnnHardware
from simulator.errors import ArchitectureError


def test_the_published_array():
    chip = ScnnHardware()
    assert (chip.pes, chip.lanes, chip.multipliers, chip.banks) == (64, 16, 1024, 2 * 16)


def test_bad_input_is_named():
    for field in ("banks", "accumulator_entries", "stages"):
        with pytest.raises(ArchitectureError, match=f"SCNN: {field} = 0"):
            ScnnHardware(**{field: 0})
    with pytest.raises(ArchitectureError, match="clock_hz"):
        ScnnHardware(clock_hz=-1.0)
