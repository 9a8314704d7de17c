"""Zero gating: energy of multipliers and registers, never a cycle; density 1 is the dense run."""

import numpy as np
import pytest

from simulator.api import simulate
from simulator.arch import load_accelerator
from simulator.errors import ArchitectureError
from simulator.search.evaluate import evaluate_many
from simulator.workload import load_workload
from simulator.workload.transforms.declare import declare_sparsity

COUNTS = ("cycles", "issued_macs", "accesses", "dram", "issue_cycles", "idle_cycles")


def gated(*by, share=None, preset="gemmini_like_16"):
    overrides = [f'zero_gating.by=["{name}"]' if len(by) == 1 else f"zero_gating.by={list(by)}" for name in by[:1]]
    overrides = [override.replace("'", '"') for override in overrides]
    if share is not None:
        overrides.append(f"zero_gating.gated_share={share}")
    return load_accelerator(preset, overrides=overrides)


@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_zeros_change_energy_and_nothing_else(dataflow):
    options = {"sparsity": "0.5,activations=0.25", "dataflow": dataflow}
    dense, sparse = (
        simulate("lenet5_int8", "gemmini_like_16", **options),
        simulate("lenet5_int8", gated("ifmap"), **options),
    )
    for before, after in zip(dense.layers, sparse.layers, strict=True):
        assert all(getattr(before, name) == getattr(after, name) for name in COUNTS)
        assert after.energy_pj["mac"] == pytest.approx(before.energy_pj["mac"] * (0.25 if before.macs else 1))
        for component in ("noc", "glb", "dram", "vector", "static", "clock"):
            assert after.energy_pj[component] == before.energy_pj[component]
        if before.macs:
            assert 0.25 <= after.energy_pj["rf"] / before.energy_pj["rf"] < 0.7
            if dataflow == "os":  # a gated psum is neither read nor written
                assert after.energy_pj["rf"] == pytest.approx(0.25 * before.energy_pj["rf"])


def test_density_one_is_dense():
    for text in (None, "1.0,activations=1.0"):
        sparse = simulate("lenet5_int8", gated("ifmap", "weight"), sparsity=text)
        assert sparse.total == simulate("lenet5_int8", "gemmini_like_16").total


def test_both_operands_gate_and_a_share_may_be_left():
    dense = simulate("lenet5_int8", "gemmini_like_16").total.energy_by_component_pj["mac"]
    options = {"sparsity": "0.5,activations=0.5,c1.activations=dense,c1=dense"}
    half = {}
    for share in (None, 0.2):
        result = simulate("lenet5_int8", gated("ifmap", "weight", share=share), **options)
        half[share] = {layer.name: layer.energy_pj["mac"] for layer in result.layers}
    plain = {layer.name: layer.energy_pj["mac"] for layer in simulate("lenet5_int8", "gemmini_like_16").layers}
    assert half[None]["c3"] == pytest.approx(0.25 * plain["c3"])
    assert half[0.2]["c3"] == pytest.approx((0.25 + 0.75 * 0.2) * plain["c3"])
    assert half[None]["c1"] == plain["c1"]
    assert sum(half[None].values()) < dense


def test_the_result_says_what_is_gated():
    result = simulate("lenet5_int8", gated("weight", share=0.1), sparsity="0.5")
    assert (
        "gates multipliers and their registers where the weight is zero: energy, 10% of it left"
        in result.zeros["exploited"]
    )


@pytest.mark.parametrize(
    "override", ['zero_gating.by=["psum"]', 'zero_gating.by=["ifmap","ifmap"]', "zero_gating.gated_share=2"]
)
def test_nonsense_is_refused(override):
    with pytest.raises(ArchitectureError, match="zero_gating"):
        load_accelerator("gemmini_like_16", overrides=[override])


def test_other_arrays_say_it_themselves():
    with pytest.raises(ArchitectureError, match="leave zero_gating out"):
        load_accelerator("eie_64pe", overrides=['zero_gating.by=["ifmap"]'])


def test_the_evaluator_gates_alike():
    graph = declare_sparsity(load_workload("lenet5_int8"), "0.5,activations=0.25")
    found = evaluate_many(graph, gated("ifmap"), np.full((1, 5, 2), 8))
    assert found.energy_pj.sum() == pytest.approx(simulate(graph, gated("ifmap"), fidelity="bandwidth").total.energy_pj)
