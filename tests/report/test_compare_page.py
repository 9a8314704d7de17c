"""Results beside each other as a page: what changed, by how much, and why."""

from simulator.report.compare_page import compare_figure, compare_page, compare_rows, layer_rows, save_compare
from simulator.report.plots import render
from tests.report.sample_results import layer, run, unmapped
from tests.report.test_page import outline

A = run(layer("c1"), layer("c2"))
B = run(layer("c1", useful=1600, weight=250), layer("c3"))


def test_each_layer_says_what_changed_and_why():
    heading, *rows = layer_rows([A, B])
    assert heading[:4] == ["layer", "A cycles", "B cycles", "change"]
    found = {row[0]: row for row in rows}
    assert found["c1"][1:6] == ["1,000", "2,050", "+1,050", "52.5", "useful +1,000"]
    assert found["c2"][1:6] == ["1,000", "-", "-", "-", "only in A"]
    assert found["c3"][1:6] == ["-", "1,000", "-", "-", "only in B"]
    faster = run(layer("c1", weight=0, useful=610), layer("c2"))
    assert layer_rows([A, faster])[1][3:6] == ["-190", "-9.5", "wait: weight -200"]


def test_the_page_is_whole_and_names_the_runs():
    text = compare_page(["a.json", "<b>.json"], [A, B])
    seen = outline(text)
    assert seen.tags.count("svg") == 1
    assert len(set(seen.ids)) == len(seen.ids)
    for words in ("a.json", "&lt;b&gt;.json", "Cycles by cause", "Energy by component", "useful +1,000", "1.525"):
        assert words in text
    assert "<b>" not in text


def test_runs_without_times_are_compared_by_what_they_have():
    text = compare_page(["a", "b"], [A, run(unmapped("c1"))])
    assert "1,000" in text


def test_the_plot_draws_its_rows():
    rows = compare_rows([A, B])
    assert sum(row["value"] for row in rows if row["run"] == "B" and row["quantity"] == "cycles") == B.total.cycles
    assert render(compare_figure([A, B]), "svg") == render(compare_figure([A, B]), "svg")


def test_the_bars_are_files_with_their_numbers(tmp_path):
    results = [run(), run(layer(weight=0))]
    written = save_compare(["a.json", "b.json"], results, tmp_path)
    assert [path.name for path in written] == ["compare.png", "compare.svg", "compare.csv"]
    assert written[1].read_bytes() == save_compare(["a.json", "b.json"], results, tmp_path)[1].read_bytes()
    lines = written[2].read_text(encoding="utf-8").splitlines()
    assert lines[0] == "run,quantity,kind,value"
    assert "A,cycles,wait: weight,200" in lines
    assert "B,cycles,wait: weight,0" in lines
