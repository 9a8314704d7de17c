"""Ticks of a logarithmic axis: enough labels where it spans little, never so many that they touch, no powers of ten."""

from collections.abc import Callable
from math import log10

from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

_FEW_DECADES = 1.7


def label_log(axis: Axis, span: tuple[float, float], text: Callable[[float], str]) -> None:
    """Label a logarithmic axis from ``span[0]`` to ``span[1]``: at 1 2 5 of each decade where there are few."""
    few = log10(span[1] / span[0]) < _FEW_DECADES
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(float(value))))
    axis.set_minor_locator(LogLocator(subs="all", numticks=200))
    axis.set_minor_formatter(NullFormatter())
