"""Evaluating bit assignments: the numbers of a run, without its report."""

from dataclasses import fields

import numpy as np
import pytest

import simulator.search.evaluate as evaluate_module
from simulator.api import simulate
from simulator.errors import ArchitectureError, MappingError, SimulatorError, WorkloadError
from simulator.search import batch_run, known_mappings
from simulator.search.evaluate import Evaluator, evaluate_many
from simulator.search.evaluations import Evaluations
from simulator.search.width_recipe import WidthRecipe
from simulator.workload import load_workload
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import INT8
from tests.workload.networks import every_layer_kind

LENET = 5  # multiply-accumulate layers


def assert_same(cost, result):
    assert cost["cycles"] == result.total.cycles
    assert cost["dram_bytes"] == result.total.dram_bytes
    assert cost["macs"] == result.total.macs
    assert cost["energy_pj"] == pytest.approx(result.total.energy_pj, rel=1e-9)
    assert cost["layer_cycles"].tolist() == [layer.cycles for layer in result.layers if layer.macs]


@pytest.mark.parametrize(
    ("workload", "preset"),
    [
        ("lenet5", "gemmini_like_16"),
        ("resnet50_w4w8", "tpu_like_128"),
        ("mobilenet_v2_int8", "edge_like_32"),
        ("vit_tiny_int8", "tpu_v1"),
    ],
)
def test_own_widths_give_the_numbers_of_a_run(workload, preset):
    assert_same(Evaluator(workload, preset).evaluate(), simulate(workload, preset, fidelity="bandwidth"))


@pytest.mark.parametrize("options", [{"dataflow": "auto"}, {"objective": "energy"}, {"batch": 3}, {"dataflow": "os"}])
def test_options_are_those_of_a_run(options):
    evaluator = Evaluator("resnet18_int8", "tpu_like_128", **options)
    assert_same(evaluator.evaluate(), simulate("resnet18_int8", "tpu_like_128", fidelity="bandwidth", **options))


@pytest.mark.parametrize(
    ("workload", "preset"),
    [("lenet5_int8", "tpu_like_128"), ("resnet18_int8", "edge_like_32"), ("shufflenet_int8", "tpu_like_128")],
)
def test_random_assignments_equal_runs_in_any_order(workload, preset):
    """One evaluator answers all, so every mapping it keeps between calls must be the one a fresh run finds."""
    generator = np.random.default_rng(7)
    evaluator = Evaluator(workload, preset)
    for _ in range(6):
        bits = generator.integers(2, 9, size=(len(evaluator.mac_layers), 2))
        graph = evaluator.graph.with_precisions(evaluator.precisions(bits))
        assert_same(evaluator.evaluate(bits), simulate(graph, preset, fidelity="bandwidth"))


def test_every_kind_of_layer_equals_a_run():
    graph = every_layer_kind()
    evaluator = Evaluator(graph, "tpu_like_128", batch=2)
    assert_same(evaluator.evaluate(), simulate(graph, "tpu_like_128", fidelity="bandwidth", batch=2))
    bits = np.full((len(graph.mac_layers), 2), 4)
    changed = graph.with_precisions(evaluator.precisions(bits))
    assert_same(evaluator.evaluate(bits), simulate(changed, "tpu_like_128", fidelity="bandwidth", batch=2))


def test_asking_twice_answers_twice_the_same():
    evaluator = Evaluator("lenet5_int8", "tpu_like_128")
    first = evaluator.evaluate([(4, 8)] * LENET)
    evaluator.evaluate([(8, 8)] * LENET)
    again = evaluator.evaluate([(4, 8)] * LENET)
    assert first.pop("layer_cycles").tolist() == again.pop("layer_cycles").tolist()
    assert first == again


def test_assignment_sets_weights_then_activations():
    evaluator = Evaluator("lenet5_int8", "tpu_like_128")
    precisions = evaluator.precisions([(4, 7), (8, 8), (8, 8), (8, 8), (2, 3)])
    first, last = evaluator.mac_layers[0], evaluator.mac_layers[-1]
    assert [precisions[name].bits for name in (*first.inputs[1::-1], *last.inputs[1::-1])] == [4, 7, 2, 3]


def test_activation_read_twice_takes_the_wider_width():
    net = GraphBuilder("fork", weight_precision=INT8, activation_precision=INT8)
    x = net.input("x", (1, 4, 6, 6))
    graph = net.build(net.conv(x, 4, 1, name="a"), net.conv(x, 4, 1, name="b"))
    assert Evaluator(graph, "tpu_like_128").precisions([(8, 3), (8, 6)])["x"].bits == 6
    assert Evaluator(graph, "tpu_like_128").precisions([(8, 6), (8, 3)])["x"].bits == 6


