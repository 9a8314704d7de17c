"""What is tried, against every quotient written out; and what is kept between works, against searches without."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.dataflow.binding import bind
from simulator.dataflow.machine import hardware_record, space_record
from simulator.mapping.candidate_kernel import ceil_factors
from simulator.mapping.cost_kernel import search_table
from simulator.mapping.search_kernel import search_works
from simulator.records import COST, MAC_WORK, MAPPING, table
from tests.dataflow.network_cases import accelerators, networks
from tests.mapping.test_search_kernel import PRICES
from tests.oracle import mapping_oracle


@pytest.mark.parametrize("total", [1, 2, 3, 7, 12, 97, 224, 1000])
def test_ceil_factors_are_every_rounded_up_quotient(total):
    sizes = np.zeros((2, 4096), np.int64)
    count = ceil_factors(total, sizes, 1)
    assert sizes[1, :count].tolist() == mapping_oracle.ceil_factors(total)


@pytest.mark.parametrize("total", [4_194_305, 10**7 + 3, 2**31 - 1, 2**40])
def test_ceil_factors_of_very_many_reach_one(total):
    sizes = np.zeros((2, 4096), np.int64)
    found = sizes[1, : ceil_factors(total, sizes, 1)].tolist()
    assert found[0] == total
    assert found[-1] == 1
    assert found == sorted(set(found), reverse=True)
    assert all(size == -(-total // -(-total // size)) for size in found)
    assert all(before <= 2 * after for before, after in pairwise(found[1:]))


@settings(max_examples=25)
@given(networks(most=2), accelerators(capacities=(64, 256, 700, 3000)), st.integers(0, 2), st.integers(0, 2), st.data())
def test_what_is_kept_between_works_changes_no_answer(graph, machine, flow, objective, data):
    """Works of one nest after the other, at other widths and rates: each is answered as by a search of its own."""
    network = bind(graph, machine)
    hardware = hardware_record(machine)[flow : flow + 1]
    space = space_record(machine, dram_pj_per_byte=50.0, **PRICES)
    chosen = [i for i, work in enumerate(network.works) if work.kind == MAC_WORK and work.macs <= 20_000]
    if not chosen:
        return
    works = network.works[np.repeat(chosen, 4)].copy()
    for work in works:
        for name in ("ifmap_bits", "weight_bits", "ofmap_bits", "pack", "passes"):
            if data.draw(st.booleans()):
                work[name] = data.draw(st.sampled_from((1, 2, 8) if name.endswith("bits") else (1, 2)))
        work.parameter_bits *= data.draw(st.integers(0, 2))
    together = table(MAPPING, len(works)), table(COST, len(works))
    search_works(search_table(hardware, space), works, *together, objective)
    for i in range(len(works)):
        alone = table(MAPPING, 1), table(COST, 1)
        search_works(search_table(hardware, space), works[i : i + 1], *alone, objective)
        assert together[0][i].feasible == alone[0][0].feasible
        if not alone[0][0].feasible:  # the other fields of a mapping say nothing then
            assert 0 < together[1][i].shortfall_bits < 2**62
            continue
        for name in MAPPING.names[:-1]:  # but for how many were tried
            assert together[0][i][name] == alone[0][0][name], name
        for name in ("latency_cycles", "energy_pj", "dram_bytes", "footprint_bits"):
            assert together[1][i][name] == alone[1][0][name], name
