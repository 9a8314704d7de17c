"""The pruned search against brute force over the same candidates, each cost re-derived tile by tile."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.dataflow.binding import bind
from simulator.dataflow.machine import hardware_record, space_record
from simulator.mapping.cost_kernel import dram_cycles, predict_energy, predict_latency
from simulator.mapping.search_kernel import ceil_factors, search_mapping
from simulator.records import MAC_WORK
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
    latency = predict_latency(search, float(dram_cycles(space[0], int(search.traffic[0].total_bytes))))
    energy = predict_energy(search)
    return (latency, energy, energy * latency)[objective]


def brute_force(work, hardware, space, objective):
    """Return the best objective over every candidate that fits, or None."""
    plain, machine = as_dict(work[0]), machine_of(hardware[0], space[0])
    for fine in (False, True):
        scores = []
        for tile in mapping_oracle.candidates(plain, machine, fine=fine):
            mapping = search_tables(work, hardware, space).trial[0]
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
        search = search_tables(one, hardware, space)
        found = search_mapping(search, objective)
        expected = brute_force(one, hardware, space, objective)
        assert found == (expected is not None) == bool(search.best[0].feasible)
        if expected is None:
            assert 0 < search.cost[0].shortfall_bits < 2**62
            continue
        cost = search.cost[0]
        mine = (cost.latency_cycles, cost.energy_pj, cost.energy_pj * cost.latency_cycles)[objective]
        assert math.isclose(mine, expected, rel_tol=1e-12)
        assert math.isclose(mine, score(one, hardware, space, search.best[0], objective), rel_tol=1e-12)


@pytest.mark.parametrize("total", [1, 2, 3, 7, 12, 97, 224, 1000])
def test_ceil_factors_are_every_rounded_up_quotient(total):
    sizes = np.zeros(4096, np.int64)
    count = ceil_factors(total, sizes)
    assert sizes[:count].tolist() == mapping_oracle.ceil_factors(total)
