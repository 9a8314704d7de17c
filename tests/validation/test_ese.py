import numpy as np
import pytest

from simulator.errors import ArchitectureError
from simulator.validation.ese import WEIGHTS, balanced_mask, stream_efficiency, validate_ese


@pytest.fixture(scope="module")
def rows():
    return {row.name: row for row in validate_ese().rows}


def test_the_published_step_within_ten_percent_with_and_without_balance(rows):
    for name in ("balanced: time", "balanced: sparse_throughput", "balanced: dense_throughput", "unbalanced: time"):
        assert rows[name].verdict == "pass", name
        assert rows[name].tag == "inferred"
    assert WEIGHTS == 3_248_128
    assert rows["balanced: time"].reference == 82.7


def test_balance_pays_more_the_more_uneven_the_rows(rows):
    assert 1.0 < rows["unbalanced: gain of balance"].simulated < rows["skewed: gain of balance"].simulated
    assert rows["skewed: gain of balance"].verdict == "shown"


def test_cycles_of_the_step_are_all_named(rows):
    named = sum(row.simulated for row in rows.values() if row.quantity.startswith("pe_cycles_"))
    assert named == pytest.approx(1024 * rows["balanced: time"].simulated * 200)


def test_balanced_masks_are_balanced_and_streams_lose_refreshes():
    mask = balanced_mask(np.random.default_rng(1), 128, 40, 32)
    assert {int(mask[pe::32].sum()) for pe in range(32)} == {16}
    assert 0.9 < stream_efficiency(1 << 20) < 1.0


def test_bad_input_is_named(tmp_path):
    with pytest.raises(ArchitectureError, match="no file form of ESE's layers"):
        validate_ese(tmp_path)
    with pytest.raises(ArchitectureError, match="queue_depth = 0"):
        validate_ese(None, 0)
