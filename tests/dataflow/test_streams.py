"""Steps lengthened by banks, ports and buses are those of the hardware stepped cycle by cycle; words are the banks'."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.dataflow.streams import FIRST_BUFFER, RESOURCES, SHARED_BUS, bank_cycles
from simulator.records import COPY_WORK, MAC_WORK, NONE, PSUM
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision
from tests.dataflow.network_cases import accelerator, plan, planned, planned_anew
from tests.dataflow.replay import replay
from tests.oracle.bank_oracle import BankedBuffer, Bus, edge_walks, run_step

RESOURCE_NAMES = ("ifmap", "weight", "psum_in", "shared", "bank0", "bank1", "bank2")


def resources_of(space, *, reloads):
    """The machine's buses and banked buffers, in the order in which they are blamed."""
    made = {}
    for name, width in (
        ("ifmap", space.ifmap_bus_words),
        ("weight", space.weight_bus_words),
        ("psum_in", space.psum_bus_words),
        ("psum_out", space.psum_bus_words),
        ("shared", space.shared_bus_bits),
    ):
        if width:
            made[name] = Bus(int(width))
    filled = {int(space.home[0]), int(space.home[1])} | ({int(space.home[2])} if reloads else set())
    for buffer in range(3):
        if space.ports[buffer]:
            period = int(space.dma_period_cycles[buffer]) if buffer in filled else 0
            made[f"bank{buffer}"] = BankedBuffer(
                int(space.banks[buffer]), int(space.ports[buffer]), int(space.word_bits[buffer]), period
            )
    return made


def ask_edge(space, made, work, walks):
    words = {}
    for operand, lengths in walks.items():
        home = ("ifmap", "weight", "psum_in", "psum_out").index(operand)
        home = min(home, PSUM)
        bits = work[("ifmap_bits", "weight_bits", "psum_bits")[home]]
        if operand in made:
            made[operand].ask(sum(lengths))
        if "shared" in made and space.on_shared_bus[home]:
            made["shared"].ask(sum(lengths) * bits)
        buffer = made.get(f"bank{space.home[home]}")
        if buffer:
            before = buffer.words
            for length in lengths:
                buffer.ask([bits] * length)
            words[operand] = buffer.words - before
    return words


def ask_bits(space, made, operand, bits):
    buffer = made.get(f"bank{space.home[operand]}")
    if buffer and bits:
        buffer.ask([1] * bits)


def mac_steps(case, layer):
    """(resources asked for one step, words asked of banks by operand) for each step of a multiply-accumulate work."""
    space, work = case.space[0], layer.work
    hardware = case.hardware[int(case.mapped.mappings[layer.index].dataflow)]
    reloads = any(visit.psum_reload is not None for visit in layer.plan.visits)
    everything = sum(visit.rows * visit.cols * visit.groups for visit in layer.plan.visits if visit.final)
    begun, done = set(), 0
    for visit in layer.plan.visits:
        made = resources_of(space, reloads=reloads)
        tile = {"rows": visit.rows, "inner": visit.inner, "cols": visit.cols, "groups": visit.groups}
        tile |= {"pack": work["pack"], "inner_pack": work["inner_pack"], "accumulates": visit.psum in begun}
        begun.add(visit.psum)
        walks = edge_walks(int(hardware.dataflow), (int(hardware.rows), int(hardware.columns)), tile)
        words = ask_edge(space, made, work, walks)
        outputs = visit.rows * visit.cols * visit.groups
        if visit.closed:
            ask_bits(space, made, 2, outputs * work["psum_bits"])
        if visit.final:
            ask_bits(space, made, 0, outputs * work["residual_bits"])
            before = work["ofmap_elements"] * done // everything
            done += outputs
            if work["ofmap_resident"]:
                kept = work["ofmap_elements"] * done // everything - before
                ask_bits(space, made, 0, kept * work["ofmap_bits"])
        yield made, words


def vector_steps(case, layer):
    space, work, chunks = case.space[0], layer.work, len(layer.steps)
    for i in range(chunks):

        def part(total, i=i):
            return total * (i + 1) // chunks - total * i // chunks

        made = resources_of(space, reloads=False)
        ask_bits(space, made, 0, part(work["resident_input_bits"]))
        ask_bits(space, made, 0, part(work["input_bits"] - work["resident_input_bits"]))
        written = part(work["ofmap_elements"]) * work["ofmap_bits"]
        if work["ofmap_in_dram"]:
            ask_bits(space, made, 2, written)
            ask_bits(space, made, 2, written)
        if work["ofmap_resident"]:
            ask_bits(space, made, 0, written)
        yield made, {}


def check(case):
    blamed = np.zeros((len(case.tape.spans), RESOURCES), np.int64)
    for layer in replay(case):
        if layer.work["kind"] == COPY_WORK:
            continue
        asked = mac_steps(case, layer) if layer.work["kind"] == MAC_WORK else vector_steps(case, layer)
        words = {}
        for step, (made, read) in zip(layer.steps, asked, strict=True):
            cycles, last = run_step(int(step.issue_cycles), made)
            assert step.issue_cycles + step.bus_cycles == cycles
            if step.bus_cycles:
                names = ["psum_in" if name == "psum_out" else name for name in last]
                blamed[layer.index, RESOURCE_NAMES.index(min(names, key=RESOURCE_NAMES.index))] += step.bus_cycles
            for operand, count in read.items():
                words[operand] = words.get(operand, 0) + count
        counters = case.tape.counters[layer.index]
        for operand, name in (("ifmap", "ifmap_read_words"), ("psum_out", "psum_write_words")):
            if operand in words and not (layer.work["residual_bits"] and operand == "ifmap"):
                reloaded = counters.psum_dram_read_bytes if operand == "psum_out" else 0
                assert reloaded or counters[name] == words[operand]
    if case.tape.stretch is None:
        assert not case.tape.steps.bus_cycles.any()
    else:
        assert np.array_equal(case.tape.stretch.cycles, blamed)


