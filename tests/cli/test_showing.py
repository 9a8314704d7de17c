"""Results and tables on the screen."""

from simulator.cli.showing import import_table, show_result
from simulator.workload import ImportRow
from tests.report.sample_results import layer, run


def test_a_result_is_shown_whole(capsys):
    show_result(run(layer("c1"), layer("c2", precision_assumed=True)), default_accelerator=True, explain="c1")
    shown = capsys.readouterr().out
    for words in (
        "net, batch 1",
        "the default",
        "c2",
        "width assumed",
        "latency",
        "c1 (conv2d, ws)",
        "prices",
        "mind the gap",
    ):
        assert words in shown
    assert "columns left out" not in shown


def test_what_became_of_each_node(capsys):
    rows = [
        ImportRow(node="a\x1b", operator="Conv", fate="mapped"),
        ImportRow(node="b", operator="Odd", fate="UNSUPPORTED", detail="no rule"),
    ]
    import_table(rows, "net")
    shown = capsys.readouterr().out
    assert "a?" in shown
    assert "no rule" in shown
    assert "2 nodes: 1 mapped, 1 UNSUPPORTED" in shown
    import_table((), "net")
    assert "no importer was needed" in capsys.readouterr().out
