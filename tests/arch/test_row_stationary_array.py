"""The row-stationary array's form."""

import pytest
from pydantic import ValidationError

from simulator.arch.row_stationary_array import RowStationaryArray


def test_defaults_are_eyeriss():
    array = RowStationaryArray(rows=12, columns=14)
    assert (array.kind, array.pes, array.dataflows) == ("row_stationary", 168, ("rs",))
    assert (array.filter_spad_words, array.ifmap_spad_words, array.psum_spad_words) == (224, 12, 24)


def test_it_runs_row_stationary_only():
    with pytest.raises(ValidationError):
        RowStationaryArray(rows=12, columns=14, dataflows=("ws",))
