"""The command line that studies share."""

import json

from benchmarks.anomaly_study import STUDY as ANOMALIES
from benchmarks.fidelity_study import STUDY as FIDELITY
from benchmarks.studies import Study, run_study


def test_a_study_writes_its_page_and_its_numbers(tmp_path):
    study = Study("some_study", "About.", "some", "pairs", 7, lambda *asked: {"asked": asked}, lambda found: f"{found}")
    run_study(study, ["--seed", "3", "--folder", str(tmp_path / "made")])
    assert json.loads((tmp_path / "made" / "some.json").read_text()) == {"asked": [7, 3]}
    assert (tmp_path / "made" / "some.md").read_text() == "{'asked': (7, 3)}"
    run_study(study, ["--cases", "2", "--folder", str(tmp_path / "made")])
    assert json.loads((tmp_path / "made" / "some.json").read_text()) == {"asked": [2, 0]}


def test_studies_write_reports_of_their_own():
    assert (ANOMALIES.report, FIDELITY.report) == ("anomalies", "fidelity")
