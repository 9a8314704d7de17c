"""The study of fidelities: its statistics by hand, its cases the same for the same seed."""

import numpy as np
import pytest
from numpy.random import default_rng

from benchmarks.fidelity_study import kendall_tau, markdown, random_accelerator, random_layer


def test_kendall_tau_by_hand():
    rising = np.array([1.0, 2.0, 3.0])
    assert kendall_tau(rising, rising * 7) == 1.0
    assert kendall_tau(rising, -rising) == -1.0
    assert kendall_tau(rising, np.array([1.0, 3.0, 2.0])) == pytest.approx(1 / 3)
    assert kendall_tau(rising, np.array([1.0, 1.0, 2.0])) == pytest.approx(2 / np.sqrt(6))  # tau-b of one tie


def test_a_seed_draws_the_same_cases():
    def drawn(seed):
        draw = default_rng(seed)
        return [(random_accelerator(draw, i), random_layer(draw)) for i in range(3)]

    assert drawn(5) == drawn(5)
    assert drawn(5) != drawn(6)


def test_the_page_shows_what_was_found():
    pair = {"ratio": 1.5, "layer": "gemm", "array": "8x8", "slots": 2, "dram": "hbm2", "bandwidth_bytes_per_cycle": 3.0}
    pair |= {"moved_per_payload": 1.0, "limiter": "compute", "row_hit_rate": 0.5}
    found = {"cases": 1, "seed": 0, "kendall_tau": 0.97, "target_tau": 0.95, "ratio_least": 1.0, "ratio_most": 1.5}
    found |= {"ratio_quantiles": {"a": 1.0, "b": 1.2, "c": 1.4}, "groups": {"slots 2": [1, 1.0, 1.2, 1.4, 1.5]}}
    page = markdown(found | {"pairs": [pair]})
    assert "**0.9700** (target 0.95)" in page
    assert "| slots 2 | 1 | 1.000 | 1.200 | 1.400 | 1.500 |" in page
    assert "| 1.500 | gemm | 8x8 | 2 | hbm2 |" in page
