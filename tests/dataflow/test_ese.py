import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.dataflow.eie_matrix import store_matrix
from simulator.dataflow.ese import EseMatrix, load_cycles, run_ese
from simulator.dataflow.ese_hardware import EseHardware
from simulator.errors import ArchitectureError, WorkloadError
from tests.dataflow.eie_cases import memories
from tests.oracle import ese_oracle


@st.composite
def steps(draw):
    pes, count = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    matrices = []
    for i in range(count):
        shape = draw(st.integers(1, 12)), draw(st.integers(1, 12))
        codes = (rng.random(shape) < draw(st.sampled_from([0.1, 0.5, 1.0]))) * rng.integers(1, 16, shape)
        after = draw(st.sampled_from([None, *range(i)]))
        matrices.append((codes, draw(st.integers(0, 3)), after, draw(st.integers(0, 40))))
    names = ("channels", "buffers", "vector_lanes", "memory_bytes_per_cycle")
    small = {name: draw(st.integers(1, 4)) for name in names}
    return matrices, EseHardware(pes=pes, queue_depth=draw(st.integers(1, 5)), **small)


@settings(max_examples=60)
@given(steps())
def test_law_is_the_oracle_to_the_cycle(case):
    matrices, hardware = case
    run = run_ese(
        [
            EseMatrix(store_matrix(codes, hardware.pes), len(codes), passes, after, extra)
            for codes, passes, after, extra in matrices
        ],
        hardware,
    )
    cycles, works = ese_oracle.run(
        [(memories(codes, None, hardware.pes, 4), len(codes), *rest) for codes, *rest in matrices], hardware
    )
    assert run.cycles == cycles
    assert sum(run.pe_cycles.values()) == hardware.multipliers * cycles
    for cause in ("useful", "padding", "empty_column", "imbalance"):
        assert run.pe_cycles[cause] == hardware.channels * sum(work["pe_cycles"][cause] for work in works)
    for cause in ("back_pressure", "starvation"):  # waits for memory come on top
        assert run.pe_cycles[cause] >= hardware.channels * sum(work["pe_cycles"][cause] for work in works)


def dense(rows, columns, **more):
    return EseMatrix(store_matrix(np.ones((rows, columns), dtype=bool), 32), rows, **more)


@pytest.mark.parametrize(("rows_per_pe", "columns"), [(1, 1), (2, 5), (3, 64), (4, 200)])
def test_density_one_is_the_dense_array_of_as_many_pes(rows_per_pe, columns):
    matrix = dense(32 * rows_per_pe, columns)
    run = run_ese([matrix])
    assert (
        run.cycles == load_cycles(matrix, EseHardware()) + rows_per_pe * columns + 8
    )  # pipeline and first pop, as EIE's
    assert {cause for cause, count in run.pe_cycles.items() if count} == {"useful", "fill"}
    assert run.effectual_macs == run.dense_macs == 32 * 32 * rows_per_pe * columns


def test_a_memory_that_is_too_slow_starves_the_pes():
    fast = run_ese([dense(64, 64)] * 4)
    slow = run_ese([dense(64, 64)] * 4, memory_efficiency=0.25)
    assert slow.cycles > 3 * fast.cycles
    assert slow.pe_cycles["starvation"] > fast.pe_cycles["starvation"]
    assert slow.effectual_macs == fast.effectual_macs == fast.dense_macs


def test_memory_words_are_as_many_as_the_fullest_pe_needs():
    mask = np.zeros((64, 4), dtype=bool)
    mask[0] = mask[32] = True  # both on PE 0
    matrix = EseMatrix(store_matrix(mask, 32), 64)
    assert load_cycles(matrix, EseHardware()) == 8 + 5
    assert load_cycles(matrix, EseHardware(), 0.5) == 2 * 13


def test_what_waits_for_an_earlier_matrix_waits_for_its_element_wise_work():
    free = run_ese([dense(64, 64, vector_operations=9), dense(32, 32)])
    bound = run_ese([dense(64, 64, vector_operations=9), dense(32, 32, after=0)])
    assert bound.cycles > free.cycles


def test_bad_input_is_named():
    with pytest.raises(WorkloadError, match="no matrix"):
        run_ese([])
    with pytest.raises(ArchitectureError, match="stored on 4 PEs, a channel has 32"):
        run_ese([EseMatrix(store_matrix(np.ones((4, 4), bool), 4), 4)])
    with pytest.raises(WorkloadError, match="matrix 0 waits for matrix 0"):
        run_ese([dense(32, 4, after=0)])
    with pytest.raises(ArchitectureError, match=r"memory_efficiency = 1\.5"):
        run_ese([dense(32, 4)], memory_efficiency=1.5)
