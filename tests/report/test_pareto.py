"""Pareto fronts: nobody on the line is beaten, nobody off it is not."""

import csv

from hypothesis import given
from hypothesis import strategies as st

from simulator.report.pareto import SWEEP_AXES, Point, on_front, pareto_figure, pareto_rows, save_pareto, sweep_points

NUMBERS = st.integers(0, 6)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=30))
def test_a_point_is_on_the_front_where_no_other_beats_it(places):
    points = [Point(x, y, "", "") for x, y in places]
    expected = [not any(a <= x and b <= y and (a, b) != (x, y) for a, b in places) for x, y in places]
    assert on_front(points) == expected


def rows():
    made = []
    for number, (cycles, energy) in enumerate([(100, 9e6), (200, 5e6), (300, 7e6), (None, None)]):
        made.append(
            {
                "number": number, "workload": "net", "accelerator": f"a{number}", "bits": "w4a8", "dataflow": None,
                "objective": "latency", "sparsity": None, "cycles": cycles, "energy_pj": energy,
            }
        )  # fmt: skip
    return made


def test_a_sweeps_designs_are_named_by_what_differs():
    points = sweep_points(rows())
    assert [(one.across, one.up, one.name) for one in points] == [(100, 9e6, "a0"), (200, 5e6, "a1"), (300, 7e6, "a2")]
    assert [row["on_front"] for row in pareto_rows(points, SWEEP_AXES)] == [1, 1, 0]


def test_networks_have_fronts_of_their_own():
    points = [Point(1, 1, "small", "a"), Point(5, 5, "large", "b")]
    assert [row["on_front"] for row in pareto_rows(points, SWEEP_AXES)] == [1, 1]


def test_files_are_the_same_each_time(tmp_path):
    points = sweep_points(rows())
    first = [path.read_bytes() for path in save_pareto(points, SWEEP_AXES, tmp_path)]
    assert [path.read_bytes() for path in save_pareto(points, SWEEP_AXES, tmp_path)] == first
    (row, *_) = csv.DictReader((tmp_path / "pareto.csv").open(encoding="utf-8"))
    assert (row["cycles"], row["on_front"]) == ("100.0", "1")
    assert pareto_figure([], SWEEP_AXES).axes