def test_floats_become_integers_of_the_assigned_width():
    cost = Evaluator("lenet5", "tpu_like_128").evaluate([(4, 8)] * LENET)
    assert cost["dram_bytes"] < Evaluator("lenet5", "tpu_like_128").evaluate()["dram_bytes"]
    precisions = Evaluator("lenet5", "tpu_like_128").precisions([(4, 8)] * LENET)
    assert {precision.kind for precision in precisions.values()} == {"int"}


def test_many_are_the_single_ones_stacked():
    bits = np.full((3, LENET, 2), 8)
    bits[1, :, 0] = 4
    bits[2, 0] = (2, 16)
    found = evaluate_many("lenet5_int8", "tpu_like_128", bits)
    evaluator = Evaluator("lenet5_int8", "tpu_like_128")
    single = [evaluator.evaluate(one) for one in bits]
    for name in ("cycles", "energy_pj", "dram_bytes"):
        assert getattr(found, name).tolist() == [one[name] for one in single]
    assert found.layer_cycles.tolist() == [one["layer_cycles"].tolist() for one in single]
    assert (found.cycles.dtype, found.energy_pj.dtype, found.dram_bytes.dtype) == (np.int64, np.float64, np.int64)
    assert found.layer_cycles.shape == (3, LENET)


def test_no_assignments_make_empty_arrays():
    found = evaluate_many("lenet5_int8", "tpu_like_128", np.zeros((0, LENET, 2), np.int64))
    assert found.cycles.shape == (0,)
    assert found.layer_cycles.shape == (0, LENET)


@pytest.mark.parametrize(
    "assignment",
    [
        [(8, 8)] * (LENET - 1),
        [(8, 8, 8)] * LENET,
        [8] * LENET,
        8,
        [(8.0, 8.0)] * LENET,
        [("8", "8")] * LENET,
        [(True, True)] * LENET,
        [(8, 8), (8,)],
        [],
    ],
)
def test_misshapen_assignments(assignment):
    with pytest.raises(WorkloadError, match=r"assignment.*(weight bits, activation bits)"):
        Evaluator("lenet5_int8", "tpu_like_128").evaluate(assignment)


@pytest.mark.parametrize("bits", [0, -1, 65, 2**40])
def test_impossible_widths(bits):
    with pytest.raises(WorkloadError, match=r"assignment: bits .*; give 1 to 64"):
        Evaluator("lenet5_int8", "tpu_like_128").evaluate([(8, 8)] * (LENET - 1) + [(8, bits)])


@pytest.mark.parametrize("assignments", [8, [8], np.full((LENET, 2), 8), [[(8, 8)], [(8, 8), (8, 8)]]])
def test_misshapen_stacks(assignments):
    with pytest.raises(WorkloadError, match="assignment"):
        evaluate_many("lenet5_int8", "tpu_like_128", assignments)


def test_faults_of_the_machine_are_those_of_a_run():
    with pytest.raises(ArchitectureError, match="dataflow 'rs'"):
        Evaluator("lenet5", "tpu_like_128", dataflow="rs")
    with pytest.raises(ArchitectureError, match="cannot multiply"):
        Evaluator("lenet5_int8", "gemmini_like_16").evaluate([(16, 16)] * LENET)
    with pytest.raises(WorkloadError, match="give a whole number of at least 1"):
        Evaluator("lenet5_int8", "tpu_like_128", batch=0).evaluate()
    with pytest.raises(WorkloadError, match="no such library workload"):
        Evaluator("lenet", "tpu_like_128")


def test_network_that_does_not_fit_is_refused():
    net = GraphBuilder("wide", weight_precision=INT8, activation_precision=INT8)
    graph = net.build(net.conv(net.input("x", (1, 1, 9000, 9000)), 1, 8000))
    with pytest.raises(MappingError, match="no mapping fits"):
        Evaluator(graph, "gemmini_like_16").evaluate()


def test_model_is_left_as_it_was():
    graph = load_workload("lenet5_int8")
    before = dict(graph.tensors)
    Evaluator(graph, "tpu_like_128").evaluate([(2, 2)] * LENET)
    assert dict(graph.tensors) == before


