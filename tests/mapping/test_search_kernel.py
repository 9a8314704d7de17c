"""The pruned search against brute force over the same candidates, each cost re-derived tile by tile."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.dataflow.binding import bind
from simulator.dataflow.machine import hardware_record, space_record
from simulator.mapping import cost_kernel
from simulator.mapping.cost_kernel import dram_cycles
from simulator.mapping.estimate_kernel import predict_energy, predict_latency
from simulator.mapping.search_kernel import search_works
from simulator.records import COST, MAC_WORK, MAPPING, table
from tests.dataflow.network_cases import accelerators, networks
from tests.dataflow.replay import as_dict
from tests.mapping.machine_view import machine_of, search_tables
from tests.mapping.test_cost_kernel import counted
from tests.oracle import mapping_oracle
from tests.oracle.planner_oracle import plan_mac

PRICES = {"buffer_read_pj": {"a": 1.0, "b": 0.5, "c": 3.0}, "buffer_write_pj": {"a": 2.0, "b": 1.5, "c": 4.0}}


def score(work, hardware, space, mapping, objective):
    """Return a candidate's objective from the (separately proven) closed forms."""
    search = counted(work, hardware, space, mapping)
    latency = predict_latency(search, float(dram_cycles(space[0], int(search.traffic.total_bytes))))
    energy = predict_energy(search)
    return (latency, energy, energy * latency)[objective]


def brute_force(work, hardware, space, objective):
    """Return the best objective over every candidate that fits, or None."""
    plain, machine = as_dict(work[0]), machine_of(hardware[0], space[0])
    for fine in (False, True):
        scores = []
        for tile in mapping_oracle.candidates(plain, machine, fine=fine):
            mapping = search_tables(work, hardware, space).trial
            for name, extent in tile.items():
                mapping[name] = extent
            if not mapping_oracle.fits(plain, tile, machine, plan_mac(plain, tile | {"order": 0})):
                continue
            for order in range(6):
                mapping.order = order
                scores.append(score(work, hardware, space, mapping, objective))
        if scores:
            return min(scores)
    return None


@settings(max_examples=25)
@given(networks(most=1), accelerators(capacities=(64, 256, 700, 3000)), st.integers(0, 2), st.integers(0, 2))
def test_search_finds_what_brute_force_finds(graph, machine, flow, objective):
    network = bind(graph, machine)
    hardware = hardware_record(machine)[flow : flow + 1]
    space = space_record(machine, dram_pj_per_byte=50.0, **PRICES)
    for i, work in enumerate(network.works):
        if work.kind != MAC_WORK or work.macs > 20_000:
            continue
        one = network.works[i : i + 1]
        searches = cost_kernel.search_table(hardware, space)
        search_works(searches, one.copy(), table(MAPPING, 1), table(COST, 1), objective)
        search = searches[0]
        found = bool(search.best.feasible)
        expected = brute_force(one, hardware, space, objective)
        assert found == (expected is not None)
        if expected is None:
            assert 0 < search.cost.shortfall_bits < 2**62
            continue
        cost = search.cost
        mine = (cost.latency_cycles, cost.energy_pj, cost.energy_pj * cost.latency_cycles)[objective]
        assert math.isclose(mine, expected, rel_tol=1e-12)
        assert math.isclose(mine, score(one, hardware, space, search.best, objective), rel_tol=1e-12)


@settings(max_examples=25)
@given(networks(most=1), accelerators(capacities=(64, 256, 700, 3000)), st.integers(0, 2), st.data())
def test_a_bound_changes_no_answer(graph, machine, flow, data):
    """Begun from any feasible mapping of the same nest, the search ends where it ends without."""
    network = bind(graph, machine)
    hardware = hardware_record(machine)[flow : flow + 1]
    space = space_record(machine, dram_pj_per_byte=50.0, **PRICES)
    for i, work in enumerate(network.works):
        if work.kind != MAC_WORK:
            continue
        one, free = network.works[i : i + 1], (table(MAPPING, 1), table(COST, 1))
        search_works(cost_kernel.search_table(hardware, space), one, *free, 0)
        if not free[0][0].feasible:
            continue
        bound = (table(MAPPING, 1), table(COST, 1))
        bound[0][0].feasible = 1
        bound[0][0].order = data.draw(st.integers(0, 5))
        for name in ("N", "P", "Q", "G", "K", "C"):
            bound[0][0][name] = data.draw(st.integers(1, int(work[name])))
        search_works(cost_kernel.search_table(hardware, space), one, *bound, 0)
        for name in MAPPING.names[:-1]:  # but for how many were tried
            assert bound[0][0][name] == free[0][0][name], name
        for name in ("latency_cycles", "energy_pj", "dram_bytes", "footprint_bits"):
            assert bound[1][0][name] == free[1][0][name], name
