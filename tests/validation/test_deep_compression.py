"""Deep Compression's table."""

from pathlib import Path

import pytest

from simulator.errors import ArchitectureError
from simulator.validation.deep_compression import megabytes, validate_deep_compression


def test_every_network_has_its_four_rows():
    report = validate_deep_compression()
    assert [row.name.partition(",")[0] for row in report.rows] == ["AlexNet"] * 4 + ["VGG-16"] * 4
    assert {row.verdict for row in report.rows} <= {"pass", "fail"}


@pytest.mark.parametrize("name", ["AlexNet", "VGG-16"])
def test_each_step_is_smaller(name):
    raw, plain, coded = megabytes(name)
    assert raw / 20 > plain > coded > raw / 60


def test_options_it_has_not_are_refused():
    for options in ({"data": Path("x")}, {"queue_depth": 8}):
        with pytest.raises(ArchitectureError, match="leave it out"):
            validate_deep_compression(**options)
