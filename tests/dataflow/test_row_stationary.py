"""Row-stationary mappings: what they need, against the chip's table III and by hand."""

import pytest

from simulator.arch import load_accelerator
from simulator.dataflow.row_stationary import (
    ConvNest,
    RowMachine,
    RowMapping,
    active_pes,
    array_rows_needed,
    filter_folds,
    glb_bits_needed,
    shortfalls,
)

EYERISS = load_accelerator("eyeriss_v1")
CHIP = RowMachine.of(EYERISS, EYERISS.array)
CONV1 = ConvNest(4, 1, 96, 3, 55, 55, 11, 11, 4, 4, H=227, W=227)
CONV2 = ConvNest(4, 2, 128, 48, 27, 27, 5, 5, pad_h=2, pad_w=2, H=27, W=27)
CONV4 = ConvNest(4, 2, 192, 192, 13, 13, 3, 3, pad_h=1, pad_w=1, H=13, W=13)


@pytest.mark.parametrize(
    ("nest", "mapping", "pes", "kilobytes"),
    [
        (CONV1, RowMapping(96, 1, 7, 16, 1, 1, 2), 154, 15.9 + 73.9),
        (CONV2, RowMapping(64, 1, 27, 16, 2, 1, 1), 135, 3.8 + 93.3),
        (CONV4, RowMapping(64, 4, 13, 16, 3, 2, 2), 156, 10.8 + 86.5),
    ],
)
def test_table_iii(nest, mapping, pes, kilobytes):
    """JSSC 2017, table III: 154, 135, 156 PEs; GLB 15.5 + 72.2, 3.8 + 91.1, 10.5 + 84.5 KiB."""
    assert active_pes(nest, CHIP, mapping) == pes
    assert not list(shortfalls(nest, CHIP, mapping, (16, 16)))
    assert glb_bits_needed(nest, CHIP, mapping, 16) / 8e3 == pytest.approx(kilobytes, abs=0.1)


@pytest.mark.parametrize(
    ("e", "sets", "rows"), [(13, 4, 12), (7, 2, 3), (7, 8, 12), (14, 1, 3), (28, 2, 12), (27, 1, 6)]
)
def test_sets_lie_side_by_side_or_stacked(e, sets, rows):
    assert array_rows_needed(CONV4, CHIP, e, sets) == rows


def test_each_shortfall_is_named_with_its_size():
    huge = RowMapping(m=192, n=4, e=13, p=30, q=10, r=3, t=4)
    found = {what.split(" (")[0]: (needed, there) for what, needed, there, _ in shortfalls(CONV4, CHIP, huge, (16, 16))}
    assert found["array rows"] == (36, 12)
    assert found["filter spad"] == (900, 224)
    assert found["ifmap spad"] == (30, 12)
    assert found["psum spad"] == (30, 24)
    assert found["filter prefetch buffer"] == (120 * 30 * 9 * 16, 8192 * 8)
    assert found["global buffer"][0] > 8 * 102400


def test_a_filter_larger_than_the_array_is_folded():
    nest = ConvNest(1, 1, 1, 1, 4, 4, 25, 14)
    folds = filter_folds(nest, CHIP)
    assert [len(fold.rows) for fold in folds] == [9, 9, 9, 9, 7, 7]
    assert [len(fold.columns) for fold in folds] == [7, 7] * 3


def test_rows_and_columns_of_a_strip():
    assert CONV2.rows_read(0, 27, range(5)) == (31, 27)
    assert CONV2.columns_read(range(5)) == 31
    assert CONV2.real_columns(range(5)) == 27
    spread = ConvNest(1, 1, 1, 1, 2, 2, 2, 2, stride_h=4, stride_w=4, H=6, W=6)
    assert spread.rows_read(0, 2, range(2)) == (4, 4)  # rows between the strides are not read
    assert spread.columns_read(range(2)) == spread.real_columns(range(2)) == 4
