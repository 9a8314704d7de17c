"""Results beside each other."""

import io

from rich.console import Console

from simulator.report.comparison import changed_most, describe_runs, layers_table, letters, totals_table
from tests.report.sample_results import layer, run, unmapped


def rows(table):
    stream = io.StringIO()
    Console(file=stream, width=1000, markup=False).print(table)
    return {line.split("  ")[0].strip(): line.split() for line in stream.getvalue().splitlines() if line.strip()}


A = run(layer("c1"), layer("c2"))
B = run(layer("c1", useful=1600), layer("c3"))


def test_totals_are_factors_of_the_first():
    found = rows(totals_table([A, B])[0])
    assert found["cycles"][1:] == ["2,000", "3,000", "1.500"]
    assert found["energy [mJ]"][-1] == "1.000"
    assert found["throughput [GOP/s]"][-1] == "0.667"


def test_layers_that_one_run_has_not_are_open():
    found = rows(layers_table([A, B])[0])
    assert found["c1"][1:4] == ["1,000", "2,000", "2.000"]
    assert found["c2"][1:4] == ["1,000", "-", "-"]
    assert found["c3"][1:4] == ["-", "1,000", "-"]


def test_a_narrow_terminal_leaves_columns_out_and_cuts_no_number():
    table, hidden = layers_table([A, B], 60)
    assert hidden == ["A energy [\N{MICRO SIGN}J]", "B energy [\N{MICRO SIGN}J]", "B/A"]
    assert rows(table)["c1"] == ["c1", "1,000", "2,000", "2.000"]
    assert layers_table([A, B], 200)[1] == totals_table([A, B], 80)[1] == []


def test_runs_without_times_compare_by_what_they_have():
    found = rows(totals_table([A, run(unmapped("c1"))])[0])
    assert found["cycles"][1:] == ["2,000", "-", "-"]
    assert found["MACs [M]"][-1] == "0.500"


def test_what_changed_most_comes_first():
    slower = run(layer("c1", useful=700), layer("c2", useful=100))
    assert list(changed_most([A, slower])) == [
        "c2: -500 cycles (-25.0 % of A's total), mainly useful -500",
        "c1: +100 cycles (5.0 % of A's total), mainly useful +100",
    ]
    assert not list(changed_most([A, A]))


def test_every_run_has_a_letter():
    assert letters(28)[-3:] == ["Z", "A1", "B1"]
    assert list(describe_runs(["x.json"], [A])) == [("A", "x.json: net on machine, ws, batch 1, horowitz-45nm")]
