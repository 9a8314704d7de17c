"""Laws that no tape and no network may break: lower bounds, conservation, monotony, and same in, same out."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.api import simulate
from simulator.engine.run import run
from simulator.errors import MappingError
from simulator.records import MAC_WORK
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision
from tests.dataflow.network_cases import accelerator, given_mappings, networks, plan, planned
from tests.engine.tape_cases import BANDWIDTHS, memory_space, random_tapes


def total_of(tape, space):
    return run(tape, space).total_cycles


@settings(max_examples=40)
@given(planned())
def test_no_faster_than_the_array_and_the_port(case):
    if case is None:
        return
    timeline = run(case.tape, case.space)
    array = case.machine.array
    beats = Fraction(0)
    for i, work in enumerate(case.network.works):
        if work.kind == MAC_WORK:
            issued = int(case.tape.counters[i].issued_macs)
            beats += Fraction(issued * int(work.passes), int(work.pack) * int(work.inner_pack))
    assert timeline.total_cycles * array.rows * array.columns >= beats
    moved = sum(int(transfer.payload_bytes) for transfer in case.tape.transfers)
    assert timeline.total_cycles * float(case.space[0].dram_bytes_per_cycle) >= moved
    assert timeline.total_cycles >= timeline.dram_busy_cycles
    lanes = sum(int(counters.vector_operations) for counters in case.tape.counters)
    assert timeline.total_cycles * case.machine.vector.lanes >= lanes


@settings(max_examples=25)
@given(st.data())
def test_products_are_the_same_under_every_mapping(data):
    graph, machine = data.draw(networks(most=2)), accelerator(capacity=99999)
    searched = plan(graph, machine)
    given_ones = data.draw(given_mappings(searched.network))
    other = plan(graph, machine, given=given_ones)
    assert searched.network.works.macs.tolist() == other.network.works.macs.tolist()
    for case in (searched, other):
        assert case.tape.counters.issued_macs.tolist() == case.network.works.macs.tolist()


@given(random_tapes(), st.sampled_from(BANDWIDTHS), st.sampled_from(BANDWIDTHS), st.integers(0, 9), st.integers(0, 9))
def test_a_faster_memory_never_adds_cycles(tape, one, other, latency, more):
    slow, fast = memory_space(min(one, other), latency + more), memory_space(max(one, other), latency)
    assert total_of(tape, fast) <= total_of(tape, slow)


@given(random_tapes(), st.data())
def test_smaller_transfers_never_add_cycles(tape, data):
    space = memory_space(data.draw(st.sampled_from(BANDWIDTHS)), data.draw(st.integers(0, 9)))
    before = total_of(tape, space)
    if len(tape.transfers):
        chosen = data.draw(st.integers(0, len(tape.transfers) - 1))
        tape.transfers[chosen].payload_bytes = data.draw(st.integers(0, int(tape.transfers[chosen].payload_bytes)))
    assert total_of(tape, space) <= before


@settings(max_examples=25)
@given(planned(), st.sampled_from((2.0, 7.5)))
def test_a_planned_tape_obeys_them_too(case, faster):
    if case is None:
        return
    before = total_of(case.tape, case.space)
    space = case.space.copy()
    space[0].dram_bytes_per_cycle *= faster
    assert total_of(case.tape, space) <= before
    space[0].dram_latency_cycles = 0
    assert total_of(case.tape, space) <= before
    smaller = replace(case.tape, transfers=case.tape.transfers.copy())
    smaller.transfers.payload_bytes //= 2
    assert total_of(smaller, case.space) <= before


@given(random_tapes(), st.data())
def test_later_steps_never_make_earlier_events_earlier(tape, data):
    """What has happened does not depend on how long a later step takes."""
    space = memory_space()
    run(tape, space)
    if not len(tape.steps):
        return
    chosen = data.draw(st.integers(0, len(tape.steps) - 1))
    began = int(tape.steps[chosen].start_cycle)
    before = [(int(s.start_cycle), int(s.output_cycle)) for s in tape.steps]
    tape.steps[chosen].issue_cycles += 5
    tape.steps[chosen].latency_cycles += 5
    run(tape, space)
    after = [(int(s.start_cycle), int(s.output_cycle)) for s in tape.steps]
    assert before[:chosen] == after[:chosen]
    assert after[chosen][0] == began
    assert all(new >= old for new, old in zip(after, before, strict=True))


def chain(ifmap_bits, weight_bits):
    net = GraphBuilder(
        "chain", weight_precision=Precision(bits=weight_bits), activation_precision=Precision(bits=ifmap_bits)
    )
    x = net.relu(net.conv(net.input("image", (1, 3, 7, 7)), 5, 3, padding=1, name="a"))
    x = net.add(net.conv(x, 5, 3, padding=1, name="b"), x)
    return net.build(net.gemm(net.flatten(net.max_pool(x, 2)), 9, name="c"))


def moved_bytes(counters):
    """Every DRAM byte counter of every layer."""
    return np.array([layer[name] for layer in counters for name in counters.dtype.names if "bytes" in name])


@settings(max_examples=20)
@given(st.integers(1, 7), st.integers(1, 7), st.booleans(), st.data())
def test_more_bits_never_mean_fewer_bytes_at_a_fixed_mapping(ifmap_bits, weight_bits, widen_weights, data):
    machine = accelerator(capacity=99999)
    narrow = plan(chain(ifmap_bits, weight_bits), machine)
    fixed = data.draw(given_mappings(narrow.network))
    wider = (ifmap_bits, weight_bits + 1) if widen_weights else (ifmap_bits + 1, weight_bits)
    rest = {row.name: {} for row in narrow.network.rows if row.macs}
    cases = [plan(chain(*bits), machine, given=rest | fixed) for bits in ((ifmap_bits, weight_bits), wider)]
    small, large = (moved_bytes(case.tape.counters) for case in cases)
    assert (large >= small).all()


@settings(max_examples=8)
@given(networks(most=3), st.sampled_from(("ws", "os", "is", "auto")))
def test_same_in_same_bytes_out(graph, dataflow):
    machine = accelerator(capacity=9999)
    try:
        first = simulate(graph, machine, dataflow=dataflow).to_json()
    except MappingError:
        return
    assert simulate(graph, machine, dataflow=dataflow).to_json() == first


def test_the_number_of_threads_changes_nothing(run_python):
    code = "import simulator; print(simulator.simulate('lenet5_int8', 'gemmini_like_16').to_json())"
    outputs = [run_python("-c", code, NUMBA_NUM_THREADS=threads) for threads in ("1", "2")]
    assert outputs[0].returncode == 0, outputs[0].stderr
    assert outputs[0].stdout == outputs[1].stdout
