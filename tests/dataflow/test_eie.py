import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.dataflow.eie import PE_CYCLE_NAMES, plan_blocks, plan_layer, run_columns, run_plan
from simulator.dataflow.eie_hardware import EieHardware
from simulator.dataflow.eie_matrix import store_matrix
from simulator.errors import ArchitectureError, MappingError, WorkloadError
from tests.dataflow.eie_cases import layers, memories
from tests.oracle.eie_oracle import run_eie


def ceil_div(a, b):
    return -(-a // b)


@given(layer=layers(), registers=st.integers(1, 5), depth=st.integers(2, 5))
def test_batches_are_the_oracles_one_behind_the_other(layer, registers, depth):
    codes, bias, activations, pes = layer
    hardware = EieHardware(pes=pes, activation_registers_per_pe=registers, queue_depth=depth)
    run = run_plan(plan_layer(codes, hardware, bias=bias), activations, hardware)
    step = registers * pes
    sources = [slice(i, min(i + step, codes.shape[1])) for i in range(0, codes.shape[1], step)]
    blocks = [slice(i, min(i + step, codes.shape[0])) for i in range(0, codes.shape[0], step)]
    several = len(sources) * len(blocks) > 1
    cycles = broadcasts = words = 0
    for rows in blocks:
        for source in sources:
            last = source is sources[-1]
            part = None if bias is None or not last else bias[rows]
            expected = run_eie(
                memories(codes[rows, source], part, pes, 4),
                activations[source].tolist(),
                depth=depth,
                has_bias=part is not None,
            )
            loaded, kept = source.stop - source.start, (rows.stop - rows.start) * last
            cycles += expected["cycles"] + several * (ceil_div(loaded, pes) + ceil_div(kept, pes))
            broadcasts += expected["broadcasts"]
            words += several * (loaded + kept)
    assert (run.cycles, run.broadcasts, run.activation_sram_words) == (cycles, broadcasts, words)
    assert run.batches == len(sources) * len(blocks)
    assert sum(run.pe_cycles.values()) == pes * run.cycles
    assert tuple(run.pe_cycles) == PE_CYCLE_NAMES


@given(layers())
def test_work_is_conserved_over_batches(layer):
    codes, bias, activations, pes = layer
    one = run_columns(store_matrix(codes, pes, bias=bias), activations, EieHardware(pes=pes))
    hardware = EieHardware(pes=pes, activation_registers_per_pe=2)
    many = run_plan(plan_layer(codes, hardware, bias=bias), activations, hardware)
    assert many.pe_cycles["useful"] == one.pe_cycles["useful"]
    assert many.pe_cycles["padding"] <= one.pe_cycles["padding"]
    assert many.cycles >= one.cycles


def test_one_batch_is_the_law_alone():
    mask = np.eye(128, dtype=bool)
    hardware = EieHardware()
    plan = plan_layer(mask, hardware)
    assert len(plan.batches) == 1
    assert run_plan(plan, np.ones(128)).cycles == run_columns(store_matrix(mask, 64), np.ones(128)).cycles
    assert plan.reload_bits == 0


def test_pointers_and_weight_memory_cut_batches():
    mask = np.ones((8, 10), dtype=bool)
    narrow = EieHardware(pes=2, pointer_bits=3)  # 7 entries a batch and PE, 4 a column: one column each
    assert [batch.first_input for batch in plan_layer(mask, narrow).batches] == list(range(10))
    few = EieHardware(pes=2, pointer_sram_kib_per_pe=1, pointer_bits=62)  # 132 pointers
    wide = np.ones((2, 300), dtype=bool)
    assert [batch.matrix.inputs for batch in plan_layer(wide, few).batches] == [128, 128, 44]
    plan = plan_layer(wide, few)
    assert plan.reload_bits == 600 * 8 + 2 * 303 * 62
    with_bias = plan_layer(wide, few, bias=[1, 1])
    assert [batch.matrix.has_bias for batch in with_bias.batches] == [False, False, True]


def test_what_no_batching_can_fit_is_named():
    with pytest.raises(MappingError, match="column 0 takes 1025 entries on one PE, but at most 1024"):
        plan_layer(
            np.ones((1025, 1), bool), EieHardware(pes=1, weight_sram_kib_per_pe=1, activation_registers_per_pe=2000)
        )
    with pytest.raises(MappingError, match=r"70000 inputs and 4 outputs take 1095 activations a PE.*holds 1024"):
        plan_layer(np.eye(4, 70000, dtype=bool))


def test_a_bias_shares_the_last_batch():
    block = store_matrix(np.ones((8, 4), bool), 2, bias=np.ones(8, bool))
    plan = plan_blocks([block], [8], EieHardware(pes=2, pointer_bits=4))  # 15 entries: 3 columns of 4, or 2 and a bias
    assert [(batch.first_input, batch.matrix.entries.shape[0]) for batch in plan.batches] == [(0, 3), (3, 2)]


def test_a_bias_that_does_not_fit_pushes_a_column_on():
    block = store_matrix(np.ones((8, 3), bool), 2, bias=np.ones(8, bool))  # 12 entries a PE, 16 with the bias
    plan = plan_blocks([block], [8], EieHardware(pes=2, pointer_bits=4))
    assert [(batch.first_input, batch.matrix.entries.shape[0]) for batch in plan.batches] == [(0, 2), (2, 2)]


def test_bad_input_is_named():
    matrix = store_matrix(np.eye(4, dtype=bool), 2)
    with pytest.raises(ArchitectureError, match="pes = 64, but the matrix is stored on 2"):
        run_columns(matrix, np.ones(4))
    with pytest.raises(WorkloadError, match=r"shape \[3\]; give 4"):
        run_columns(matrix, np.ones(3), EieHardware(pes=2))
    with pytest.raises(WorkloadError, match="2 axes"):
        plan_layer(np.ones(5, bool))
