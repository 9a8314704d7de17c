"""Whole-network results kept: repeats are answered without running, and only true repeats."""

import subprocess
import sys

import numpy as np
import pytest

from simulator.arch import load_accelerator
from simulator.search import batch_run, known_results
from simulator.search.evaluate import Evaluator, evaluate_many
from simulator.search.store import Store
from simulator.workload import load_workload
from simulator.workload.transforms.declare import declare_sparsity

LAYERS = 5
BITS = np.random.default_rng(8).integers(2, 9, (6, LAYERS, 2))
COLUMNS = ("cycles", "energy_pj", "dram_bytes", "layer_cycles", "layer_energy_pj", "other_cycles")


def as_lists(found):
    return [getattr(found, name).tolist() for name in COLUMNS]


def refuse(*_):
    raise AssertionError("ran again")


def test_a_repeat_in_memory_runs_nothing(monkeypatch):
    evaluator = Evaluator("lenet5_int8", "tpu_like_128")
    first = evaluator.evaluate_all(BITS)
    monkeypatch.setattr(batch_run, "run", refuse)
    assert as_lists(evaluator.evaluate_all(BITS[::-1])) == [column[::-1] for column in as_lists(first)]
    with pytest.raises(AssertionError, match="ran again"):
        evaluator.evaluate([(3, 7)] * LAYERS)


def test_a_repeat_from_a_file_runs_nothing_and_another_machine_shares_nothing(tmp_path, monkeypatch):
    path = tmp_path / "results.db"
    first = evaluate_many("lenet5_int8", "tpu_like_128", BITS, cache=path)
    assert as_lists(first) == as_lists(evaluate_many("lenet5_int8", "tpu_like_128", BITS))
    monkeypatch.setattr(batch_run, "run", refuse)
    assert as_lists(evaluate_many("lenet5_int8", "tpu_like_128", BITS, cache=path)) == as_lists(first)
    slower = load_accelerator("tpu_like_128", overrides=["clock_hz=500e6"])
    gated = load_accelerator("tpu_like_128", overrides=['zero_gating={"by": ["ifmap"], "gated_share": 0.5}'])
    sparse = declare_sparsity(load_workload("lenet5_int8"), "activations=0.25")
    for graph, machine, options in (
        ("lenet5_int8", slower, {}),
        (sparse, gated, {}),
        ("lenet5_int8", "tpu_like_128", {"batch": 2}),
        ("lenet5_int8", "tpu_like_128", {"objective": "energy"}),
    ):
        with pytest.raises(AssertionError, match="ran again"):
            evaluate_many(graph, machine, BITS, cache=path, **options)


def test_zeros_that_gate_are_part_of_the_question(tmp_path):
    path = tmp_path / "results.db"
    gated = load_accelerator("tpu_like_128", overrides=['zero_gating={"by": ["ifmap"], "gated_share": 0.5}'])
    dense = load_workload("lenet5_int8")
    sparse = declare_sparsity(dense, "activations=0.25")
    for graph in (dense, sparse):
        kept, fresh = (evaluate_many(graph, gated, BITS, cache=cache) for cache in (path, None))
        assert as_lists(kept) == as_lists(fresh)
    assert evaluate_many(sparse, gated, BITS, cache=path).energy_pj[0] < evaluate_many(dense, gated, BITS).energy_pj[0]


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(known_results, "MOST_BYTES", 1000)
    evaluator = Evaluator("lenet5_int8", "tpu_like_128")
    found = evaluator.evaluate_all(BITS)
    results = evaluator._results[1]
    assert 0 < len(results._kept) * 24 * results._rows <= 1000
    assert as_lists(evaluator.evaluate_all(BITS)) == as_lists(found)


ASKER = """
import sys
import numpy as np
from simulator.search import evaluate_many
from pathlib import Path
bits = np.random.default_rng(8).integers(2, 9, (6, 5, 2))
order = np.random.default_rng(int(sys.argv[2])).permutation(6)
for one in order:
    evaluate_many("lenet5_int8", "tpu_like_128", bits[one : one + 1], cache=Path(sys.argv[1]))
"""


def test_two_processes_on_one_cache(tmp_path):
    """Both write what the other may be writing: no error, nothing twice, every entry right."""
    path = tmp_path / "results.db"
    askers = [subprocess.Popen([sys.executable, "-c", ASKER, str(path), seed]) for seed in "12"]
    assert [asker.wait(240) for asker in askers] == [0, 0]
    expected = Evaluator("lenet5_int8", "tpu_like_128")
    alone = expected.evaluate_all(BITS)
    assert as_lists(evaluate_many("lenet5_int8", "tpu_like_128", BITS, cache=path)) == as_lists(alone)
    with Store(path) as store:
        assert len(store) == len(BITS) + len(expected.mappings)
