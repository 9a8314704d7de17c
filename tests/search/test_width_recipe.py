"""Works filled in for many widths equal those of binding each."""

import numpy as np
import pytest

from simulator.arch import load_accelerator
from simulator.dataflow.binding import bind
from simulator.energy import price_list
from simulator.search.evaluate import Evaluator
from simulator.search.width_recipe import WidthRecipe, beat_pj
from tests.workload.networks import every_layer_kind


@pytest.mark.parametrize("preset", ["tpu_like_128", "bitfusion", "unpu_like"])
@pytest.mark.parametrize("workload", [every_layer_kind, lambda: "mobilenet_v2_int8", lambda: "vit_tiny_int8"])
def test_every_field_of_every_work(workload, preset):
    evaluator = Evaluator(workload(), preset, batch=2)
    layers, machine = len(evaluator.mac_layers), load_accelerator(preset)
    trials = np.random.default_rng(0).integers(1, 9, (3, layers, 2))
    bits = np.zeros((3, len(evaluator.tensors)), np.int64)
    bound = []
    for i, trial in enumerate(trials):
        chosen = evaluator.precisions(trial)
        bits[i] = [chosen[name].bits for name in evaluator.tensors]
        bound.append(bind(evaluator.graph.with_precisions(chosen), machine, batch=2))
    recipe = WidthRecipe(evaluator.graph, machine, bound[0], evaluator.tensors, price_list(machine))
    works, mac_pj = recipe.works(bits, bits[0])
    for i, network in enumerate(bound):
        for field in network.works.dtype.names:
            assert works[i][field].tolist() == network.works[field].tolist(), field
        assert recipe.agrees_with(works[i], mac_pj[i], network)
        assert mac_pj[i].tolist() == [beat_pj(evaluator.prices, one) for one in network.multipliers]
    assert not recipe.agrees_with(works[1], mac_pj[1], bound[2])