@pytest.mark.parametrize("preset", ["bitfusion", "stripes_like", "edge_like_32"])
def test_every_precision_law_equals_a_run(preset):
    bits = np.random.default_rng(3).integers(1, 9, size=(4, LENET, 2))
    evaluator = Evaluator("lenet5_int8", preset)
    found = evaluator.evaluate_all(bits)
    for i, trial in enumerate(bits):
        result = simulate(evaluator.graph.with_precisions(evaluator.precisions(trial)), preset, fidelity="bandwidth")
        assert found.cycles[i] == result.total.cycles
        assert found.dram_bytes[i] == result.total.dram_bytes
        assert found.energy_pj[i] == pytest.approx(result.total.energy_pj, rel=1e-9)
        macs = [layer for layer in result.layers if layer.macs]
        assert found.layer_cycles[i].tolist() == [layer.cycles for layer in macs]
        assert found.layer_energy_pj[i] == pytest.approx([layer.total_energy_pj for layer in macs], rel=1e-9)
        moved = [layer.dram["read_bytes"] + layer.dram["write_bytes"] for layer in macs]
        assert found.layer_dram_bytes[i].tolist() == moved
    assert (found.layer_cycles.sum(axis=1) + found.other_cycles).tolist() == found.cycles.tolist()


def test_widths_are_filled_in_without_binding_again(monkeypatch):
    """The first assignments are bound and compared; all others are filled in."""
    bound = []
    original = evaluate_module.bind
    monkeypatch.setattr(evaluate_module, "bind", lambda *args, **options: bound.append(1) or original(*args, **options))
    evaluator = Evaluator(every_layer_kind(), "tpu_like_128")
    layers = len(evaluator.mac_layers)
    evaluator.evaluate_all(np.random.default_rng(0).integers(2, 9, (30, layers, 2)))
    assert evaluator._recipe_holds
    assert len(bound) == 2


def test_a_network_that_follows_no_recipe_is_bound_each_time(monkeypatch):
    bits = np.random.default_rng(1).integers(2, 9, (3, LENET, 2))
    expected = evaluate_many("lenet5_int8", "tpu_like_128", bits)
    monkeypatch.setattr(WidthRecipe, "agrees_with", lambda *_: False)
    evaluator = Evaluator("lenet5_int8", "tpu_like_128")
    found = evaluator.evaluate_all(bits)
    assert evaluator._recipe_holds is False
    assert found.layer_cycles.tolist() == expected.layer_cycles.tolist()
    assert found.energy_pj == pytest.approx(expected.energy_pj, rel=1e-12)


def test_equal_assignments_run_once(monkeypatch):
    runs = []
    original = batch_run.run
    monkeypatch.setattr(batch_run, "run", lambda *args: runs.append(1) or original(*args))
    found = evaluate_many("lenet5_int8", "tpu_like_128", np.full((20, LENET, 2), 8))
    assert len(runs) == 1
    assert len(set(found.cycles.tolist())) == 1


@pytest.mark.slow
def test_any_number_of_workers_gives_the_same(tmp_path):
    bits = np.random.default_rng(5).integers(2, 9, (9, LENET, 2))
    one = evaluate_many("lenet5_int8", "tpu_like_128", bits)
    two = evaluate_many("lenet5_int8", "tpu_like_128", bits, workers=2, cache=tmp_path / "cache.db")
    for item in fields(Evaluations):
        assert getattr(one, item.name).tolist() == getattr(two, item.name).tolist(), item.name


def test_several_accelerators_give_a_list():
    bits = np.full((1, LENET, 2), 4)
    found = evaluate_many("lenet5_int8", ["tpu_like_128", "edge_like_32"], bits)
    assert [one.cycles.tolist() for one in found] == [
        evaluate_many("lenet5_int8", name, bits).cycles.tolist() for name in ("tpu_like_128", "edge_like_32")
    ]
    with pytest.raises(WorkloadError, match="workers = 0"):
        evaluate_many("lenet5_int8", "tpu_like_128", bits, workers=0)


def test_a_file_of_mappings_answers_in_place_of_the_search(tmp_path, monkeypatch):
    path = tmp_path / "mappings.db"
    bits = np.random.default_rng(2).integers(2, 9, (3, LENET, 2))
    first = evaluate_many("lenet5_int8", "tpu_like_128", bits, cache=path)
    monkeypatch.setattr(known_mappings, "find_mappings", None)
    again = evaluate_many("lenet5_int8", "tpu_like_128", bits, cache=path)
    assert again.cycles.tolist() == first.cycles.tolist()
    with pytest.raises(TypeError):  # other memories: the same file answers nothing
        evaluate_many("lenet5_int8", "edge_like_32", bits, cache=path)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"workers": "2"}, "workers = '2'"),
        ({"workers": None}, "workers = None"),
        ({"workers": 2.5}, "workers = 2.5"),
        ({"workers": True}, "workers = True"),
        ({"objective": "speed"}, "objective 'speed': .*latency, energy, edp"),
        ({"dataflow": 3}, "dataflow 3"),
    ],
)
def test_options_of_another_kind_are_named(options, problem):
    with pytest.raises(SimulatorError, match=problem):
        evaluate_many("lenet5_int8", "gemmini_like_16", np.full((2, 5, 2), 8), **options)
