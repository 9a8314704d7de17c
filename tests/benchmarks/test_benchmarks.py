"""Every case runs on a toy network and every goal gets its line. Nothing here looks at how long anything took."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.cases import CASES, LEFT_OUT_WHEN_QUICK
from benchmarks.goals import GOALS, Goal
from benchmarks.measurement import Measurement
from benchmarks.report import Line, document, lines_of, markdown, shown

Finished = subprocess.CompletedProcess[str]
UNMEASURED_WHEN_QUICK = {"cold_command"}
MACHINE = {"cores": 2, "python": "3.11"}


@pytest.fixture(scope="module")
def quick(project: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Finished, Path]:
    """``python -m benchmarks --quick``, once for all tests."""
    folder = tmp_path_factory.mktemp("reports")
    arguments = ["-m", "benchmarks", "--quick", "--write", "--folder", str(folder)]
    done = subprocess.run([sys.executable, *arguments], cwd=project, capture_output=True, text=True, check=False)
    return done, folder


@pytest.mark.slow
def test_every_case_runs_and_every_goal_is_measured(quick: tuple[Finished, Path]) -> None:
    done, folder = quick
    assert done.returncode == 0, done.stderr
    lines = json.loads((folder / "benchmarks.json").read_text())["lines"]
    assert [line["what"] for line in lines] == [goal.title for goal in GOALS]
    missing = {line["measurement"] for line in lines if line["measured"] is None}
    assert missing == UNMEASURED_WHEN_QUICK
    assert all(line["measured"] > 0 for line in lines if line["measurement"] not in missing)


@pytest.mark.slow
def test_report_of_a_toy_judges_nothing_and_names_no_place(quick: tuple[Finished, Path], project: Path) -> None:
    _, folder = quick
    page = (folder / "benchmarks.md").read_text()
    assert "nothing here is evidence" in page
    assert "pass" not in page.split("## ", 1)[1].replace("passes", "")
    for text in (page, (folder / "benchmarks.json").read_text()):
        assert str(project) not in text
        assert str(Path.home()) not in text


def test_real_reports_are_not_overwritten_by_a_toy(run_python: Callable[..., Finished]) -> None:
    for arguments in (["--quick"], ["pruning"]):
        done = run_python("-m", "benchmarks", "--write", *arguments)
        assert done.returncode == 2
        assert "--folder" in done.stderr


def test_an_unknown_case_is_refused(run_python: Callable[..., Finished]) -> None:
    done = run_python("-m", "benchmarks", "nonsense")
    assert done.returncode == 2
    assert "nonsense" in done.stderr


@pytest.mark.parametrize(
    ("limit", "at_least", "values", "verdict"),
    [
        (2.0, False, (1.0, 1.9, 9.0), "pass"),
        (2.0, False, (1.0, 2.1, 9.0), "FAIL"),
        (2.0, True, (1.0, 2.1, 9.0), "pass"),
        (2.0, True, (1.0, 1.9, 9.0), "FAIL"),
        (None, False, (1.0,), ""),
    ],
)
def test_the_verdict_is_on_the_median(
    limit: float | None, at_least: bool, values: tuple[float, ...], verdict: str
) -> None:
    line = Line(Goal("group", "it", "title", limit, at_least), Measurement("it", "s", values))
    assert line.verdict == verdict


def test_a_goal_without_a_measurement_is_said_to_have_none() -> None:
    lines = lines_of([], is_toy=False)
    assert {line.verdict for line in lines} == {"not measured"}
    assert markdown(lines, MACHINE).count("not measured") == len(GOALS) + 1  # and once in the introduction
    assert json.loads(document(lines, MACHINE))["machine"] == MACHINE


@pytest.mark.parametrize(("load", "told"), [(0.5, False), (2.0, False), (2.1, True)])
def test_a_busy_machine_is_told(load: float, told: bool) -> None:
    page = markdown(lines_of([], is_toy=False), MACHINE | {"load before": 0.1, "load after": load})
    assert ("quiet machine" in page) == told


def test_best_is_the_least_time_and_the_greatest_rate() -> None:
    assert Measurement("it", "s", (3.0, 1.0, 2.0)).best == 1.0
    assert Measurement("it", "layers/s", (3.0, 1.0, 2.0)).best == 3.0


def test_numbers_are_written_for_people() -> None:
    assert [shown(value, unit) for value, unit in ((0.0123, "s"), (12.3, "s"), (12345.6, "layers/s"), (2, "x"))] == [
        "12.3 ms",
        "12.3 s",
        "12,346 layers/s",
        "2x",
    ]


def test_cases_left_out_when_quick_are_cases() -> None:
    assert set(CASES) >= LEFT_OUT_WHEN_QUICK
