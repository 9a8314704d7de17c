"""The buffer's form: sizes that follow from its fields, and what it refuses."""

import pytest
from pydantic import ValidationError

from simulator.arch.buffer import Buffer


def buffer(**changes):
    fields = {"name": "glb", "capacity_bytes": 4096, "operands": ("ifmap", "psum"), "word_bits": 48, "banks": 4}
    return Buffer(**(fields | changes))


def test_a_line_is_a_word_of_every_bank():
    assert buffer().line_bits == 4 * 48
    assert buffer().ports is None


def test_the_resident_region_is_in_whole_words():
    assert buffer().resident_bytes == 0
    assert buffer(resident_share=0.5).resident_bytes == 2046


@pytest.mark.parametrize("ports", [0, 17, 1.5])
def test_ports_are_a_small_count(ports):
    with pytest.raises(ValidationError, match="ports"):
        buffer(ports=ports)


def test_a_buffer_holds_a_word_of_every_bank():
    with pytest.raises(ValidationError, match="raise it, or lower word_bits, slots or banks"):
        buffer(capacity_bytes=23)
