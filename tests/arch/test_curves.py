"""Straight lines on log-log paper."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.arch.curves import interpolate_log

POINTS = ((1.0, 3.0), (4.0, 12.0), (16.0, 24.0))


def test_points_are_exact():
    assert [interpolate_log(POINTS, x) for x, _ in POINTS] == [y for _, y in POINTS]


def test_between_points_lies_the_geometric_mean_at_the_geometric_middle():
    assert interpolate_log(POINTS, 2.0) == pytest.approx(6.0)
    assert interpolate_log(POINTS, 8.0) == pytest.approx((12 * 24) ** 0.5)


def test_beyond_the_ends_the_slope_goes_on_or_the_value_is_held():
    assert interpolate_log(POINTS, 64.0) == pytest.approx(48.0)
    assert interpolate_log(POINTS, 0.5) == pytest.approx(1.5)
    assert interpolate_log(POINTS, 64.0, extend=False) == 24.0
    assert interpolate_log(POINTS, 0.5, extend=False) == 3.0


def test_one_point_is_a_constant():
    assert [interpolate_log([(8.0, 5.0)], x) for x in (1.0, 8.0, 64.0)] == [5.0] * 3


@given(st.floats(1e-3, 1e6), st.floats(1e-3, 1e6))
def test_rising_points_give_a_rising_curve(x, y):
    low, high = sorted((x, y))
    assert interpolate_log(POINTS, low) <= interpolate_log(POINTS, high) * (1 + 1e-12)
