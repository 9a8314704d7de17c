"""Mappings kept: the same whether searched alone, after others, or read from a file."""

import numpy as np
import pytest

from simulator.errors import SimulatorError
from simulator.records import COST, MAPPING
from simulator.search import known_mappings
from simulator.search.evaluate import Evaluator
from simulator.search.known_mappings import KnownMappings
from simulator.search.store import Store

SHAPES = [name for name in MAPPING.names if name != "candidates"]  # how many were tried depends on what was known
COSTS = ("latency_cycles", "energy_pj", "dram_bytes", "footprint_bits")


def works_of(workload, preset, count):
    """Return works of random widths [count, W] and the machine."""
    evaluator = Evaluator(workload, preset)
    seen = []
    evaluator._known.places = lambda works: seen.append(works.copy()) or KnownMappings.places(evaluator._known, works)
    layers = len(evaluator.mac_layers)
    evaluator.evaluate_all(np.random.default_rng(4).integers(1, 9, (count, layers, 2)))
    return np.concatenate(seen).view(np.recarray), evaluator.machine


@pytest.mark.parametrize(("preset", "flows"), [("tpu_like_128", ("ws",)), ("edge_like_32", ("ws", "os", "is"))])
@pytest.mark.parametrize("objective", ["latency", "edp"])
def test_what_was_found_before_changes_no_answer(preset, flows, objective):
    works, machine = works_of("lenet5_int8", preset, 12)
    together = KnownMappings(machine, flows, objective)
    places = together.places(works)
    for place, work in zip(places.ravel().tolist(), works.reshape(-1, 1), strict=True):
        alone = KnownMappings(machine, flows, objective)
        assert alone.places(work.view(np.recarray)).tolist() == [0]
        for mine, its, names in (
            (together.mappings[place], alone.mappings[0], SHAPES),
            (together.costs[place], alone.costs[0], COSTS),
        ):
            assert [mine[name] for name in names] == [its[name] for name in names]


def test_a_file_gives_back_what_was_found_and_an_entry_of_another_size_is_named(tmp_path, monkeypatch):
    works, machine = works_of("lenet5_int8", "tpu_like_128", 3)
    with Store(tmp_path / "m.db") as store:
        first = KnownMappings(machine, ("ws",), "latency", store)
        expected = first.mappings[first.places(works)]
        monkeypatch.setattr(known_mappings, "find_mappings", None)
        again = KnownMappings(machine, ("ws",), "latency", store)
        assert again.mappings[again.places(works)].tobytes() == expected.tobytes()
        with pytest.raises(TypeError):  # another objective: nothing is known
            KnownMappings(machine, ("ws",), "energy", store).places(works)
        monkeypatch.setattr(known_mappings, "_PAIR", np.dtype([("mapping", MAPPING), ("cost", COST), ("more", int)]))
        with pytest.raises(SimulatorError, match=r"m\.db: an entry has \d+ bytes; delete it"):
            KnownMappings(machine, ("ws",), "latency", store).places(works)
