"""The systolic array's form."""

import pytest
from pydantic import ValidationError

from simulator.arch.systolic_array import SystolicArray


def test_defaults_and_counts():
    array = SystolicArray(rows=4, columns=8, dataflows=("ws", "os"))
    assert (array.kind, array.pes, array.in_short) == ("systolic", 32, "4 x 8 ws/os")


def test_a_dataflow_is_named_once():
    with pytest.raises(ValidationError, match="ws given more than once"):
        SystolicArray(rows=4, columns=8, dataflows=("ws", "ws"))
