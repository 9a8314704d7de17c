"""Tiles that cores read alike: fetched once, in one order, within the room there is."""

import numpy as np
import pytest

from simulator import simulate
from simulator.arch import load_accelerator
from simulator.dataflow.shared_tiles import share_tiles
from simulator.dataflow.tape import LastLevel
from simulator.energy import price_list
from simulator.engine.occupancy import held_over_time, last_level_holdings
from simulator.engine.run import run
from simulator.machines.contract import Request
from simulator.machines.systolic import plan
from simulator.records import NONE, OPERAND_NAMES, READ
from simulator.workload import load_workload

SPLITS = ("K", "P", "N", "auto")
DRAM_READS = ("ifmap_dram_bytes", "weight_dram_bytes")


def planned(split, cores=2):
    machine = load_accelerator("gemmini_like_16", overrides=[f"cores={cores}", f"core_split={split}"])
    graph = load_workload("lenet5_int8")
    made = plan(Request(graph, machine, 2 * cores), price_list(machine))
    return made.made.tape, (made.network.works, made.mapped.mappings, made.network.parts), made.records[1]


def shared(tape, tables, capacity_bytes):
    return share_tiles(tape, tables, LastLevel(64.0, 8, 64), capacity_bytes)


@pytest.mark.parametrize(("split", "cores"), [(split, 2) for split in SPLITS] + [("K", 3), ("N", 3)])
def test_every_shared_tile_is_fetched_once_and_read_by_every_core_that_has_it(split, cores):
    tape, tables, _ = planned(split, cores)
    level = shared(tape, tables, 1 << 20)
    fetches = np.arange(len(tape.transfers), len(level.transfers))
    assert len(fetches)
    assert (level.transfers["queue"][fetches] == cores).all()
    assert level.cores == cores + 1
    reads = np.flatnonzero(level.last_level.on_chip)
    assert (level.last_level.on_chip[fetches] == 0).all()
    for fetch in fetches:
        mine = reads[level.last_level.filled_by[reads] == fetch]
        assert len(set(level.transfers["queue"][mine].tolist())) == len(mine) >= 2
        for name in ("tile", "operand", "payload_bytes"):
            assert (level.transfers[name][mine] == level.transfers[name][fetch]).all()
        for row in level.transfers[mine]:
            assert level.afters[row.first_after : row.first_after + row.afters].tolist() == [fetch]
    assert (level.last_level.filled_by[reads] != NONE).all()


@pytest.mark.parametrize("split", SPLITS)
def test_what_is_fetched_once_is_counted_once(split):
    tape, tables, _ = planned(split)
    level = shared(tape, tables, 1 << 20)
    for operand, name in enumerate(OPERAND_NAMES[:2]):
        moved = level.transfers[(level.transfers["operand"] == operand) & (level.last_level.on_chip == 0)]
        loads = moved[(moved["direction"] == READ) & np.isin(moved["layer"], np.flatnonzero(tables[0]["kind"] == 0))]
        assert level.counters[f"{name}_dram_bytes"][tables[0]["kind"] == 0].sum() == loads["payload_bytes"].sum()
    saved = sum(int((tape.counters[name] - level.counters[name]).sum()) for name in DRAM_READS)
    reads, writes = (
        sum(words) for words in zip(*(map(np.sum, level.last_level_words(i)) for i in (0, 1)), strict=True)
    )
    assert saved > 0
    assert reads == 2 * writes


@pytest.mark.parametrize("split", SPLITS)
def test_the_room_is_never_passed_and_one_tile_is_room_enough(split):
    tape, tables, space = planned(split)
    largest = int(tape.transfers["payload_bytes"].max())
    for capacity_bytes in (largest, 3 * largest, 1 << 20):
        level = shared(tape, tables, capacity_bytes)
        timeline = run(level, space)
        held = held_over_time(last_level_holdings(level), 0)[1]
        assert 0 < held.max() <= 8 * capacity_bytes
        assert timeline.layers["late_cycles"].min() >= 0
        assert (level.transfers["done_cycle"] >= level.transfers["submit_cycle"]).all()


def test_without_room_for_a_tile_every_core_loads_its_own():
    tape, tables, _ = planned("N")
    assert shared(tape, tables, 1) is tape


def test_images_over_cores_bring_the_weights_once():
    """By hand: with all weights fetched once, N cores move what one does of them."""
    machine = ["cores=2", "core_split=N"]
    results = {}
    for name, more in (("alone", []), ("shared", ["last_level.capacity_bytes=1048576"])):
        chosen = load_accelerator("gemmini_like_16", overrides=machine + more)
        results[name] = simulate("lenet5_int8", chosen, fidelity="bandwidth", batch=2)
    weights = [
        {name: sum(one.accesses["dram"]["weight"].bytes for one in run.layers) for name, run in results.items()}
    ][0]
    assert weights["alone"] == 2 * weights["shared"]
    saved = results["alone"].total.dram_bytes - results["shared"].total.dram_bytes
    assert saved == weights["shared"]
    level = [one.accesses["last_level"]["weight"] for one in results["shared"].layers]
    assert sum(one.reads for one in level) == 2 * sum(one.writes for one in level) > 0
    assert "last_level" not in results["alone"].layers[0].accesses
    assert all("scratchpad" not in part["late_because"] for part in results["alone"].layers[0].cores)
    assert all("scratchpad" in part["late_because"] for part in results["shared"].layers[0].cores)
