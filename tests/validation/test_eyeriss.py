"""Eyeriss beside its silicon: which cells of the published tables are met, and which are red and stay so."""

from pathlib import Path

import pytest

from simulator.errors import ArchitectureError
from simulator.validation.eyeriss import validate_eyeriss


@pytest.fixture(scope="module")
def report():
    return validate_eyeriss()


def cells(report, network, quantity, unit=None):
    """Layer -> row."""
    return {
        row.name.removeprefix(f"{network} "): row
        for row in report.rows
        if row.quantity == quantity and row.name.startswith(f"{network} ") and "," not in row.name
        and unit in (None, row.unit)
    }  # fmt: skip


@pytest.mark.parametrize("quantity", ["active_pes", "glb", "processing_latency", "total_latency", "power"])
def test_alexnet_meets_its_targets(report, quantity):
    rows = cells(report, "AlexNet", quantity)
    assert len(rows) in (5, 6)
    assert {name for name, row in rows.items() if row.verdict != "pass"} == set()


def test_alexnet_dram_is_low_by_the_tables_rounding(report):
    rows = cells(report, "AlexNet", "dram")
    assert {name for name, row in rows.items() if row.verdict == "fail"} == {"total"}
    assert rows["total"].error_pct == pytest.approx(-6.19, abs=0.05)


def test_conv3_contradicts_its_published_mapping(report):
    row = next(row for row in report.rows if "table III" in row.name and row.quantity == "glb")
    assert row.simulated == pytest.approx(69.22, abs=0.01)
    assert row.verdict == "shown"


def test_vgg16_is_predicted(report):
    latency = cells(report, "VGG-16", "total_latency")
    red = {name for name, row in latency.items() if row.verdict == "fail"}
    assert red == {"conv1_2", "conv5_1", "conv5_2", "conv5_3"}
    assert abs(latency["total"].error_pct) < 3
    assert {row.verdict for row in cells(report, "VGG-16", "power").values()} == {"pass"}
    assert {row.verdict for row in cells(report, "VGG-16", "active_pes").values()} == {"pass"}


def test_vgg16_buffer_traffic_is_that_of_the_table_in_mib(report):
    in_mb, in_mib = (cells(report, "VGG-16", "glb", unit) for unit in ("MB", "MiB"))
    assert all(row.error_pct > 4 for row in in_mb.values())
    assert all(abs(row.error_pct) < 1.6 for row in in_mib.values())


def test_isca16_energies_of_products_and_registers_agree_to_the_printed_digit(report):
    rows = [row for row in report.rows if row.quantity in ("isca16_mac_energy", "isca16_rf_energy")]
    assert len(rows) == 16
    assert {row.verdict for row in rows} == {"pass"}


def test_the_profile_holds_what_the_fit_gives(report):
    scale = next(row for row in report.rows if row.quantity == "switching_energy_scale")
    always_on = next(row for row in report.rows if row.quantity == "always_on_power")
    assert scale.simulated == pytest.approx(1.0, abs=2e-3)
    assert always_on.simulated == pytest.approx(179.0, abs=0.5)


def test_leaving_a_layer_out_of_the_fit_moves_it_little(report):
    rows = cells(report, "AlexNet", "power_left_out_of_the_fit")
    assert len(rows) == 5
    assert max(abs(row.error_pct) for row in rows.values()) < 8


def test_it_takes_no_files():
    with pytest.raises(ArchitectureError, match=r"validate eyeriss --data x.csv: .* leave --data out"):
        validate_eyeriss(Path("x.csv"))
    with pytest.raises(ArchitectureError, match="--queue-depth 3"):
        validate_eyeriss(None, 3)
