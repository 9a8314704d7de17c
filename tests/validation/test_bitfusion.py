"""Bit Fusion: every published number equal, and layers of the reader's own."""

import pytest

from simulator.errors import ArchitectureError, WorkloadError
from simulator.validation.bitfusion import COLUMNS, validate_bitfusion

HEADER = ",".join((*COLUMNS, "cycles"))


def test_every_published_number_is_met_exactly():
    report = validate_bitfusion()
    judged = [row for row in report.rows if row.verdict != "shown"]
    assert len(judged) == 70
    assert {row.verdict for row in judged} == {"pass"}
    assert all(row.error_pct == 0.0 for row in judged)
    assert {row.name for row in report.rows if row.verdict == "shown"} == {"AlexNet, our array", "ResNet-18, our array"}


def test_layers_of_a_file(tmp_path):
    path = tmp_path / "layers.csv"
    path.write_text(f"{HEADER}\nconv3,3,13,1,512,384,16,4,4,no,3248129\nfc,1,1,1,64,10,1,8,8,0,\n")
    known, unknown = validate_bitfusion(path).rows
    assert (known.verdict, known.simulated) == ("pass", 3248129)
    assert (unknown.reference, unknown.verdict, unknown.tag) == (None, "shown", "predicted")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name,kernel\n", r"layers\.csv: column 'outputs' is missing"),
        (f"{HEADER}\na,3,13,1,0,384,16,4,4,no,\n", r"line 2: channels = '0' is no count"),
        (f"{HEADER}\na,3,13,1,5,384,16,16,4,no,\n", "16 x 4 bits: Bit Fusion's public law covers 1 to 8"),
    ],
)
def test_a_faulty_file_is_refused(tmp_path, text, told):
    path = tmp_path / "layers.csv"
    path.write_text(text)
    with pytest.raises(WorkloadError, match=told):
        validate_bitfusion(path)


def test_a_missing_file_and_a_queue_depth_are_refused(tmp_path):
    with pytest.raises(WorkloadError, match="cannot be read"):
        validate_bitfusion(tmp_path / "none.csv")
    with pytest.raises(ArchitectureError, match="has no queues"):
        validate_bitfusion(queue_depth=4)
