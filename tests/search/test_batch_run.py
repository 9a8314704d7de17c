"""Many assignments at once are the single ones, row by row."""

import numpy as np

from simulator.api import simulate
from simulator.search.evaluate import Evaluator


def test_rows_are_those_of_runs():
    evaluator = Evaluator("resnet18_int8", "edge_like_32")
    bits = np.random.default_rng(0).integers(2, 9, (3, len(evaluator.mac_layers), 2))
    together = evaluator._evaluate(bits)
    for i, trial in enumerate(bits):
        graph = evaluator.graph.with_precisions(evaluator.precisions(trial))
        layers = simulate(graph, "edge_like_32", fidelity="bandwidth").layers
        assert together.cycles[i].tolist() == [layer.cycles for layer in layers]
        moved = [layer.dram["read_bytes"] + layer.dram["write_bytes"] for layer in layers]
        assert together.dram_bytes[i].tolist() == moved
        assert np.allclose(together.energy_pj[i], [layer.total_energy_pj for layer in layers], rtol=1e-12)
        alone = Evaluator("resnet18_int8", "edge_like_32")._evaluate(trial[None])
        assert alone.energy_pj[0].tolist() == together.energy_pj[i].tolist()
