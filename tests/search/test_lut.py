"""Latency tables: entries, sums, remainders, gradients."""

import numpy as np
import pytest

from simulator.api import simulate
from simulator.errors import ArchitectureError, WorkloadError
from simulator.search.evaluate import Evaluator
from simulator.search.lut import lut, tied_layers
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import INT8

LENET = 5


@pytest.fixture(scope="module")
def table():
    return lut("lenet5_int8", "tpu_like_128", wbits=(2, 4, 8), abits=(4, 8))


def test_one_pair_everywhere_adds_up_to_the_run_exactly(table):
    evaluator = Evaluator("lenet5_int8", "tpu_like_128")
    for i, w in enumerate(table.wbits):
        for j, a in enumerate(table.abits):
            bits = [(w, a)] * LENET
            graph = evaluator.graph.with_precisions(evaluator.precisions(bits))
            run = simulate(graph, "tpu_like_128", fidelity="bandwidth").total
            assert table.cycles[:, i, j].sum() + table.other_cycles[i, j] == run.cycles
            assert table.dram_bytes[:, i, j].sum() + table.other_dram_bytes[i, j] == run.dram_bytes
            energy_pj = table.energy_pj[:, i, j].sum() + table.other_energy_pj[i, j]
            assert energy_pj == pytest.approx(run.energy_pj, rel=1e-9)
            assert table.estimate(bits) == run.cycles


def test_sum_and_stated_remainder_are_the_full_simulation(table):
    evaluator = Evaluator("lenet5_int8", "tpu_like_128")
    values = np.random.default_rng(0)
    trials = np.stack([values.choice(widths, (8, LENET)) for widths in (table.wbits, table.abits)], axis=-1)
    left = table.remainder(evaluator, trials)
    for i, trial in enumerate(trials):
        run = simulate(
            evaluator.graph.with_precisions(evaluator.precisions(trial)), "tpu_like_128", fidelity="bandwidth"
        )
        assert left.estimated_cycles[i] + left.remainder_cycles[i] == pytest.approx(run.total.cycles, rel=1e-12)
    assert left.bound_pct == pytest.approx(100 * np.abs(left.remainder_cycles / left.cycles).max())
    assert 0 < left.bound_pct < 10


def test_queries_are_entries(table):
    bits = np.array([[(2, 4), (4, 8), (8, 8), (8, 4), (2, 8)]])
    places = ([0, 1, 2, 2, 0], [0, 1, 1, 0, 1])
    for quantity in ("cycles", "energy_pj", "dram_bytes"):
        expected = getattr(table, quantity)[range(LENET), *places]
        assert table.query(bits, quantity)[0].tolist() == expected.tolist()
    assert (table.cycles.dtype, table.dram_bytes.dtype) == (np.int64, np.int64)


def test_more_bits_never_move_fewer_bytes(table):
    assert (np.diff(table.dram_bytes, axis=1) >= 0).all()
    assert (np.diff(table.dram_bytes, axis=2) >= 0).all()


def test_expected_latency_has_its_exact_gradient(table):
    values = np.random.default_rng(1)
    logits = values.normal(size=table.cycles.shape)
    value, slope = table.expected_of_logits(logits)
    for at in [(0, 0, 0), (3, 2, 1), (4, 1, 0)]:
        step = np.zeros(logits.shape)
        step[at] = 1e-4
        ahead, behind = (table.expected_of_logits(logits + sign * step)[0] for sign in (1, -1))
        assert (ahead - behind) / 2e-4 == pytest.approx(slope[at], rel=1e-5)
    certain = np.zeros(table.cycles.shape)
    certain[:, 1, 1] = 1.0
    assert table.expected(certain)[0] == table.query([(4, 8)] * LENET).sum()
    assert value > 0


def test_fixed_layers_keep_their_widths():
    first = Evaluator("lenet5_int8", "tpu_like_128").mac_layers[0].name
    table = lut("lenet5_int8", "tpu_like_128", wbits=(2, 8), abits=(8,), fixed={first: (8, 8)})
    assert table.fixed == {first: (8, 8)}
    assert table.dram_bytes[1, 0, 0] < table.dram_bytes[1, 1, 0]
    weights = table.weights[0]
    assert table.dram_bytes[0, 0, 0] >= weights  # a byte each, whatever the others have


def test_ties_are_named():
    net = GraphBuilder("fork", weight_precision=INT8, activation_precision=INT8)
    x = net.input("x", (1, 4, 6, 6))
    graph = net.build(net.conv(x, 4, 1, name="a"), net.conv(x, 4, 1, name="b"))
    assert tied_layers(graph) == (("a", "b"),)


@pytest.mark.parametrize("widths", [(), (0,), (65,), (8, 8), (4.0,), (True,)])
def test_impossible_widths_are_refused(widths):
    with pytest.raises(WorkloadError, match=r"wbits = .*: give different whole widths of 1 to 64 bits"):
        lut("lenet5_int8", "tpu_like_128", wbits=widths, abits=(8,))


def test_what_table_and_machine_do_not_hold_is_refused(table):
    with pytest.raises(WorkloadError, match="weight width of 3 bits: the table has 2, 4, 8"):
        table.query([(3, 8)] * LENET)
    with pytest.raises(WorkloadError, match=r"takes integers \[..., 5, 2\]"):
        table.query([(8, 8)] * 4)
    with pytest.raises(WorkloadError, match=r"probabilities of shape \(1,\)"):
        table.expected(np.ones(1))
    with pytest.raises(WorkloadError, match="fixed layer 'conv': lenet5_int8 has no such layer"):
        lut("lenet5_int8", "tpu_like_128", wbits=(8,), abits=(8,), fixed={"conv": (8, 8)})
    with pytest.raises(ArchitectureError, match="cannot multiply 16 x 8 bits"):
        lut("lenet5_int8", "gemmini_like_16", wbits=(8,), abits=(16,))


@pytest.mark.parametrize("pair", ["88", (8,), (8.5, 8), (0, 8), (8, 99), (10**30, 8), (True, 8), None])
def test_a_fixed_pair_that_is_none_is_refused(pair):
    with pytest.raises(WorkloadError, match=r"fixed layer 'conv1'.*give .weight bits, activation bits"):
        lut("lenet5_int8", "gemmini_like_16", wbits=(8,), abits=(8,), fixed={"conv1": pair})


@pytest.mark.parametrize("options", [{"wbits": 8}, {"abits": None}, {"fixed": [1]}])
def test_options_of_another_kind_are_named(options):
    with pytest.raises(WorkloadError, match=next(iter(options))):
        lut("lenet5_int8", "gemmini_like_16", **({"wbits": (8,), "abits": (8,)} | options))


@pytest.mark.parametrize("numbers", ["x", np.zeros(3), np.nan, np.inf])
def test_probabilities_and_logits_are_finite_and_one_for_each_entry(table, numbers):
    given = np.full(table.cycles.shape, numbers) if isinstance(numbers, float) else numbers
    with pytest.raises(WorkloadError, match=r"probabilities of shape.*finite"):
        table.expected(given)
    with pytest.raises(WorkloadError, match=r"logits of shape.*finite"):
        table.expected_of_logits(given)


def test_a_quantity_that_a_table_lacks_is_named(table):
    with pytest.raises(WorkloadError, match="quantity 'joules': a table has cycles, energy_pj, dram_bytes"):
        table.query(np.full((len(table.layers), 2), 8), "joules")
