import dataclasses

import pytest

from simulator.dataflow.eie_hardware import SOURCES, EieHardware
from simulator.errors import ArchitectureError


def test_the_published_chip():
    chip = EieHardware()
    assert chip.weight_entries_per_pe == 131_072
    assert chip.pointers_per_pe == 16_384
    assert chip.activations_per_pe == 1024
    assert chip.activations_per_batch == 4096
    assert chip.usable_slots == 7


def test_every_number_names_its_source():
    assert set(SOURCES) == {field.name for field in dataclasses.fields(EieHardware)}
    assert all(SOURCES.values())


def test_a_queue_of_one_is_a_register():
    assert [EieHardware(queue_depth=depth).usable_slots for depth in (1, 2, 3)] == [1, 1, 2]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("queue_depth", 0),
        ("pes", 0),
        ("index_bits", 0),
        ("index_bits", 9),
        ("pes", 2.0),
        ("pes", True),
        ("queue_depth", -1),
    ],
)
def test_nonsense_is_named(field, value):
    with pytest.raises(ArchitectureError, match=f"{field} = {value!r}"):
        EieHardware(**{field: value})


def test_rows_hold_an_entry_and_clocks_tick():
    with pytest.raises(ArchitectureError, match="weight_row_bits = 4 holds no entry of 8 bits"):
        EieHardware(weight_row_bits=4)
    with pytest.raises(ArchitectureError, match="clock_hz"):
        EieHardware(clock_hz=float("nan"))
