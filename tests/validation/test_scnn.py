import pytest

from simulator.dataflow.scnn_hardware import ScnnHardware
from simulator.errors import ArchitectureError
from simulator.validation.pruned_networks import ALEXNET
from simulator.validation.scnn import break_even_density, dense_twin_cycles, network_rows, validate_scnn


def test_alexnet_within_twenty_percent_of_the_recalled_speedup():
    speedup, rows = network_rows("AlexNet", ALEXNET, ScnnHardware())
    assert abs(speedup / 2.37 - 1) < 0.2
    assert [row.name for row in rows[:2]] == ["AlexNet conv1", "AlexNet conv2"]
    shares = [row.simulated for row in rows if row.quantity == "pe_cycles_share"]
    assert sum(shares) == pytest.approx(100.0)
    assert rows[0].simulated < 1 < rows[1].simulated  # conv1 is nearly dense


@pytest.mark.slow
def test_all_networks_within_twenty_percent():
    rows = {row.name: row for row in validate_scnn().rows}
    for name in ("AlexNet", "VGG-16", "mean of both"):
        assert (rows[name].verdict, rows[name].tag) == ("pass", "recalled")
    assert (rows["GoogLeNet"].simulated, rows["GoogLeNet"].verdict) == (None, "shown")


def test_break_even_is_near_full_density():
    few = (ALEXNET[2],)
    found = break_even_density(few, ScnnHardware())
    assert 0.85 < found <= 1.0
    assert break_even_density(few, ScnnHardware(banks=8)) < found  # conflicts cost


def test_the_dense_twin_makes_every_product():
    hardware = ScnnHardware()
    for layer in ALEXNET:
        assert dense_twin_cycles(layer, hardware) * 1024 >= layer.macs


def test_bad_input_is_named(tmp_path):
    with pytest.raises(ArchitectureError, match="no file form of SCNN's layers"):
        validate_scnn(tmp_path)
    with pytest.raises(ArchitectureError, match="bank_queue_entries = 0"):
        validate_scnn(None, 0)
