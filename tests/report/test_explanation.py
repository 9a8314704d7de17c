"""One layer in words."""

from dataclasses import replace

import pytest

from simulator.errors import WorkloadError
from simulator.report.explanation import explain_layer
from tests.report.sample_results import layer, run, unmapped


def explained(name="conv", *layers):
    return "\n".join(explain_layer(run(*layers), name))


def test_a_busy_layer():
    text = explained()
    assert "1,000 cycles, 100.0 % of the run, bound by the array" in text
    assert "useful 600 (60.0 %), fill 100 (10.0 %)" in text
    assert "Utilization 25.0 % of peak; 50.0 % of the products" in text
    assert "Waited 200 cycles (20.0 %): weights were not on chip yet." in text
    assert "DRAM bus was busy (bandwidth): 200 cycles" in text
    assert "at most 100 cycles (10.0 %)" in text
    assert "16.0 MAC a byte; the machine balances at 16.0" in text


def test_what_was_slower_than_the_array_is_named():
    slow = replace(layer(), bus_because={"banks.unified": 30, "psum_bus": 1200})
    text = explained("conv", slow)
    assert "Of these, 30 cycles because the ports of the banks of unified served the array slower" in text
    bound = replace(layer(), issue_cycles={"useful": 1, "fill": 0, "drain": 0, "imbalance": 0, "bus": 999})
    assert "bound by the buses and banks between its buffers and the array" in explained("conv", bound)
    assert text.index("1,200 cycles because the psum bus") < text.index("30 cycles")


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ({"weight": 5000}, "bound by its wait for the weight"),
        ({"fill": 5000}, "bound by fill"),
        ({"tail": 5000}, "bound by writing its last outputs back"),
    ],
)
def test_what_bounds_it_is_where_most_cycles_went(times, words):
    assert words in explained("conv", layer(**times))


def test_layers_that_have_no_line_of_their_own():
    assert explained("relu", replace(layer(), fused=("relu",))).startswith("relu runs fused behind conv")
    assert explained("flat") == "flat (reshape) is not timed: it renames data."
    assert "has no mapping: buffer too small" in explained("huge", unmapped())


def test_an_unknown_layer_is_answered_with_the_nearest():
    with pytest.raises(WorkloadError, match=r"'cnv'.*did you mean 'conv'"):
        explained("cnv")


def test_a_layer_that_stands_still_most_is_not_bound_by_its_array():
    """Useful 46 %, but 39 % for the weight and 10 % for the ifmap: together it waits longer than it works."""
    waiting = layer("q", useful=460, fill=50, weight=390, tail=0)
    waiting = replace(waiting, idle_cycles=waiting.idle_cycles | {"ifmap": 100}, cycles=1000)
    assert "bound by its wait for the weight" in explain_layer(run(waiting), "q")[0]
    working = layer("q", useful=460, fill=200, weight=300, tail=0)
    assert "bound by the array" in explain_layer(run(working), "q")[0]


def test_it_says_what_held_the_dram():
    held = {"bus": 150, "row_conflict": 0, "tfaw": 0, "refresh": 50, "tccd_l": 0, "turnaround": 0, "starvation": 0}
    text = explained("conv", replace(layer(), dram_late_because=held))
    assert "in 150 of them its data buses moved bursts (bandwidth).\n      in 50 of them it refreshed itself." in text
    assert "another row" not in text
    assert "of them" not in explained()
