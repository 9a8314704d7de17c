import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.dataflow.eyeriss_v2_pe import PRESETS, EyerissV2Pe, passes_of, preset, run_pe
from simulator.errors import ArchitectureError, WorkloadError
from tests.oracle.eyeriss_v2_oracle import compressed_column, step_pass


@st.composite
def layers(draw):
    outputs, channels, pixels = draw(st.integers(1, 40)), draw(st.integers(1, 12)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.0, 0.05, 0.3, 1.0]))
    weights = (rng.random((outputs, channels)) < density) * rng.integers(-8, 9, (outputs, channels))
    activations = (rng.random((pixels, channels)) < draw(st.sampled_from([0.0, 0.3, 1.0]))) * 3
    return weights, activations


def matters(found, expected, passes):
    return (found.cycles, found.macs, found.padding_entries, found.passes) == (*expected, passes)


@given(layer=layers(), lanes=st.integers(1, 3), stages=st.integers(1, 8), count_bits=st.sampled_from([None, 1, 2, 4]))
def test_one_pass_is_the_oracle_to_the_cycle_and_computes_the_product(layer, lanes, stages, count_bits):
    weights, activations = layer
    cycles, sums, macs, padding = step_pass(weights.tolist(), activations.tolist(), lanes, stages, count_bits)
    assert sums == (activations @ weights.T).tolist()
    pe = EyerissV2Pe(lanes=lanes, stages=stages, count_bits=count_bits)
    run = run_pe(weights, activations, pe, lift_limits=True)
    assert matters(run, (cycles, macs, padding), 1)
    assert run.cycles == run.issue_cycles + run.fill_cycles
    assert sum(run.pe_cycles.values()) == lanes * cycles
    assert (run.pe_cycles["useful"], run.pe_cycles["fill"]) == (macs, lanes * run.fill_cycles)
    assert run.pe_cycles["padding"] >= padding


@given(layer=layers(), lanes=st.integers(1, 2), held=st.integers(1, 6))
def test_passes_are_the_oracles_one_behind_the_other(layer, lanes, held):
    weights, activations = layer
    pe = EyerissV2Pe(lanes=lanes, psums=4, weight_words=held + 3, activation_entries=held)
    cycles = macs = padding = passes = 0
    for first in range(0, len(weights), 4):
        block = weights[first : first + 4].tolist()
        begin = 0
        while begin < weights.shape[1]:
            end, words = begin, 0
            while end < weights.shape[1] and end - begin < held:
                words += -(-len(compressed_column([row[end] for row in block], 4)) // lanes)
                if words > held + 3:
                    break
                end += 1
            part = step_pass([row[begin:end] for row in block], activations[:, begin:end].tolist(), lanes, 7, 4)
            cycles, macs, padding, passes = cycles + part[0], macs + part[2], padding + part[3], passes + 1
            begin = end
    assert matters(run_pe(weights, activations, pe), (cycles, macs, padding), passes)


@given(layers())
def test_two_lanes_are_between_half_and_all_of_one(layer):
    weights, activations = layer
    one = run_pe(weights, activations, EyerissV2Pe(lanes=1, stages=1), lift_limits=True).cycles
    two = run_pe(weights, activations, EyerissV2Pe(lanes=2, stages=1), lift_limits=True).cycles
    assert one / 2 <= two <= one
    ideal = run_pe(weights, activations, preset("eyeriss_v2_pe_1mac"))
    assert ideal.cycles == ideal.macs <= one


def test_dense_operands_give_dense_cycles():
    assert run_pe(np.ones((32, 8)), np.ones((5, 8)), preset("eyeriss_v2_pe_1mac")).cycles == 32 * 8 * 5


def test_real_layers_to_the_cycle(reference_dir):
    folder = reference_dir / "eyeriss_v2"
    masks = np.load(folder / "mobilenet_masks.npz", allow_pickle=False)
    for layer in json.loads((folder / "cycles.json").read_text())["layers"]:
        name, channels = layer["layer"], layer["C"]
        weights = np.unpackbits(masks[f"{name}_weights_mc"], axis=1, count=channels)
        activations = np.unpackbits(masks[f"{name}_iacts_pc"], axis=1, count=channels)
        ideal = run_pe(weights, activations, preset("eyeriss_v2_pe_1mac"), lift_limits=True)
        assert ideal.cycles == layer["cycles"]
        assert layer["cycles"] / 2 < run_pe(weights, activations).cycles < layer["cycles"]


def test_the_published_scratchpads():
    pe = PRESETS["eyeriss_v2_pe"]
    assert (pe.lanes, pe.stages, pe.weight_words, pe.activation_entries, pe.psums) == (2, 7, 96, 16, 32)
    assert run_pe(np.ones((33, 17)), np.ones((1, 17))).passes == 3 + 2  # 6 columns of 16 words; 16 of one


def test_bad_input_is_named():
    with pytest.raises(WorkloadError, match="weights have 3 channels, activations 2"):
        run_pe(np.ones((2, 3)), np.ones((2, 2)))
    with pytest.raises(WorkloadError, match=r"weights are of shape \[3\]"):
        run_pe(np.ones(3), np.ones((2, 3)))
    with pytest.raises(ArchitectureError, match="lanes = 0"):
        EyerissV2Pe(lanes=0)
    with pytest.raises(ArchitectureError, match="count_bits = 0"):
        EyerissV2Pe(count_bits=0)
    with pytest.raises(ArchitectureError, match="psums = 400 take columns of up to 200 words"):
        EyerissV2Pe(psums=400)
    with pytest.raises(ArchitectureError, match="did you mean 'eyeriss_v2_pe'"):
        preset("eyeriss_v2pe")


def test_passes_of_a_block_hold_views_of_one_array():
    """Each kept a copy of the whole block's counts: 105 GB on VGG-16's first fully connected layer."""
    first, second = list(passes_of(np.ones((32, 12), dtype=bool), EyerissV2Pe()))
    for name in ("words", "useful", "padding"):
        assert getattr(first, name).base is getattr(second, name).base is not None
