"""Curves through points on log-log paper: how energies, areas and leakages lie between the measured ones."""

from bisect import bisect_right
from collections.abc import Sequence
from math import exp, log

Points = Sequence[tuple[float, float]]


def interpolate_log(points: Points, x: float, *, extend: bool = True) -> float:
    """Return the value at ``x`` on straight lines through ``points`` in log-log coordinates.

    Parameters
    ----------
    points : sequence of (float, float)
        Positive, rising in the first coordinate; a single point is a constant.
    x : float
        Positive.
    extend : bool
        Beyond the ends, go on with the end's slope; False holds the end's value.

    Examples
    --------
    >>> round(interpolate_log([(1.0, 1.0), (4.0, 16.0)], 2.0), 9)
    4.0
    """
    if not extend:
        x = min(max(x, points[0][0]), points[-1][0])
    position = bisect_right(points, x, key=lambda point: point[0])
    if position > 0 and points[position - 1][0] == x:
        return points[position - 1][1]  # exact: no logarithm's rounding
    if len(points) == 1:
        return points[0][1]
    right = min(max(position, 1), len(points) - 1)
    (x0, y0), (x1, y1) = points[right - 1], points[right]
    share = log(x / x0) / log(x1 / x0)
    return exp(log(y0) + share * log(y1 / y0))
