"""What more bits may and may not do: never fewer bytes at a fixed mapping, never a better objective mapped anew."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.dataflow.binding import bind
from simulator.dataflow.machine import hardware_record, space_record
from simulator.dataflow.plan_tables import PlanInputs
from simulator.dataflow.tape import build_tape
from simulator.mapping.search import find_mappings
from simulator.records import COUNTERS, MAC_WORK
from simulator.search import Evaluator, lut
from tests.dataflow.network_cases import accelerators, networks

PRICES = {"buffer_read_pj": {"a": 1.0, "b": 0.5, "c": 3.0}, "buffer_write_pj": {"a": 2.0, "b": 1.5, "c": 4.0}}
BYTES = [name for name in COUNTERS.names if "dram" in name]
FIELDS = ("ifmap_bits", "weight_bits", "ofmap_bits", "residual_bits")


def widened(works, field, more):
    """Return the works with ``more`` bits in one operand, where there is such an operand; rates as they are."""
    wider = works.copy()
    there = works[field] > 0
    wider[field][there] += more
    if field in ("ifmap_bits", "residual_bits"):  # vector and copy works read that much more
        wider["input_bits"] += works["input_bits"] // 8 * more
    return wider


@settings(max_examples=30)
@given(networks(), accelerators(capacities=(4096, 65536)), st.sampled_from(FIELDS), st.integers(1, 8))
def test_more_bits_never_move_fewer_bytes_at_a_fixed_mapping(graph, machine, field, more):
    network = bind(graph, machine)
    tables = hardware_record(machine), space_record(machine, dram_pj_per_byte=50.0, **PRICES)
    wider = widened(network.works, field, more)
    mappings, _ = find_mappings(wider, tables, ("ws",), "latency", {})
    if not mappings["feasible"].all():
        return
    feeds = (network.producers, network.producer_spans, network.aligned, network.reads, network.cores)
    narrow, wide = (build_tape(PlanInputs(one, mappings, *tables, *feeds)) for one in (network.works, wider))
    for name in BYTES:
        assert (narrow.counters[name] <= wide.counters[name]).all(), name


@settings(max_examples=30)
@given(
    networks(most=1),
    accelerators(capacities=(256, 700, 4096)),
    st.sampled_from(FIELDS),
    st.integers(1, 8),
    st.sampled_from(("latency", "energy", "edp")),
)
def test_more_bits_never_map_to_a_better_objective(graph, machine, field, more, objective):
    """The mapper's own objective: a mapping that fits wider operands fits narrower ones, at no higher price."""
    works = bind(graph, machine).works
    works = works[works["kind"] == MAC_WORK]
    tables = hardware_record(machine), space_record(machine, dram_pj_per_byte=50.0, **PRICES)
    (_, narrow), (wide_mappings, wide) = (
        find_mappings(one, tables, ("ws",), objective, {}) for one in (works, widened(works, field, more))
    )
    fits = wide_mappings["feasible"] == 1
    scores = [
        {"latency": one["latency_cycles"], "energy": one["energy_pj"], "edp": one["energy_pj"] * one["latency_cycles"]}
        for one in (narrow, wide)
    ]
    assert (scores[0][objective][fits] <= scores[1][objective][fits] * (1 + 1e-9)).all()


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from((2, 4, 8)), st.sampled_from((4, 8))), min_size=5, max_size=5))
def test_cells_and_the_stated_remainder_are_the_full_simulation(bits):
    table = lut("lenet5_int8", "tpu_like_128", wbits=(2, 4, 8), abits=(4, 8))
    left = table.remainder(Evaluator("lenet5_int8", "tpu_like_128"), [bits])
    whole = Evaluator("lenet5_int8", "tpu_like_128").evaluate(bits)["cycles"]
    assert np.isclose(table.estimate([bits])[0] + left.remainder_cycles[0], whole, rtol=1e-12)
    if len(set(bits)) == 1:
        assert left.remainder_cycles[0] == 0
