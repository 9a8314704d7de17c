import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.dataflow.cnvlutin import CnvlutinHardware, Window, run_cnvlutin
from simulator.errors import ArchitectureError, WorkloadError
from tests.oracle import cnvlutin_oracle


@st.composite
def layers(draw):
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    padding = draw(st.tuples(st.integers(0, 1), st.integers(0, 1)))
    window = Window(kernel, draw(st.tuples(st.integers(1, 2), st.integers(1, 2))), padding)
    channels, outputs = draw(st.integers(1, 9)), draw(st.integers(1, 5))
    height, width = (draw(st.integers(max(1, k - 2 * p), 5)) for k, p in zip(kernel, padding, strict=True))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.0, 0.3, 0.7, 1.0]))
    activations = (rng.random((channels, height, width)) < density) * rng.integers(1, 5, (channels, height, width))
    return activations, rng.integers(-3, 4, (outputs, channels, *kernel)), window


@given(layer=layers(), lanes=st.integers(1, 4), brick=st.integers(1, 5), units=st.integers(1, 3))
def test_law_is_the_oracle_to_the_cycle(layer, lanes, brick, units):
    activations, weights, window = layer
    hardware = CnvlutinHardware(units=units, filters_per_unit=2, lanes=lanes, brick=brick, stages=3)
    run = run_cnvlutin(activations, len(weights), window, hardware)
    cycles, _, spent = cnvlutin_oracle.run(
        activations.tolist(),
        weights.tolist(),
        window.kernel,
        window.stride,
        window.padding,
        filters=2 * units,
        lanes=lanes,
        brick=brick,
        stages=3,
    )
    assert run.cycles == cycles
    assert {cause: count for cause, count in run.pe_cycles.items() if count} == {c: n for c, n in spent.items() if n}
    assert sum(run.pe_cycles.values()) == run.multipliers * cycles


@given(layers())
def test_the_oracle_computes_the_convolution(layer):
    activations, weights, window = layer
    _, sums, _ = cnvlutin_oracle.run(
        activations.tolist(),
        weights.tolist(),
        window.kernel,
        window.stride,
        window.padding,
        filters=4,
        lanes=2,
        brick=3,
        stages=1,
    )
    padded = np.pad(activations, ((0, 0), *((p, p) for p in window.padding)))
    for (k, top, left), total in sums.items():
        rows, columns = top + window.padding[0], left + window.padding[1]
        seen = padded[:, rows : rows + window.kernel[0], columns : columns + window.kernel[1]]
        assert total == int((seen * weights[k]).sum())
    assert len(sums) == len(weights) * np.prod(window.outputs(*activations.shape[1:]))


@given(st.integers(1, 3), st.integers(1, 2), st.integers(1, 3))
def test_density_one_takes_dadiannaos_cycles_where_bricks_fill_the_lanes(blocks, kernel, groups):
    hardware = CnvlutinHardware(stages=1)
    activations = np.ones((256 * blocks, kernel + 1, kernel))
    run = run_cnvlutin(activations, 256 * groups, Window((kernel, kernel)), hardware)
    assert run.cycles == 2 * groups * kernel * kernel * 256 * blocks // 16
    assert run.effectual_macs == run.dense_macs == run.cycles * 4096


def test_accesses_count_what_is_not_zero():
    mask = np.zeros((32, 1, 1))
    mask[:3] = 1
    run = run_cnvlutin(mask, 300)
    assert run.accesses["activation_buffer"].reads == 2 * (3 + 1)
    assert run.accesses["activation_buffer"].word_bits == 16 + 4
    assert run.accesses["weight_buffer"].reads == 2 * 3 * 16
    assert run.pe_load[:3].tolist() == [6, 2, 0]


def test_bad_input_is_named():
    with pytest.raises(ArchitectureError, match="Cnvlutin: lanes = 0"):
        CnvlutinHardware(lanes=0)
    with pytest.raises(WorkloadError, match=r"activations are of shape \[2, 2\]"):
        run_cnvlutin(np.ones((2, 2)), 1)
    with pytest.raises(WorkloadError, match=r"kernel 3 is larger than 2 \+ 2 x 0"):
        run_cnvlutin(np.ones((1, 2, 2)), 1, Window((3, 3)))
    with pytest.raises(ArchitectureError, match="stride = 0"):
        Window(stride=(0, 1))
    with pytest.raises(ArchitectureError, match="padding = -1"):
        Window(padding=(-1, 0))
