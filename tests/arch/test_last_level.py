"""The description of a scratchpad that cores share."""

import pytest

from simulator.arch import load_accelerator
from simulator.arch.last_level import LastLevelScratchpad
from simulator.errors import ArchitectureError


def test_the_port_moves_a_word_of_each_bank_a_cycle():
    assert LastLevelScratchpad(capacity_bytes=1024, word_bits=128, banks=4).bytes_per_cycle == 64


def test_a_path_into_it_describes_it():
    machine = load_accelerator("gemmini_like_16", overrides=["cores=2", "last_level.capacity_bytes=4096"])
    assert machine.last_level == LastLevelScratchpad(capacity_bytes=4096)
    assert load_accelerator("gemmini_like_16").last_level is None


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["last_level.capacity_bytes=4096"], "one core has nobody to share"),
        (["cores=2", "last_level.capacity_bytes=1"], "need at least 64"),
        (["cores=2", "last_level.word_bits=64"], "capacity_bytes"),
    ],
)
def test_a_scratchpad_that_cannot_be_is_named(overrides, words):
    with pytest.raises(ArchitectureError, match=words):
        load_accelerator("gemmini_like_16", overrides=overrides)