@given(planned())
@settings(max_examples=30)
def test_steps_last_as_long_as_the_hardware_stepped_cycle_by_cycle(case):
    if case is not None:
        check(case)


@given(
    st.integers(0, 200),
    st.integers(1, 4),
    st.integers(0, 9),
)
def test_a_banks_accesses_beside_the_dmas_turns(accesses, ports, period):
    if period * ports == 1:
        period = 0
    buffer = BankedBuffer(1, ports, 8, period)
    buffer.ask([8] * accesses)
    assert run_step(0, {"bank": buffer})[0] == bank_cycles(np.array([accesses]), ports, period)[0]


@given(
    st.integers(1, 60),
    st.integers(1, 3),
    st.integers(2, 7),
    st.lists(st.integers(0, 9), max_size=90),
)
def test_a_dma_on_demand_takes_no_more_than_its_turns(accesses, ports, period, pauses):
    waiting, cycle, next_line, gaps = accesses, 0, pauses[0] if pauses else 0, iter(pauses[1:])
    while waiting > 0:  # the array's accesses to one bank; a line goes first, lines come at least a period apart
        taken = 1 if cycle == next_line else 0
        if taken:
            next_line = cycle + period + next(gaps, 0)
        waiting -= ports - taken
        cycle += 1
    asked = np.array([accesses])
    assert bank_cycles(asked, ports, 0)[0] <= cycle <= bank_cycles(asked, ports, period)[0]


def dense(**changes):
    net = GraphBuilder("bytes", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))
    graph = net.build(net.gemm(net.input("rows", (16, 8)), 8, name="dense", bias=False))
    return plan(graph, accelerator(capacity=9999, **changes), given={"dense": {"tile": {"P": 16, "K": 8, "C": 8}}})


def test_without_ports_and_buses_nothing_changes():
    case = dense()
    assert case.tape.stretch is None
    assert not case.tape.steps.bus_cycles.any()


def test_one_port_serves_a_read_and_a_write_of_psums_one_after_the_other():
    # 8 x 4 folds of 16 rows: 2 x 2 folds, each 16 rows of 4 psums of 32 bits, four words, one in each of four banks
    single, dual = (dense(ports=ports, banks=4, layout=(("ifmap",), ("weight",), ("psum",))) for ports in (1, 2))
    psum = FIRST_BUFFER + 2
    outputs = 16 * 8 // 4  # lines of four banks
    assert dual.tape.steps.bus_cycles.sum() == 0
    assert single.tape.steps.bus_cycles[0] == single.tape.stretch.cycles[0, psum]
    assert single.tape.steps.bus_cycles[0] + single.tape.steps.issue_cycles[0] == (2 + 1 + 1) * outputs


def test_operands_that_share_a_bus_cross_it_one_after_the_other():
    apart = dense(shared_bus_operands=["ifmap"], shared_bus_bits_per_cycle=8)
    shared = dense(shared_bus_operands=["ifmap", "weight"], shared_bus_bits_per_cycle=8)
    step = apart.tape.steps[0]
    assert step.issue_cycles + step.bus_cycles == 2 * 16 * 8
    assert shared.tape.steps[0].bus_cycles - step.bus_cycles == 8 * 8
    assert shared.tape.stretch.cycles[0, SHARED_BUS] == shared.tape.steps[0].bus_cycles


@pytest.mark.parametrize("bits", [8, 4, 3, 1])
def test_narrow_elements_are_packed_across_words(bits):
    net = GraphBuilder("bits", weight_precision=Precision(bits=bits), activation_precision=Precision(bits=bits))
    graph = net.build(net.gemm(net.input("rows", (16, 8)), 4, name="dense", bias=False))
    case = plan(
        graph, accelerator(capacity=9999, ports=1, banks=8), given={"dense": {"tile": {"P": 16, "K": 4, "C": 8}}}
    )
    assert case.tape.counters[0].ifmap_read_words == -(-16 * 8 * bits // 32)
    assert case.tape.counters[0].weight_read_words == -(-8 * 4 * bits // 32)


def test_slots_are_held_as_much_longer_as_the_step():
    free, narrow = dense(), dense(shared_bus_operands=["ifmap"], shared_bus_bits_per_cycle=1)
    longer = int(narrow.tape.steps[0].bus_cycles)
    assert longer > 0
    for before, after in zip(free.tape.uses, narrow.tape.uses, strict=True):
        if before.operand != PSUM and before.transfer != NONE:
            assert after.free_cycles - before.free_cycles == longer


@given(planned())
@settings(max_examples=15)
def test_more_ports_never_lengthen_a_step(case):
    if case is None or not case.space[0].ports.any():
        return
    buffers = tuple(one.model_copy(update={"ports": one.ports and one.ports + 1}) for one in case.machine.buffers)
    wider = planned_anew(case, case.machine.model_copy(update={"buffers": buffers}))
    assert (wider.tape.steps.bus_cycles <= case.tape.steps.bus_cycles).all()
