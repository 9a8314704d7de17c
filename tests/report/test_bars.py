"""Bars: as many as layers, as long as their cycles."""

import pytest

from simulator.records import CAUSE_NAMES
from simulator.report.bars import (
    ENERGY_COLORS,
    ROWS_A_PANEL,
    TIME_COLORS,
    energy_figure,
    latency_figure,
    short_label,
)
from simulator.report.breakdown import ISSUE_WORDS, TAIL_WORD, WAIT_WORDS
from tests.report.sample_results import layer, run


def lengths(drawn):
    """Sum of bar widths in each row, over all panels."""
    found = []
    for axes in drawn.axes:
        rows: dict[int, float] = {}
        for patch in axes.patches:
            row = round(patch.get_y() + patch.get_height() / 2)
            rows[row] = rows.get(row, 0.0) + patch.get_width()
        found += [rows[row] for row in sorted(rows)]
    return found


@pytest.mark.parametrize("layers", [1, 5, 120])
def test_each_bar_is_as_long_as_its_layer(layers):
    result = run(*(layer(f"c{i}", useful=i + 1) for i in range(layers)))
    assert lengths(latency_figure(result)) == [each.cycles for each in result.layers]
    assert lengths(energy_figure(result)) == pytest.approx([8e-6] * layers)


def test_long_networks_are_drawn_in_panels():
    figure = latency_figure(run(*(layer(f"c{i}") for i in range(2 * ROWS_A_PANEL + 1))))
    assert len(figure.axes) == 3
    assert figure.get_figwidth() > figure.get_figheight()


def test_every_kind_has_its_own_colour():
    assert set(TIME_COLORS) == {*ISSUE_WORDS.values(), *WAIT_WORDS.values(), TAIL_WORD}
    assert len(set(TIME_COLORS.values())) == len(TIME_COLORS) == 5 + len(CAUSE_NAMES) + 1
    assert len(set(ENERGY_COLORS.values())) == len(ENERGY_COLORS)


def test_every_energy_component_has_a_colour():
    from simulator.energy import COMPONENTS

    assert set(ENERGY_COLORS) == set(COMPONENTS)


def test_the_legend_names_only_what_is_there():
    (legend,) = latency_figure(run()).legends
    assert [text.get_text() for text in legend.get_texts()] == ["useful", "fill", "wait: weight", TAIL_WORD]


def test_long_labels_keep_both_ends():
    assert short_label("short") == "short"
    assert len(short_label("a" * 50 + "z")) == 30
    assert short_label("a" * 50 + "z").endswith("z")
