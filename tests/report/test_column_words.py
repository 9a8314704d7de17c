"""Every column that any result has is explained."""

from simulator.report.column_words import MEANINGS, meanings_of
from simulator.report.layer_table import COLUMNS, EVENT_COLUMNS, FORMAT_COLUMNS, SCALESIM_COLUMNS, columns_of
from simulator.report.page import html_page
from tests.report.sample_results import run


def test_every_column_is_explained_and_nothing_else():
    all_columns = (*COLUMNS, *EVENT_COLUMNS, *FORMAT_COLUMNS, *SCALESIM_COLUMNS)
    assert set(MEANINGS) == {column.heading for column in all_columns}


def test_the_page_tells_the_columns_it_shows():
    page = html_page([run()])
    assert "What the columns mean" in page
    for heading, _ in meanings_of([column.heading for column in columns_of(run())]):
        assert f"<dt>{heading}</dt>" in page
    assert "<dt>row hits [%]</dt>" not in page


def test_useful_fill_and_waiting_are_all_of_a_layers_cycles():
    layer = run().layers[0]
    spent = sum(layer.issue_cycles.values()) + sum(layer.idle_cycles.values()) + layer.tail_cycles
    assert spent == layer.cycles
