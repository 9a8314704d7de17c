"""Evaluations of a stack of assignments: parts that add up."""

import numpy as np

from simulator.search.evaluate import evaluate_many
from simulator.search.evaluations import Evaluations


def test_layers_and_others_add_up():
    found = evaluate_many("lenet5_int8", "tpu_like_128", np.full((2, 5, 2), 8))
    assert isinstance(found, Evaluations)
    for name in ("cycles", "dram_bytes"):
        parts = getattr(found, f"layer_{name}").sum(axis=1) + getattr(found, f"other_{name}")
        assert parts.tolist() == getattr(found, name).tolist()
