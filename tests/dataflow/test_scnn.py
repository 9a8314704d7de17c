import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.dataflow.cnvlutin import Window
from simulator.dataflow.scnn import run_scnn
from simulator.dataflow.scnn_hardware import ScnnHardware
from simulator.dataflow.scnn_tiles import plan_scnn
from simulator.errors import WorkloadError
from tests.oracle import scnn_oracle, tandem_oracle


@st.composite
def layers(draw):
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    stride = draw(st.sampled_from([(1, 1), (1, 1), (2, 2), (1, 3), (2, 1)]))
    padding = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    channels, outputs = draw(st.integers(1, 3)), draw(st.integers(1, 6))
    height, width = (draw(st.integers(max(1, k - 2 * p), 7)) for k, p in zip(kernel, padding, strict=True))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dense = st.sampled_from([0.0, 0.3, 0.7, 1.0])
    activations = (rng.random((channels, height, width)) < draw(dense)) * rng.integers(1, 5, (channels, height, width))
    weights = (rng.random((outputs, channels, *kernel)) < draw(dense)) * rng.integers(
        1, 5, (outputs, channels, *kernel)
    )
    return weights, activations, Window(kernel, stride, padding)


@st.composite
def chips(draw):
    few = st.integers(1, 3)
    return ScnnHardware(
        pe_rows=draw(few),
        pe_columns=draw(few),
        activation_lanes=draw(few),
        weight_lanes=draw(few),
        banks=draw(st.integers(1, 5)),
        bank_queue_entries=draw(st.integers(1, 4)),
        accumulator_entries=draw(st.integers(9, 80)),
        least_group_outputs=draw(few),
        drain_per_cycle=draw(st.integers(1, 8)),
        stages=draw(few),
    )


@settings(max_examples=80)
@given(layer=layers(), hardware=chips())
def test_law_is_the_oracle_to_the_cycle_and_the_convolution_comes_out(layer, hardware):
    weights, activations, window = layer
    plan = plan_scnn(len(weights), activations.shape[1:], window, hardware)
    groups, useful, steps, vectors, sums = scnn_oracle.run(
        weights.tolist(), activations.tolist(), window.stride, window.padding, plan, hardware
    )
    assert_convolution(sums, weights, activations, window)
    run = run_scnn(weights, activations, window, hardware)
    drained = [plan.drain_cycles(i % plan.groups, hardware) for i in range(len(groups))]
    left = tandem_oracle.run([[max(group) for group in groups], drained], [2], [-1] * len(groups), -1)
    assert run.cycles == left[-1][-1] + hardware.stages - 1
    assert run.effectual_macs == useful
    assert (run.accesses["weight_fifo"].reads, run.accesses["input_ram"].reads) == (steps, vectors)
    assert run.accesses["accumulators"].writes == useful
    assert run.pe_cycles["padding"] == steps * hardware.lanes - useful
    idle = sum(len(group) * max(group) - sum(group) for group in groups)
    assert run.pe_cycles["imbalance"] == idle * hardware.lanes
    assert run.pe_cycles["bank_conflict"] == (sum(map(sum, groups)) - steps) * hardware.lanes
    assert sum(run.pe_cycles.values()) == hardware.multipliers * run.cycles


def assert_convolution(sums, weights, activations, window):
    padded = np.pad(activations, ((0, 0), *((p, p) for p in window.padding)))
    rows, columns = window.outputs(*activations.shape[1:])
    for k, kernel in enumerate(weights):
        for p in range(rows):
            for q in range(columns):
                top, left = p * window.stride[0], q * window.stride[1]
                seen = padded[:, top : top + window.kernel[0], left : left + window.kernel[1]]
                assert sums.get((k, p, q), 0) == int((seen * kernel).sum())


def test_density_one_takes_the_dense_twins_steps():
    run = run_scnn(np.ones((16, 8, 3, 3)), np.ones((8, 32, 32)), Window(padding=(1, 1)))
    assert int(run.pe_load.max()) == 2 * 8 * (4 * 4 // 4) * (8 * 9 // 4)  # two groups of eight outputs
    assert run.pe_cycles["imbalance"] == 0
    assert run.pe_cycles["bank_conflict"] < 0.03 * sum(run.pe_cycles.values())
    assert run.effectual_macs < run.dense_macs  # the edge's products with zeros of the padding are never made


def test_zeros_of_either_operand_save_cycles():
    rng = np.random.default_rng(0)
    weights, activations = np.ones((16, 16, 3, 3)), np.ones((16, 32, 32))
    pruned, sparse = weights * (rng.random(weights.shape) < 0.5), activations * (rng.random(activations.shape) < 0.4)
    dense = run_scnn(weights, activations, Window(padding=(1, 1)))
    half = run_scnn(pruned, activations, Window(padding=(1, 1)))
    both = run_scnn(pruned, sparse, Window(padding=(1, 1)))
    assert dense.cycles > 1.7 * half.cycles
    assert half.cycles > 1.3 * both.cycles


def test_small_planes_idle_pes_and_lanes():
    rng = np.random.default_rng(0)
    activations = rng.random((32, 13, 13)) < 0.5
    run = run_scnn(np.ones((64, 32, 3, 3)), activations, Window(padding=(1, 1)))
    assert (run.pe_load > 0).sum() == 49  # 13 columns in tiles of two
    assert run.pe_cycles["padding"] > run.pe_cycles["useful"]  # four lanes for two non-zeros of a tile


def test_a_single_bank_is_the_bottleneck():
    hardware = ScnnHardware(banks=1)
    run = run_scnn(np.ones((8, 4, 1, 1)), np.ones((4, 8, 8)), hardware=hardware)
    assert run.cycles >= 8 * 4
    assert run.pe_cycles["bank_conflict"] > run.pe_cycles["useful"]


def test_bad_input_is_named():
    with pytest.raises(WorkloadError, match="weights have 2 channels, activations 3"):
        run_scnn(np.ones((1, 2, 1, 1)), np.ones((3, 4, 4)))
    with pytest.raises(WorkloadError, match=r"weights are of shape \[2, 2\]"):
        run_scnn(np.ones((2, 2)), np.ones((3, 4, 4)))
