"""Ticks of a logarithmic axis."""

import pytest
from matplotlib.figure import Figure

from simulator.report.log_axis import label_log


@pytest.mark.parametrize(
    ("span", "expected"), [((15.0, 160.0), {"20", "50", "100"}), ((1.0, 1000.0), {"1", "10", "100", "1000"})]
)
def test_short_spans_have_more_labels(span, expected):
    figure = Figure()
    axes = figure.add_subplot()
    axes.set(xscale="log", xlim=span)
    label_log(axes.xaxis, span, lambda value: f"{value:g}")
    figure.draw_without_rendering()
    low, high = span
    shown = {tick.get_text() for tick in axes.xaxis.get_ticklabels() if low <= tick.get_position()[0] <= high}
    assert shown == expected
    assert not [tick for tick in axes.xaxis.get_ticklabels(minor=True) if tick.get_text()]
