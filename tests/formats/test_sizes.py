import numpy as np
import pytest

from simulator.errors import ArchitectureError, WorkloadError
from simulator.formats.sizes import StoredSize, check_range, check_width, integer_array


def test_a_format_is_bypassed_only_when_larger_than_raw():
    assert not StoredSize(100, 60, 40).bypassed
    assert StoredSize(100, 60, 41).bypassed
    assert StoredSize(100, 60, 41).stored_bits == 100
    assert StoredSize(100, 10, 20).stored_bits == 30


def test_widths_are_named():
    with pytest.raises(ArchitectureError, match="index_bits = 0 is too narrow"):
        check_width("index_bits", 0)
    with pytest.raises(ArchitectureError, match="too wide"):
        check_width("index_bits", 33)


@pytest.mark.parametrize(
    ("low", "high", "signed", "fits"),
    [(-8, 7, True, True), (-9, 0, True, False), (0, 8, True, False), (0, 15, False, True), (-1, 0, False, False)],
)
def test_ranges(low, high, signed, fits):
    array = np.array([low, high])
    if fits:
        check_range(array, "codes", 4, signed=signed)
    else:
        with pytest.raises(WorkloadError, match=r"codes: values run from .* to .*4 (un)?signed bits"):
            check_range(array, "codes", 4, signed=signed)


def test_arrays_must_be_whole_numbers_of_the_right_shape():
    with pytest.raises(WorkloadError, match="holds float64"):
        integer_array([0.5], "mask")
    with pytest.raises(WorkloadError, match=r"shape \[1\].*2 axes"):
        integer_array([1], "mask", dimensions=2)
