"""The estimate by which the mapper ranks candidates: no floor that a candidate is pruned by lies above it."""

from hypothesis import given, settings

from simulator.mapping.cost_kernel import (
    USEFUL,
    count_compute,
    count_least,
    count_tiles,
    count_traffic,
    dram_cycles,
    input_total,
    least_products,
    moved_cycles,
)
from simulator.mapping.estimate_kernel import ends_floor, ends_of, predict_energy, predict_latency, steady_floor
from simulator.records import MAC_WORK, ORDER_NAMES
from tests.dataflow.network_cases import planned
from tests.mapping.machine_view import search_tables

ROUNDED = 1 + 1e-9


@settings(max_examples=20)
@given(planned())
def test_no_floor_lies_above_the_estimate(case):
    if case is None:
        return
    for i, work in enumerate(case.network.works):
        if work.kind != MAC_WORK:
            continue
        flow = int(case.mapped.mappings[i].dataflow)
        one, hardware = case.network.works[i : i + 1], case.hardware[flow : flow + 1]
        for order in range(len(ORDER_NAMES)):
            search = search_tables(one, hardware, case.space, case.mapped.mappings[i])
            search.trial.order = order
            count_tiles(search)
            search.counts[USEFUL] = least_products(search)
            outputs = work.sequence_steps * work.N * work.P * work.Q * work.G * work.K
            loads = work.ifmap_on_chip == 0 and work.ifmap_resident == 0
            search.traffic.inputs = input_total(work, search.trial) if loads else 0
            count_least(search)
            least = moved_cycles(search)
            count_traffic(search, int(search.traffic.inputs), int(outputs))
            moved = moved_cycles(search)
            assert all(few <= all_ for few, all_ in zip(least, moved, strict=True))
            count_compute(search)
            estimate = predict_latency(search, float(dram_cycles(case.space[0], int(search.traffic.total_bytes))))
            ends = sum(ends_of(search))
            assert ends_floor(search) <= ends * ROUNDED
            assert steady_floor(search, least) + ends <= estimate * ROUNDED
            assert steady_floor(search, moved) + ends <= estimate * ROUNDED
            assert search.compute.cycles + search.compute.first_setup + ends <= estimate * ROUNDED
            tiles = search.traffic
            again = min(least[1] * (tiles.ks - 1), least[2] * (tiles.ms - 1))
            assert least[0] + again + ends_floor(search) <= estimate * ROUNDED
            assert predict_energy(search) >= 0
