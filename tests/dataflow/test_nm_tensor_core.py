import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.dataflow.nm_tensor_core import NmTensorCoreHardware, Pattern, run_nm_tensor_core
from simulator.errors import ArchitectureError, WorkloadError
from tests.oracle import nm_oracle

SIZES = st.tuples(st.integers(1, 9), st.integers(1, 14), st.integers(1, 9))


def chips(draw):
    names = ("multiprocessors", "macs_per_cycle", "block_rows", "block_cols", "block_inner", "buffers")
    small = {name: draw(st.integers(1, 5)) for name in names}
    return NmTensorCoreHardware(**small, operand_bytes_per_cycle=draw(st.integers(1, 16)))


@settings(max_examples=60)
@given(sizes=SIZES, n=st.integers(1, 4), more=st.integers(0, 4), data=st.data())
def test_law_is_the_oracle_to_the_cycle(sizes, n, more, data):
    hardware = chips(data.draw)
    run = run_nm_tensor_core(sizes, Pattern(n, n + more), hardware)
    cycles, busy = nm_oracle.run(sizes, n, n + more, hardware)
    assert run.cycles == cycles
    assert run.pe_load.tolist() == busy
    assert sum(run.pe_cycles.values()) == hardware.multipliers * cycles
    assert run.effectual_macs == sizes[0] * len(nm_oracle.kept_of(sizes[1], n, n + more)) * sizes[2]


def test_a_group_cut_short_by_the_reduction_fetches_no_activation_twice():
    """3:6 over three places, a place a step, four columns: the steps choose from two, one and no new activations.

    Fetches of 3 + 16, 3 + 8 and 3 bytes end at 19, 30 and 33, products of 4 cycles at 23, 34 and 38; 8 bytes leave by
    46.
    """
    hardware = NmTensorCoreHardware(multiprocessors=1, macs_per_cycle=1, block_inner=1, operand_bytes_per_cycle=1)
    run = run_nm_tensor_core((1, 3, 4), Pattern(3, 6), hardware)
    assert run.cycles == nm_oracle.run((1, 3, 4), 3, 6, hardware)[0] == 46


@given(SIZES, st.integers(1, 6))
def test_density_one_is_the_dense_array_whatever_the_group(sizes, m):
    dense = run_nm_tensor_core(sizes, Pattern(1, 1))
    assert run_nm_tensor_core(sizes, Pattern(m, m)).cycles == dense.cycles
    assert dense.effectual_macs == dense.dense_macs


def test_two_of_four_doubles_a_product_that_is_fed_well():
    sizes = (4096, 4096, 13824)
    dense, sparse = (run_nm_tensor_core(sizes, Pattern(n, 4)) for n in (4, 2))
    assert 1.9 < dense.cycles / sparse.cycles <= 2.0
    assert 0.9 * 311.9e12 < dense.dense_ops_per_second <= 312e12
    assert 0.9 * 623.7e12 < sparse.dense_ops_per_second <= 624e12


def test_activations_that_are_not_halved_hold_a_starved_array_back():
    chip = NmTensorCoreHardware(multiprocessors=1, operand_bytes_per_cycle=24)
    dense, sparse = (run_nm_tensor_core((128, 8192, 128), Pattern(n, 4), chip) for n in (4, 2))
    assert dense.cycles / sparse.cycles < 1.4
    assert sparse.pe_cycles["starvation"] > sparse.pe_cycles["useful"] / 3


def test_multiprocessors_without_a_block_are_loaded_with_nothing():
    run = run_nm_tensor_core((256, 64, 128), Pattern(2, 4))
    assert run.pe_load.size == 108
    assert (run.pe_load > 0).tolist() == [True, True] + [False] * 106


def test_masks_are_held_to_the_pattern():
    mask = np.array([[1, 0, 1, 0, 1, 1], [0, 0, 0, 1, 0, 1]])
    assert run_nm_tensor_core((2, 6, 3), Pattern(2, 4), weights=mask).effectual_macs == 6 * 3
    with pytest.raises(WorkloadError, match="row 0, group 0 keeps 2 of 4, but the pattern is 1:4"):
        run_nm_tensor_core((2, 6, 3), Pattern(1, 4), weights=mask)
    with pytest.raises(WorkloadError, match=r"shape \[2, 6\]; give \[2, 5\]"):
        run_nm_tensor_core((2, 5, 3), Pattern(2, 4), weights=mask)


def test_bad_input_is_named():
    for n, m in ((3, 2), (0, 4), (1, 300)):
        with pytest.raises(ArchitectureError, match=f"n = {n}, m = {m}"):
            Pattern(n, m)
    with pytest.raises(ArchitectureError, match="inner = 0"):
        run_nm_tensor_core((1, 0, 1), Pattern(2, 4))
    with pytest.raises(ArchitectureError, match="buffers = 0"):
        NmTensorCoreHardware(buffers=0)
