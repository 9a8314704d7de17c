"""ESE's description."""

import pytest

from simulator.arch import load_accelerator
from simulator.arch.ese_array import EseArray
from simulator.errors import ArchitectureError


def test_the_default_is_the_published_one():
    assert EseArray().pes == 1024
    assert load_accelerator("ese").array == EseArray()


@pytest.mark.parametrize("field", ["channels", "pe_count", "queue_depth", "gate_passes"])
def test_none_of_a_thing_is_refused(field):
    with pytest.raises(ArchitectureError, match=rf"array\.{field}"):
        load_accelerator("ese", overrides=[f"array.{field}=0"])
