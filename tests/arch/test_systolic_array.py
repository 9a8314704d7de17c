"""The systolic array's form."""

import pytest
from pydantic import ValidationError

from simulator.arch.systolic_array import SystolicArray


def test_defaults_and_counts():
    array = SystolicArray(rows=4, columns=8, dataflows=("ws", "os"))
    assert (array.kind, array.pes, array.in_short) == ("systolic", 32, "4 x 8 ws/os")


@pytest.mark.parametrize("given", [{"shared_bus_operands": ("ifmap",)}, {"shared_bus_bits_per_cycle": 64}])
def test_a_shared_bus_has_operands_and_a_width(given):
    with pytest.raises(ValidationError, match="a shared bus needs both; give both, or neither"):
        SystolicArray(rows=4, columns=8, **given)


def test_a_dataflow_is_named_once():
    with pytest.raises(ValidationError, match="ws given more than once"):
        SystolicArray(rows=4, columns=8, dataflows=("ws", "ws"))
