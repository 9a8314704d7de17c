"""The study of anomalies: sums by hand, the same cases for the same seed, no anomaly where a law forbids it."""

import pytest
from numpy.random import default_rng

from benchmarks.anomaly_study import (
    BANDWIDTH,
    SLOT,
    TRANSFER,
    Trial,
    markdown,
    more_bandwidth,
    one_more_slot,
    random_chain,
    rows_of,
    shorter_transfer,
    twice_the_rows,
)
from simulator.api import simulate
from simulator.arch import load_accelerator
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import INT8
from tests.dataflow.network_cases import accelerator


def test_a_row_counts_what_got_longer():
    trials = [Trial(SLOT, 2, "event", 100, after, after - 90) for after in (90, 100, 110, 105)]
    (row,) = rows_of([*trials])
    assert (row["runs"], row["longer"], row["longer_pct"]) == (4, 2, 50.0)
    assert (row["worst_pct"], row["worst_case"]) == (pytest.approx(10), 20)


def test_rows_come_change_by_change():
    trials = [Trial(change, cores, "bandwidth", 1, 1) for cores in (2, 1) for change in (TRANSFER, BANDWIDTH)]
    found = [(row["change"], row["cores"]) for row in rows_of(trials)]
    assert found == [(BANDWIDTH, 1), (BANDWIDTH, 2), (TRANSFER, 1), (TRANSFER, 2)]


def test_each_change_changes_one_thing():
    machine = accelerator(capacity=4096, slots=2)
    faster, deeper, larger = more_bandwidth(machine), one_more_slot(machine), twice_the_rows(machine)
    assert faster.dram_bytes_per_cycle == 1.25 * machine.dram_bytes_per_cycle
    assert [(buffer.slots, buffer.capacity_bytes) for buffer in deeper.buffers] == [(3, 6144)] * 2
    assert larger.peak_macs_per_cycle == 2 * machine.peak_macs_per_cycle
    assert deeper.dram == larger.dram == machine.dram


def test_a_seed_draws_the_same_chains_and_one_core_obeys_the_law():
    assert random_chain(default_rng(3)) == random_chain(default_rng(3))
    trial = shorter_transfer(random_chain(default_rng(3)), accelerator(8, 8, capacity=99999), default_rng(0))
    assert trial.after_cycles <= trial.before_cycles


def test_the_page_shows_what_was_found():
    page = markdown({"cases": 1, "seed": 0, "rows": rows_of([Trial(SLOT, 2, "event", 100, 110)])})
    assert f"| {SLOT} | event | 2 | 1 | 1 | 100.0 | 10.00 | 0 |" in page


def test_a_taller_array_costs_a_wave_for_each_layer_that_is_waited_for():
    """The example of docs/model/engine.md: the same tiles, and two waves that pass 128 rows more."""
    net = GraphBuilder("chain", weight_precision=INT8, activation_precision=INT8)
    first = net.conv(net.input("image", (1, 8, 12, 12)), 8, 3, padding=1, name="a")
    graph, machine = net.build(net.conv(first, 8, 1, name="b")), load_accelerator("tpu_like_128")
    before = simulate(graph, machine, fidelity="bandwidth")
    tiles = {layer.name: layer.mapping for layer in before.layers}
    kept = simulate(graph, twice_the_rows(machine), fidelity="bandwidth", mappings=tiles)
    anew = simulate(graph, twice_the_rows(machine), fidelity="bandwidth")
    assert before.total.cycles == 870
    assert kept.total.cycles == anew.total.cycles == before.total.cycles + 2 * machine.array.rows
