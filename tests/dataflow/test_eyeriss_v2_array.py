import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.dataflow.eyeriss_v2_array import EyerissV2Array, run_array
from simulator.dataflow.eyeriss_v2_pe import EyerissV2Pe, passes_of, run_pe
from simulator.errors import ArchitectureError, WorkloadError
from tests.oracle.eyeriss_v2_oracle import step_pass


@settings(max_examples=40)
@given(
    outputs=st.integers(1, 10),
    channels=st.integers(1, 8),
    pixels=st.integers(1, 9),
    clusters=st.integers(1, 4),
    pes=st.integers(1, 3),
    density=st.sampled_from([0.0, 0.2, 0.6, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_passes_barriers_and_clusters_are_the_oracles(*, outputs, channels, pixels, clusters, pes, density, seed):
    rng = np.random.default_rng(seed)
    weights = (rng.random((outputs, channels)) < density) * 2
    activations = (rng.random((pixels, channels)) < density) * 3
    pe = EyerissV2Pe(psums=4, weight_words=6, activation_entries=3)
    array = EyerissV2Array(pe, clusters, pes)
    run = run_array(weights, activations, array)
    blocks = -(-outputs // 4)
    stretches = np.array_split(np.arange(pixels), max(1, clusters // blocks))
    ends, macs = [0] * clusters, 0
    for item in passes_of(weights != 0, pe):
        block = weights[4 * item.block : 4 * item.block + 4, item.channels].tolist()
        for number, stretch in enumerate(stretches):
            times = []
            for i in range(pes):
                held = activations[stretch[i::pes], item.channels].tolist()
                stepped = step_pass(block, held, 2, 7, 4) if held else (0, [], 0, 0)
                times.append(stepped[0])
                macs += stepped[2]
            ends[(item.block * len(stretches) + number) % clusters] += max(times)
    assert (run.cycles, run.effectual_macs) == (max(ends), macs)
    assert sum(run.pe_cycles.values()) == array.multipliers * run.cycles


def test_one_cluster_of_one_pe_is_the_pe():
    rng = np.random.default_rng(0)
    weights, activations = rng.random((70, 40)) < 0.3, rng.random((20, 40)) < 0.5
    run, alone = (
        run_array(weights, activations, EyerissV2Array(clusters=1, pes_per_cluster=1)),
        run_pe(weights, activations),
    )
    assert (run.cycles, run.effectual_macs, run.batches) == (alone.cycles, alone.macs, alone.passes)


def test_density_one_is_the_dense_array_of_as_many_lanes():
    pe = EyerissV2Pe(stages=1, count_bits=None)
    array = EyerissV2Array(pe=pe, clusters=2, pes_per_cluster=3)
    run = run_array(
        np.ones((64, 12)), np.ones((6, 12)), array
    )  # a block of 32 outputs for each cluster, two pixels a PE
    assert run.cycles == 64 * 12 * 6 / (2 * 3 * 2)
    assert {cause for cause, count in run.pe_cycles.items() if count} == {"useful"}


def test_clusters_share_a_block_where_there_are_few():
    run = run_array(np.ones((32, 6)), np.ones((16 * 12 * 2, 6)))
    assert (run.pe_load == 2 * 6 * 16).all()
    assert run.pe_cycles["imbalance"] == 0


def test_bad_input_is_named():
    with pytest.raises(WorkloadError, match="weights have 2 channels, activations 3"):
        run_array(np.ones((1, 2)), np.ones((1, 3)))
    with pytest.raises(ArchitectureError, match="Eyeriss v2: clusters = 0"):
        EyerissV2Array(clusters=0)
