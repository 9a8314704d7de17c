"""EIE's description agrees with the engine's own default chip."""

import pytest

from simulator.arch import load_accelerator
from simulator.arch.eie_array import EieArray
from simulator.errors import ArchitectureError


def test_the_preset_is_the_default():
    array = load_accelerator("eie_64pe").array
    assert array == EieArray()
    assert array.in_short == "64 PE EIE"


@pytest.mark.parametrize(
    "change", ["array.queue_depth=0", "array.pes=0", "array.index_bits=0", "array.index_bits=9", "array.weight_bits=9"]
)
def test_impossible_numbers_are_named(change):
    with pytest.raises(ArchitectureError, match=change.partition("=")[0].replace(".", r"\.")):
        load_accelerator("eie_64pe", overrides=[change])
