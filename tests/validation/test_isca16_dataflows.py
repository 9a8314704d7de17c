"""Row stationary beside the other dataflows: it takes least, and by how much is recorded."""

from pathlib import Path

import pytest

from simulator.errors import ArchitectureError
from simulator.validation.isca16_dataflows import validate_isca16_dataflows


@pytest.mark.slow
def test_row_stationary_takes_least_energy():
    rows = [row for row in validate_isca16_dataflows().rows if row.quantity.startswith("energy_ratio")]
    assert len(rows) == 8
    assert all(1.2 < row.simulated < 3.5 for row in rows)
    assert {row.verdict for row in rows} == {"pass", "fail"}


def test_it_takes_no_files():
    with pytest.raises(ArchitectureError, match="leave --data out"):
        validate_isca16_dataflows(Path("x"))
