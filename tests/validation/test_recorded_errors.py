"""Recorded errors may shrink, not grow: ``simulator validate --write reports/validation`` records them."""

import csv

import pytest

from simulator.validation.chips import validate
from tests.architecture.source_tree import PROJECT

FOLDER = PROJECT / "reports" / "validation"
SLACK_PCT = 0.01  # of the rounding of another machine's arithmetic
QUICK = ("eyeriss", "eyeriss_v2", "eie", "cambricon_x")


def recorded(chip):
    path = FOLDER / f"{chip}.csv"
    if not path.is_file():
        pytest.skip(f"{path.name} is not recorded here")
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("chip", QUICK)
def test_no_error_grows(chip):
    before = {(row["name"], row["quantity"], row["unit"]): row for row in recorded(chip)}
    now = {(row.name, row.quantity, row.unit): row for row in validate(chip).rows}
    grown = {}
    for key, row in now.items():
        old = before.get(key)
        if row.error_pct is None or row.tag == "predicted" or old is None or not old["error_pct"]:
            continue
        if abs(row.error_pct) > abs(float(old["error_pct"])) + SLACK_PCT:
            grown[key] = (float(old["error_pct"]), row.error_pct)
    assert grown == {}
    lost = {key for key, old in before.items() if old["verdict"] == "pass" and now.get(key) is None}
    assert lost == set() or chip != "eyeriss"
