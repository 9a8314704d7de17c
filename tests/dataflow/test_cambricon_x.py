import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.dataflow.cambricon_x import CambriconXHardware, run_cambricon_x
from simulator.errors import ArchitectureError, WorkloadError
from tests.oracle import cambricon_x_oracle


@given(
    outputs=st.integers(1, 9),
    inputs=st.integers(1, 30),
    positions=st.integers(1, 3),
    pes=st.integers(1, 4),
    lanes=st.integers(1, 4),
    candidates=st.integers(1, 12),
    stages=st.integers(1, 6),
    density=st.sampled_from([0.0, 0.2, 0.6, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_law_is_the_oracle_to_the_cycle(*, outputs, inputs, positions, pes, lanes, candidates, stages, density, seed):
    rng = np.random.default_rng(seed)
    weights = (rng.random((outputs, inputs)) < density) * rng.integers(1, 9, (outputs, inputs))
    values = rng.integers(-3, 4, (positions, inputs))
    hardware = CambriconXHardware(pes=pes, multipliers_per_pe=lanes, candidates=candidates, stages=stages)
    run = run_cambricon_x(weights, positions, hardware)
    cycles, sums, spent = cambricon_x_oracle.run(weights.tolist(), values.tolist(), pes, lanes, candidates, stages)
    assert sums == (values @ weights.T).tolist()
    assert run.cycles == cycles
    assert {cause: count for cause, count in run.pe_cycles.items() if count} == {c: n for c, n in spent.items() if n}
    assert sum(run.pe_cycles.values()) == pes * lanes * cycles


@given(st.integers(1, 40), st.integers(1, 600), st.integers(1, 5))
def test_density_one_takes_the_dense_twins_cycles(outputs, inputs, positions):
    hardware = CambriconXHardware(stages=1)
    words = sum(-(-min(256, inputs - first) // 16) for first in range(0, inputs, 256))
    run = run_cambricon_x(np.ones((outputs, inputs)), positions, hardware)
    assert run.cycles == positions * -(-outputs // 16) * words
    assert run.effectual_macs == run.dense_macs


def test_accesses_and_load():
    run = run_cambricon_x(np.ones((17, 256)), 2)
    assert run.accesses["weight_buffer"].reads == 2 * 17 * 16
    assert run.accesses["input_buffer"].reads == 2 * 2 * 16
    assert run.accesses["output_buffer"].writes == 2 * 2
    assert run.pe_load.tolist() == [2 * 32] + [2 * 16] * 15


def test_bad_input_is_named():
    with pytest.raises(ArchitectureError, match="Cambricon-X: pes = 0"):
        CambriconXHardware(pes=0)
    with pytest.raises(ArchitectureError, match=r"step_bits = 4 is too narrow .* 256 candidates; give 8 bits"):
        CambriconXHardware(step_bits=4)
    with pytest.raises(ArchitectureError, match="Cambricon-X: pes = 100000: 100000 units are more"):
        CambriconXHardware(pes=100_000)
    with pytest.raises(ArchitectureError, match="clock_hz = 0"):
        CambriconXHardware(clock_hz=0)
    with pytest.raises(WorkloadError, match=r"weights are of shape \[3\].*\[outputs, inputs\]"):
        run_cambricon_x(np.ones(3), 1)
    with pytest.raises(ArchitectureError, match="positions = 0"):
        run_cambricon_x(np.ones((1, 1)), 0)
