import numpy as np
import pytest

from simulator.dataflow.engine_checks import check_clock, check_counts, check_rate, check_units, read_mask
from simulator.errors import ArchitectureError, WorkloadError


def test_counts_are_whole_and_in_range():
    check_counts("engine", {"pes": 1})
    check_counts("engine", {"stages": 0}, least=0)
    for value in (0, True, 1.0, "2", (1 << 30) + 1):
        with pytest.raises(ArchitectureError, match="engine: pes = "):
            check_counts("engine", {"pes": value})
    for clock in (0.0, float("inf"), float("nan")):
        with pytest.raises(ArchitectureError, match="clock_hz"):
            check_clock("engine", clock)


def test_units_that_a_run_follows_one_by_one_are_few_enough():
    check_units("engine", {"rows": 256, "columns": 256})
    with pytest.raises(
        ArchitectureError, match="engine: rows = 256, columns = 257: 65792 units are more than the 65536"
    ):
        check_units("engine", {"rows": 256, "columns": 257})


def test_rates_are_positive_and_finite():
    check_rate("engine", "dram_bytes_per_second", 1, "bandwidth")
    for rate in (0, -1.0, float("inf"), float("nan"), True, "fast"):
        with pytest.raises(ArchitectureError, match=r"engine: dram_bytes_per_second = .*; give a positive bandwidth"):
            check_rate("engine", "dram_bytes_per_second", rate, "bandwidth")


def test_masks_are_numbers_of_the_named_axes():
    assert read_mask("engine", "weights", np.array([[0.5, 0.0]]), "outputs, inputs").tolist() == [[True, False]]
    for values in (np.ones(2), np.ones((0, 2)), np.array([["a"]])):
        with pytest.raises(WorkloadError, match=r"engine: weights are of shape .* give numbers of \[outputs, inputs\]"):
            read_mask("engine", "weights", values, "outputs, inputs")
