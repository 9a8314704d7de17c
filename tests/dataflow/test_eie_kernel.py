import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.dataflow.eie import count_cycles, run_columns
from simulator.dataflow.eie_hardware import EieHardware
from simulator.dataflow.eie_matrix import EieMatrix, load_stored_layer, store_matrix
from tests.dataflow.eie_cases import layers, memories
from tests.oracle.eie_oracle import run_eie


@given(layer=layers(), depth=st.integers(1, 9), row_bits=st.sampled_from([8, 16, 64]), index_bits=st.integers(1, 4))
def test_law_is_the_oracle_to_the_cycle(layer, depth, row_bits, index_bits):
    codes, bias, activations, pes = layer
    hardware = EieHardware(pes=pes, queue_depth=depth, weight_row_bits=row_bits, index_bits=4)
    matrix = store_matrix(codes, pes, index_bits=index_bits, bias=bias)
    run = run_columns(matrix, activations, hardware)
    expected = run_eie(
        memories(codes, bias, pes, index_bits),
        activations.tolist(),
        depth=depth,
        entries_per_row=row_bits // 8,
        has_bias=bias is not None,
    )
    found = {name: getattr(run, name) for name in expected if name != "pe_entries"}
    assert found == {name: value for name, value in expected.items() if name != "pe_entries"}
    assert run.pe_entries.tolist() == expected["pe_entries"]
    assert sum(run.pe_cycles.values()) == pes * run.cycles
    assert count_cycles(matrix, activations, hardware) == run.cycles


@given(layer=layers(), depth=st.integers(1, 6))
def test_deeper_queues_never_add_cycles_and_bounds_hold(layer, depth):
    codes, bias, activations, pes = layer
    matrix = store_matrix(codes, pes, bias=bias)
    cycles = [count_cycles(matrix, activations, EieHardware(pes=pes, queue_depth=d)) for d in (depth, depth + 1, 99)]
    assert cycles == sorted(cycles, reverse=True)
    run = run_columns(matrix, activations, EieHardware(pes=pes, queue_depth=depth))
    assert run.cycles >= run.pe_entries.max(initial=0) + 7
    assert run.cycles >= run.broadcasts + run.bubbles + 6


@given(st.integers(1, 8), st.integers(1, 20), st.integers(1, 9), st.integers(3, 8))
def test_density_one_is_the_dense_array_of_as_many_pes(rows_per_pe, inputs, pes, depth):
    matrix = store_matrix(np.ones((rows_per_pe * pes, inputs), dtype=bool), pes)
    run = run_columns(matrix, np.ones(inputs), EieHardware(pes=pes, queue_depth=depth))
    assert run.cycles == inputs * rows_per_pe + 8  # pipeline and first pop; a queue of one would break the stream
    assert run.pe_cycles["useful"] == pes * inputs * rows_per_pe
    assert run.pe_cycles["imbalance"] == run.pe_cycles["padding"] == run.pe_cycles["empty_column"] == 0


def test_the_real_layer_to_the_cycle(reference_dir):
    matrix, nonzero = load_stored_layer(reference_dir / "eie" / "alex8.npz")
    run = run_columns(matrix, nonzero)
    assert (run.cycles, run.pointer_reads, run.weight_row_reads) == (7926, 112_640, 100_900)
    assert run.broadcasts == 1760
    assert run.bubbles == 46 + 1  # the last one behind the bias
    assert run.time_s == pytest.approx(9.9075e-6)
    widths = {bits: run_columns(matrix, nonzero, EieHardware(weight_row_bits=bits)) for bits in (32, 128, 256, 512)}
    assert [wide.weight_row_reads for wide in widths.values()] == [158_921, 60_396, 32_551, 16_468]
    assert {wide.cycles for wide in widths.values()} == {7926}


def test_long_columns_take_the_wide_records_with_the_same_law():
    entries = np.array([[3, 1], [0, 2], [5, 5]], dtype=np.int64)
    narrow = EieMatrix(entries, np.zeros_like(entries), 3)
    wide = EieMatrix(np.vstack((entries, [[1 << 31, 0]])), np.zeros((4, 2), dtype=np.int64), 4)
    assert (narrow.work.dtype, narrow.cycle_type, wide.work.dtype, wide.cycle_type) == (
        np.uint8,
        np.int32,
        np.int64,
        np.int64,
    )
    hardware = EieHardware(pes=2)
    short, long = run_columns(narrow, [1, 1, 1], hardware), run_columns(wide, [1, 1, 1, 1], hardware)
    assert run_columns(wide, [1, 1, 1, 0], hardware).pe_entries.tolist() == short.pe_entries.tolist()
    assert long.cycles == short.cycles + (1 << 31)


@pytest.mark.parametrize("most", [255, 256])
def test_entries_at_the_edge_of_a_narrow_type_keep_the_law(most):
    entries = np.array([[most, 1], [0, 2], [most, 5]], dtype=np.int64)
    matrix = EieMatrix(entries, np.zeros_like(entries), 3)
    assert matrix.work.dtype == (np.uint8 if most < 256 else np.int32)
    run = run_columns(matrix, [1, 1, 1], EieHardware(pes=2))
    assert run.cycles == 2 * most + 1 + 8
    assert run.weight_row_reads == 65  # 64 rows side by side; the other PE takes its 8 entries from one
    assert matrix.begins.tolist() == [[0, 0], [most, 1], [most, 3]]


def test_depths_order_the_real_layer(reference_dir):
    matrix, nonzero = load_stored_layer(reference_dir / "eie" / "alex8.npz")
    cycles = [count_cycles(matrix, nonzero, dataclasses.replace(EieHardware(), queue_depth=2**i)) for i in range(9)]
    assert cycles == sorted(cycles, reverse=True)
    assert cycles[-1] > 7763  # the busiest PE's entries
