"""Recorded evidence is what ``validate`` says now; ``simulator validate --write reports/validation`` records it.

A number that moved unnoticed would leave a page that nobody can repeat, and a red row could turn green by itself.
"""

import csv
import os
from functools import cache

import pytest

from simulator.validation.chips import CHIPS, validate
from tests.architecture.source_tree import PROJECT

ENVIRONMENT = "SIMULATOR_REFERENCE_DIR"
FOLDER = PROJECT / "reports" / "validation"
SLACK_PCT = 0.01  # of the rounding of another machine's arithmetic
QUICK = ("eyeriss", "eyeriss_v2", "eie", "cambricon_x")


def recorded(chip):
    path = FOLDER / f"{chip}.csv"
    if not path.is_file():
        pytest.skip(f"{path.name} is not recorded here")
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@cache
def rows_of(chip):
    return validate(chip).rows


@pytest.mark.parametrize("chip", [pytest.param(chip, marks=[pytest.mark.slow] * (chip == "scnn")) for chip in CHIPS])
def test_the_evidence_is_what_is_said_now(chip):
    before = {(row["name"], row["quantity"], row["unit"]): row for row in recorded(chip)}
    now = {(row.name, row.quantity, row.unit): row for row in rows_of(chip)}
    assert set(now) <= set(before)
    moved = {}
    for key, row in now.items():
        if row.simulated is None and not os.environ.get(ENVIRONMENT):
            continue  # its layers are described in files that are not here
        was = before[key]["simulated"]
        same = row.simulated is None if was == "" else row.simulated == pytest.approx(float(was), rel=SLACK_PCT / 100)
        if not same or before[key]["verdict"] != row.verdict:
            moved[key] = (was, row.simulated, before[key]["verdict"], row.verdict)
    assert moved == {}


@pytest.mark.parametrize("chip", QUICK)
def test_no_error_grows(chip):
    before = {(row["name"], row["quantity"], row["unit"]): row for row in recorded(chip)}
    now = {(row.name, row.quantity, row.unit): row for row in rows_of(chip)}
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
