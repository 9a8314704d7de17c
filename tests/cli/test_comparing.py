"""``compare`` and ``report``."""

import pytest


def test_compare_shows_totals_and_layers(call, result_file):
    shown = call("compare", result_file("a.json"), result_file("b.json"))
    assert shown.exit_code == 0
    assert "efficiency [GOP/s/W]" in shown.stdout
    assert "c2" in shown.stdout
    assert "changed most" not in shown.stdout
    assert "c2" not in call("compare", result_file("a.json"), result_file("b.json"), "--totals").stdout


def test_compare_needs_two_results(refused, result_file, tmp_path):
    assert "give two results or more" in refused("compare", result_file())
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")
    assert "x.json: schema" in refused("compare", result_file(), tmp_path / "x.json")
    assert "none.json: no such file" in refused("compare", result_file(), tmp_path / "none.json")


def test_report_shows_a_result_again_and_writes_from_it(call, result_file, tmp_path):
    shown = call("report", result_file(), "--csv", tmp_path / "a.csv", "--plots", tmp_path / "p", "--explain", "c1")
    assert shown.exit_code == 0
    assert "c1 (conv2d, ws)" in shown.stdout
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").startswith("name,")
    assert {path.name for path in (tmp_path / "p").iterdir()} > {"latency.png", "roofline.svg"}


def test_report_of_several_results_keeps_their_plots_apart(call, refused, result_file, tmp_path):
    files = (result_file("a.json"), result_file("b.json"))
    shown = call("report", *files, "--plots", tmp_path / "p", "--html", tmp_path / "all.html", "--quiet")
    assert (shown.exit_code, shown.output) == (0, "")
    assert len(list((tmp_path / "p").iterdir())) == 18
    assert (tmp_path / "all.html").read_text(encoding="utf-8").count("<h1") == 2
    assert "one file for 2 results" in refused("report", *files, "--csv", tmp_path / "x.csv")


@pytest.mark.parametrize("option", ["--csv", "--html", "--plots"])
def test_nothing_is_written_where_it_cannot_be(refused, result_file, tmp_path, option):
    assert option in refused("report", result_file(), option, tmp_path / "none" / "x")


def test_a_result_is_not_written_over(refused, result_file):
    path = result_file()
    before = path.read_bytes()
    assert f"--csv {path}: is read by this command" in refused("report", path, "--csv", path)
    assert path.read_bytes() == before
