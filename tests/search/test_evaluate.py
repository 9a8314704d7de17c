"""Evaluations in a loop say what a run from scratch says, whatever was evaluated before."""

import numpy as np

from simulator.api import simulate
from simulator.search.evaluate import Evaluator

NETWORK, PRESET = "lenet5_int8", "gemmini_like_16"


def test_what_an_evaluator_keeps_changes_no_number():
    kept = Evaluator(NETWORK, PRESET)
    values = np.random.default_rng(0)
    for _ in range(4):
        bits = values.integers(2, 9, (len(kept.mac_layers), 2))
        found, anew = kept.evaluate(bits), Evaluator(NETWORK, PRESET).evaluate(bits)
        assert {name: found[name] for name in anew if name != "layer_cycles"} == {
            name: anew[name] for name in anew if name != "layer_cycles"
        }
        assert np.array_equal(found["layer_cycles"], anew["layer_cycles"])
        total = simulate(kept.graph.with_precisions(kept.precisions(bits)), PRESET).total
        assert (found["cycles"], found["dram_bytes"], found["macs"]) == (total.cycles, total.dram_bytes, total.macs)
        assert np.isclose(found["energy_pj"], total.energy_pj, rtol=1e-12)


def test_a_precision_made_once_belongs_to_one_tensor_and_one_width():
    evaluator = Evaluator(NETWORK, PRESET)
    layers = len(evaluator.mac_layers)
    for width in (4, 8, 4):
        precisions = evaluator.precisions(np.full((layers, 2), width))
        assert {precision.bits for precision in precisions.values()} == {width}
        for name, precision in precisions.items():
            assert precision.granularity == evaluator.graph.tensors[name].precision.granularity
