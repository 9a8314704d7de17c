import csv
import io
import json
from dataclasses import fields

import pytest

from simulator.validation.rows import Quantity, ValidationReport, ValidationRow, compare, reference_file


@pytest.mark.parametrize(
    ("reference", "simulated", "target_pct", "verdict"),
    [
        (100, 103, 3.0, "pass"),
        (100, 97, 3.0, "pass"),
        (100, 103.1, 3.0, "fail"),
        (100, 90, None, "shown"),
        (None, 5, 3.0, "shown"),
        (5, None, 3.0, "shown"),
        (7, 7, 0.0, "pass"),
        (7, 8, 0.0, "fail"),
        (0, 0, 0.0, "pass"),
    ],
)
def test_verdicts(reference, simulated, target_pct, verdict):
    row = compare("x", Quantity("cycles", "cycles", "published", target_pct), reference, simulated)
    assert row.verdict == verdict
    assert (row.error_pct is None) == (reference is None or simulated is None)


def test_anything_beside_a_reference_of_nothing_fails_without_a_percentage():
    row = compare("x", Quantity("cycles", "cycles", "published", 0.0), 0, 73)
    assert (row.verdict, row.error_pct) == ("fail", None)
    assert compare("x", Quantity("cycles", "cycles", "published"), 0, 73).verdict == "shown"


def test_without_a_reference_nothing_published_is_compared():
    assert compare("x", Quantity("cycles", "cycles", "published"), None, 5).tag == "predicted"
    assert compare("x", Quantity("energy", "pJ", "inferred"), None, 5).tag == "inferred"
    assert compare("x", Quantity("cycles", "cycles", "published"), 5, None).tag == "published"


def report():
    exact = compare("L1", Quantity("cycles", "cycles", "published", 0.0), 7926, 7926)
    off = compare("L2", Quantity("time", "us", "fitted", 3.0), 10.0, 9.0)
    absent = compare("L3", Quantity("time", "us", "published", 3.0), 10.0, None)
    return ValidationReport("chip", (exact, off, absent), ("a note",))


def test_documents_hold_every_field():
    document = json.loads(report().to_json())
    assert document["schema"] == "simulator.validation/1"
    assert document["chip"] == "chip"
    names = [field.name for field in fields(ValidationRow)]
    assert names == ["name", "quantity", "unit", "reference", "simulated", "error_pct", "target_pct", "tag", "verdict"]
    assert [list(row) for row in document["rows"]] == [names] * 3
    assert [row["verdict"] for row in document["rows"]] == ["pass", "fail", "shown"]
    assert isinstance(document["rows"][0]["simulated"], int)
    assert report().failed == 1
    table = list(csv.DictReader(io.StringIO(report().to_csv())))
    assert [row["simulated"] for row in table] == ["7926", "9.0", ""]


def test_markdown_has_a_line_a_row_and_the_notes():
    text = report().to_markdown()
    assert "| L1 | cycles | cycles | 7,926 | 7,926 | +0.00 | 0 | published | pass |" in text
    assert "| L2 | time | us | 10 | 9 | -10.00 | 3 | fitted | fail |" in text
    assert text.endswith("- a note\n")


def test_reference_files_are_found_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("SIMULATOR_REFERENCE_DIR", raising=False)
    assert reference_file("eie") is None
    monkeypatch.setenv("SIMULATOR_REFERENCE_DIR", str(tmp_path))
    assert reference_file("eie") is None
    (tmp_path / "eie").mkdir()
    assert reference_file("eie") == tmp_path / "eie"
