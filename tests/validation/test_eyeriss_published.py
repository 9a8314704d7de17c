"""The tables as they were published."""

import csv

import pytest

from simulator.validation.eyeriss_published import ALEXNET, ALEXNET_TOTAL, VGG16, VGG16_TOTAL

COLUMNS = ("power_mw", "total_latency_ms", "processing_latency_ms", "active_pes", "glb_accesses_mb", "dram_accesses_mb")


@pytest.mark.parametrize(
    ("file", "rows"), [("alexnet.csv", (*ALEXNET, ALEXNET_TOTAL)), ("vgg16.csv", (*VGG16, VGG16_TOTAL))]
)
def test_they_are_the_references(file, rows, reference_dir):
    reference = list(csv.DictReader((reference_dir / "eyeriss" / file).read_text().splitlines()))
    assert [[float(row[name]) for name in COLUMNS] for row in reference] == [list(row[1:]) for row in rows]


@pytest.mark.parametrize(("rows", "total"), [(ALEXNET, ALEXNET_TOTAL), (VGG16, VGG16_TOTAL)])
def test_layers_add_up_to_the_total(rows, total):
    for field in ("total_ms", "processing_ms", "glb_mb", "dram_mb"):
        assert sum(getattr(row, field) for row in rows) == pytest.approx(getattr(total, field), rel=2e-3)
