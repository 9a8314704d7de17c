"""ESE by ``simulate``: the engine's own cycles, step by step; the batch on its channels; matrices that do not fit."""

import numpy as np
import pytest

from simulator import simulate
from simulator.arch import load_accelerator
from simulator.dataflow.eie_matrix import store_matrix
from simulator.dataflow.ese import EseMatrix, run_ese
from simulator.dataflow.ese_hardware import EseHardware
from simulator.errors import ArchitectureError
from simulator.machines.ese import hardware_of
from simulator.workload.builder import GraphBuilder
from simulator.workload.masks import Masks
from simulator.workload.transforms.declare import declare_sparsity
from tests.result_contract import assert_contract


def lstm(*, steps=3, vectors=32, hidden=64, sparsity="balanced:32:0.25", op="lstm", directions=1):
    net = GraphBuilder("lstm")
    x = net.recurrent(net.input("x", (steps, vectors, 48)), hidden, op=op, directions=directions, name="rnn")
    return declare_sparsity(net.build(x), sparsity)


def product(rows=1, cols=70, inner=90, sparsity="0.2"):
    net = GraphBuilder("fc")
    return declare_sparsity(net.build(net.relu(net.gemm(net.input("x", (rows, inner)), cols, name="fc"))), sparsity)


def test_the_preset_is_the_published_engine():
    assert hardware_of(load_accelerator("ese")) == (EseHardware(), 1.0)
    slower = load_accelerator("ese", overrides=["dram.bandwidth_bytes_per_second=12.7e9"])
    hardware, share = hardware_of(slower)
    assert hardware.memory_bytes_per_cycle == 64
    assert share == pytest.approx(63.5 / 64)


def test_steps_of_a_recurrent_layer_are_the_engines_own():
    graph = lstm()
    result = simulate(graph, "ese", seed=4)
    assert_contract(result)
    masks = Masks(graph, 4)
    gates = [np.split(masks.mask(f"rnn.{name}")[0], 4) for name in ("weight", "recurrent")]
    inputs, states = ([store_matrix(part, 32) for part in parts] for parts in gates)
    vector_bytes, sequence = 32 * 2, []
    for step in range(3):
        before = 8 * step - 1 if step else None
        sequence += [EseMatrix(each, 64, extra_bytes=48 * vector_bytes * (i == 0)) for i, each in enumerate(inputs)]
        sequence += [EseMatrix(each, 64, 3, before, 64 * vector_bytes * (i == 3)) for i, each in enumerate(states)]
    own, layer = run_ese(sequence), result.layers[0]
    assert (layer.cycles, layer.pe_cycles) == (own.cycles, dict(own.pe_cycles))
    assert layer.mapping == {"matrices": 24, "rounds": 1}
    assert layer.macs == 3 * 32 * 4 * 64 * (48 + 64)
    assert layer.effectual_macs == layer.macs // 4


def test_a_step_waits_for_the_one_before():
    one, many = (simulate(lstm(steps=steps), "ese").total.cycles for steps in (1, 5))
    assert 4 * one < many <= 5 * one
    gru, rnn = (simulate(lstm(op=op), "ese").layers[0].mapping["matrices"] for op in ("gru", "rnn"))
    assert (gru, rnn) == (18, 6)
    both = simulate(lstm(directions=2), "ese").layers[0]
    assert both.mapping["matrices"] == 48


def test_vectors_share_the_channels_and_those_without_one_idle():
    part, full, more = (simulate(lstm(vectors=count), "ese").layers[0] for count in (8, 32, 33))
    assert part.cycles <= full.cycles < more.cycles
    assert part.pe_cycles["useful"] * 4 == full.pe_cycles["useful"]
    assert part.pe_cycles["imbalance"] >= 0.75 * part.cycles * 1024
    assert more.mapping["rounds"] == 2
    batch = simulate(product(), "ese", batch=32).layers[0]
    assert (batch.mapping["rounds"], batch.macs) == (1, 32 * 70 * 90)


def test_a_matrix_that_does_not_fit_its_slot_is_cut_into_columns():
    graph = product(inner=400, cols=96, sparsity="dense")
    whole = simulate(graph, "ese").layers[0]
    small = load_accelerator("ese", overrides=["buffers.weights.capacity_bytes=16384"])
    cut = simulate(graph, small).layers[0]
    assert whole.mapping["matrices"] == 1
    assert cut.mapping["matrices"] > 8
    assert cut.effectual_macs == whole.effectual_macs
    assert cut.dram["read_bytes"] > whole.dram["read_bytes"]  # a pointer more for each block
    tiny = load_accelerator("ese", overrides=["buffers.weights.capacity_bytes=4096"])
    with pytest.raises(ArchitectureError, match=r"a column of its weights takes \d+ bytes"):
        simulate(product(cols=9000, sparsity="dense"), tiny)


def test_denser_weights_take_longer_and_move_more():
    runs = [simulate(product(inner=300, cols=256, sparsity=str(density)), "ese").layers[0] for density in (0.1, 0.3, 1)]
    assert runs[0].cycles < runs[1].cycles < runs[2].cycles
    moved = [run.dram["read_bytes"] for run in runs]
    assert moved == sorted(moved)
    assert runs[2].effectual_macs == runs[2].macs
