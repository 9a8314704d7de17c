"""Proxies against simulated numbers."""

import numpy as np
import pytest

from simulator.errors import WorkloadError
from simulator.search.evaluate import Evaluator
from simulator.search.proxies import PROXIES, spearman, to_markdown, try_proxies


@pytest.fixture(scope="module")
def trial():
    return try_proxies("resnet18_int8", ["bitfusion", "int8_only_gpu_like"], samples=4, widths=(4, 8))


def test_four_bits_gain_on_a_flexible_array_and_next_to_nothing_on_an_int8_one(trial):
    w4a4, w8a8 = (trial.configurations.index(name) for name in ("w4a4", "w8a8"))
    flexible, fixed = trial.cycles[:, w8a8] / trial.cycles[:, w4a4]
    assert flexible > 2.0
    assert fixed < 1.2
    assert trial.proxies["bops"][w8a8] == 4 * trial.proxies["bops"][w4a4]


def test_numbers_are_the_evaluator_s(trial):
    evaluator = Evaluator("resnet18_int8", "bitfusion")
    bits = np.full((len(evaluator.mac_layers), 2), 4)
    assert evaluator.evaluate(bits)["cycles"] == trial.cycles[0, trial.configurations.index("w4a4")]


def test_a_proxy_without_differences_ranks_nothing(trial):
    assert trial.correlations["bitfusion", "flops", "cycles"] is None
    assert 0.5 < trial.correlations["bitfusion", "bops", "cycles"] <= 1.0


def test_misleading_pairs_mislead(trial):
    assert trial.misleading
    for pair in trial.misleading:
        assert pair.proxy_ratio < 0.98 < pair.measured_ratio
    assert [pair.proxy_ratio / pair.measured_ratio for pair in trial.misleading] == sorted(
        pair.proxy_ratio / pair.measured_ratio for pair in trial.misleading
    )


def test_the_page_holds_all_of_it(trial):
    page = to_markdown(trial)
    assert all(name in page for name in (*PROXIES, *trial.accelerators, "w4a4", "Worst misleading pairs"))


def test_ranks_with_ties():
    assert spearman([1, 2, 3, 4], [2, 4, 6, 8]) == pytest.approx(1.0)
    assert spearman([1, 2, 3], [3, 2, 1]) == pytest.approx(-1.0)
    assert spearman([1, 1, 2, 2], [1, 2, 3, 4]) == pytest.approx(0.894427191)
    assert spearman([1, 1], [1, 2]) is None


def test_empty_trials_are_refused():
    with pytest.raises(WorkloadError, match="at least one accelerator"):
        try_proxies("lenet5_int8", [])


def test_the_gain_of_narrow_widths_is_taken_apart(trial):
    assert [(gain.accelerator, gain.wide, gain.narrow) for gain in trial.gains] == [
        ("bitfusion", 8, 4),
        ("int8_only_gpu_like", 8, 4),
    ]
    fixed = trial.gains[1]
    assert fixed.cycles[0] == trial.cycles[1, trial.configurations.index("w8a8")]
    assert fixed.cycles[1] == trial.cycles[1, trial.configurations.index("w4a4")]
    assert "What narrow operands gain" in to_markdown(trial)
