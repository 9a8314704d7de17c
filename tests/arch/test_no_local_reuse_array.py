"""The form of an array without local reuse."""

import pytest
from pydantic import ValidationError

from simulator.arch.no_local_reuse_array import NoLocalReuseArray


def test_counts_and_dataflow():
    array = NoLocalReuseArray(rows=16, columns=8)
    assert (array.kind, array.pes, array.dataflows) == ("no_local_reuse", 128, ("nlr",))
    with pytest.raises(ValidationError):
        NoLocalReuseArray(rows=16, columns=8, dataflows=("rs",))
