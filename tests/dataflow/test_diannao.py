import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.dataflow.cambricon_x import run_cambricon_x, stream_cambricon_x
from simulator.dataflow.diannao import DianNaoHardware, run_diannao
from simulator.errors import ArchitectureError, WorkloadError
from tests.oracle import streamed_oracle

BITS = 2040  # a cycle: close to 250 GB/s at 0.98 GHz, and whole


@given(st.integers(1, 40), st.integers(1, 80), st.integers(1, 4))
def test_diannao_is_the_stepped_machine(outputs, inputs, positions):
    rng = np.random.default_rng(outputs * 100 + inputs)
    weights, values = rng.integers(-3, 4, (outputs, inputs)), rng.integers(-3, 4, (positions, inputs))
    hardware = DianNaoHardware(clock_hz=1e9, dram_bytes_per_second=BITS / 8 * 1e9)
    run = run_diannao(outputs, inputs, positions, hardware)
    machine = streamed_oracle.DianNao(weights.tolist(), values.tolist(), 16, 16, 16)
    tiles = streamed_oracle.cut(machine, outputs, inputs, positions, run.tiling)
    assert (run.cycles, run.work_cycles) == streamed_oracle.run(machine, tiles, BITS, 100, 5)


@given(
    outputs=st.integers(1, 40),
    inputs=st.integers(1, 600),
    positions=st.integers(1, 3),
    density=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_cambricon_x_from_dram_is_the_stepped_machine(outputs, inputs, positions, density, seed):
    rng = np.random.default_rng(seed)
    weights = (rng.random((outputs, inputs)) < density) * rng.integers(1, 9, (outputs, inputs))
    values = rng.integers(-3, 4, (positions, inputs))
    run = stream_cambricon_x(weights, positions, BITS / 8 * 1e9)
    machine = streamed_oracle.CambriconX(weights.tolist(), values.tolist(), 16, 256, 16)
    tiles = streamed_oracle.cut(machine, outputs, inputs, positions, run.tiling)
    assert (run.cycles, run.work_cycles) == streamed_oracle.run(machine, tiles, BITS, 100, 5)
    sums = values @ weights.T
    assert all(machine.sums[p, o] == sums[p, o] for p in range(positions) for o in range(outputs))
    assert run.work_cycles == run_cambricon_x(weights, positions).cycles - 5


@given(st.integers(1, 60), st.integers(1, 4), st.integers(1, 9))
def test_density_one_multiplies_as_long_as_diannao(outputs, segments, positions):
    ones = np.ones((outputs, 256 * segments))
    sparse, dense = stream_cambricon_x(ones, positions, 250e9), run_diannao(outputs, 256 * segments, positions)
    assert sparse.work_cycles == dense.work_cycles
    assert sparse.loaded_bytes >= outputs * 256 * segments * 3  # a value and its step


def test_a_layer_of_weights_used_once_waits_for_dram():
    run = run_diannao(4096, 9216, 1)
    weight_bytes = 2 * 4096 * 9216
    assert run.loaded_bytes >= weight_bytes
    assert run.cycles == pytest.approx(weight_bytes / 250e9 * 0.98e9, rel=0.02)  # as long as its weights take to come
    assert run.stored_bytes == 2 * 4096
    convolution = run_diannao(256, 1152, 784)
    assert convolution.cycles == pytest.approx(convolution.work_cycles, rel=0.02)


def test_bad_input_is_named():
    with pytest.raises(ArchitectureError, match="DianNao: outputs = 0"):
        DianNaoHardware(outputs=0)
    with pytest.raises(ArchitectureError, match="DianNao: dram_bytes_per_second = nan; give a positive bandwidth"):
        DianNaoHardware(dram_bytes_per_second=float("nan"))
    with pytest.raises(ArchitectureError, match="DianNao: positions = 0"):
        run_diannao(1, 1, 0)
    with pytest.raises(ArchitectureError, match="Cambricon-X: dram_bytes_per_second = 0"):
        stream_cambricon_x(np.ones((1, 1)), 1, 0)
    with pytest.raises(WorkloadError, match="outputs, inputs"):
        stream_cambricon_x(np.ones(3), 1, 1.0)
