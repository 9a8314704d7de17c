"""Planned tapes, replayed: nothing overflows, nothing is read before it is written, each ofmap is stored once."""

import pytest
from hypothesis import given, settings

from simulator.dataflow.plan_tables import IN_BUFFER
from simulator.engine.run import run
from simulator.errors import MappingError
from simulator.records import MAC_WORK, WRITE
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision
from tests.dataflow.network_cases import LAYOUTS, accelerator, plan, planned
from tests.dataflow.replay import check_operands_are_there, holdings, leases, replay, resident_reads, use_of
from tests.engine.test_accounting import assert_every_cycle_is_accounted_for
from tests.engine.test_event_loop import assert_equals_oracle
from tests.oracle.planner_oracle import collides, input_positions, overflows, read_positions


def capacities(space):
    return {i: int(space[0].capacity_bits[i]) for i in range(3)}


def check_buffers(case, layers):
    problem = overflows(holdings(case, layers), capacities(case.space))
    assert problem is None, problem


def final_stores(case):
    """Ids of the transfers that store each work's outputs, with the step's visit (None for vector and copy work)."""
    found = {}
    for layer in replay(case):
        if layer.plan is None:
            rows = range(layer.first_transfer, layer.first_transfer + len(layer.transfers))
            found[layer.index] = [(i, None) for i in rows if case.tape.transfers[i].direction == WRITE]
        else:
            visits = layer.plan.visits
            final = [visit for visit in visits if visit.final and visit.store is not None]
            found[layer.index] = [(layer.first_transfer + visit.store, visit) for visit in final]
    return found


def check_reads_follow_writes(case):
    """A transfer that reads a stored tensor begins when the stores of the rows it reads are done."""
    stores = final_stores(case)
    network, transfers = case.network, case.tape.transfers
    for layer in replay(case):
        for operand, column in (("ifmap", 0), ("weight", 1), ("residual", 2)):
            begin, end = network.producer_spans[layer.index, column]
            for source, how in zip(network.producers[begin:end], network.reads[begin:end], strict=True):
                for reader, visit in readers(layer, operand):
                    needed = [i for i, made in stores[int(source)] if must_precede(case, layer, visit, made, column)]
                    last = max((int(transfers[i].done_cycle) for i in needed), default=0)
                    assert how == IN_BUFFER or transfers[reader].begin_cycle >= last
                    assert how == IN_BUFFER or stores[int(source)], "read from DRAM, but not there"


def check_resident_reads_follow_writes(case, layers):
    """A step that reads a resident tensor takes it when every step that made the part it reads has written it."""
    for layer in layers:
        for source in layers[: layer.index]:
            for operand in resident_reads(case, layer, source.index):
                for step, visit in zip(layer.steps, layer.plan.visits if layer.plan else layer.steps, strict=True):
                    use = use_of(case.tape, step, operand)
                    if use is None:
                        assert operand == "residual"
                        assert not visit.final
                        continue
                    column = ("ifmap", "weight", "residual").index(operand)
                    made = zip(source.steps, source.plan.visits if source.plan else source.steps, strict=True)
                    for producer, tile in made:
                        if source.plan is not None and not tile.final:
                            continue
                        if must_precede(case, layer, *_visits(layer, visit, source, tile), column):
                            assert producer.output_cycle <= step.start_cycle + use.need_cycles


def _visits(layer, visit, source, tile):
    return (visit if layer.plan else None), (tile if source.plan else None)


def check_region(case, layers):
    buffer = case.machine.buffer_of("ifmap")
    problem = collides(leases(case, layers), buffer.resident_bytes * 8)
    assert problem is None, problem


def check_spills_are_read_after_their_store(case):
    """A psum tile that is read back begins to come when its own spill is done."""
    for layer in replay(case):
        spilled = {}
        for visit in layer.plan.visits if layer.plan is not None else []:
            if visit.psum_reload is not None:
                assert layer.transfers[visit.psum_reload].begin_cycle >= spilled[visit.psum]
            if visit.store is not None:
                spilled[visit.psum] = layer.transfers[visit.store].done_cycle


def readers(layer, operand):
    """(transfer id, visit that first uses it) of an operand's loads."""
    if layer.plan is None:
        ids = range(layer.first_transfer, layer.first_transfer + len(layer.transfers))
        loads = [i for i, transfer in zip(ids, layer.transfers, strict=True) if transfer.direction != WRITE]
        return [(i, None) for i in loads] if operand == "ifmap" else []
    first = {}
    for visit in layer.plan.visits:
        brought = getattr(visit, operand)
        if brought is not None:
            first.setdefault(brought, visit)
    return [(layer.first_transfer + brought, visit) for brought, visit in first.items()]


def must_precede(case, layer, visit, made, column):
    """Whether a load of ``visit`` needs the rows that the producer's step ``made`` stored."""
    if visit is None or made is None or column != 0 or not case.network.aligned[layer.index]:
        return True
    work = layer.work
    shape = (work["H"], work["stride_h"], work["R"], work["dilation_h"], work["pad_h"])
    rows = read_positions(visit.output_rows, *shape)
    images = set(range(*visit.images)) & set(range(*made.images))
    return bool(images and rows & set(range(*made.output_rows)))


def check_counts(case, layers):
    """Bytes and products of the counters are those of the transfers and steps."""
    for layer in layers:
        counters = case.tape.counters[layer.index]
        read = sum(int(t.payload_bytes) for t in layer.transfers if t.direction != WRITE)
        written = sum(int(t.payload_bytes) for t in layer.transfers if t.direction == WRITE)
        names = ("ifmap_dram_bytes", "weight_dram_bytes", "psum_dram_read_bytes", "residual_dram_bytes")
        assert sum(int(counters[name]) for name in names) == read
        assert int(counters.ofmap_dram_bytes + counters.psum_dram_write_bytes) == written
        assert (counters.steps, counters.transfers) == (len(layer.steps), len(layer.transfers))
        if layer.plan is None:
            continue
        direct = sum(visit.macs for visit in layer.plan.visits)
        assert direct == layer.work["macs"]
        assert counters.issued_macs >= direct
        if layer.work["group_packing"] == 1:
            assert counters.issued_macs == direct


def check_compulsory_traffic(case):
    """Never fewer bytes than the stored weights, network inputs and outputs."""
    graph, works = case.graph, case.network.works
    loaded = [w for w in works if w.kind == MAC_WORK and w.macs and not w.weight_resident]
    bits = sum(int(w.G * w.K * w.C * w.R * w.S * w.weight_bits) for w in loaded)
    moved = sum(int(t.payload_bytes) for t in case.tape.transfers)
    written = sum(int(t.payload_bytes) for t in case.tape.transfers if t.direction == WRITE)
    outputs = sum(int(w.ofmap_elements * w.ofmap_bits * w.ofmap_in_dram) for w in works)
    assert moved * 8 >= bits + outputs + graph.tensors[graph.inputs[0]].elements
    assert written * 8 >= outputs


@settings(max_examples=40)
@given(planned())
def test_random_networks_replay(case):
    if case is None:
        return
    timeline = run(case.tape, case.space)
    layers = list(replay(case))
    check_operands_are_there(case.tape)
    check_reads_follow_writes(case)
    check_resident_reads_follow_writes(case, layers)
    check_region(case, layers)
    check_spills_are_read_after_their_store(case)
    check_counts(case, layers)
    check_compulsory_traffic(case)
    check_buffers(case, layers)
    assert_every_cycle_is_accounted_for(case.tape, timeline)


@settings(max_examples=20)
@given(planned(capacities=(256, 700)))
def test_planned_tapes_equal_the_stepping_oracle(case):
    if case is None or len(case.tape.steps) > 60:
        return
    assert_equals_oracle(case.tape, case.space)


def test_the_written_out_nest_reads_halos_and_edges():
    assert input_positions((0, 2), 4, 9, stride=2, reach=3, padding=1) == {0, 1, 2, 3}
    assert input_positions((2, 4), 4, 9, stride=2, reach=3, padding=1) == {3, 4, 5, 6, 7, 8}
    assert input_positions((1, 2), 3, 9, stride=3, reach=1, padding=0) == {3, 4, 5}
    assert read_positions((1, 2), 9, stride=3, taps=2, dilation=2, padding=0) == {3, 5}


def byte_net():
    """A builder of 8-bit networks."""
    return GraphBuilder("bytes", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))


def run_and_check_buffers(case):
    run(case.tape, case.space)
    check_buffers(case, list(replay(case)))


@pytest.mark.parametrize("order", ["mck", "kcm", "cmk", "ckm"])
def test_spilled_psums_come_back_after_they_left(order):
    net = byte_net()
    graph = net.build(net.conv(net.input("image", (1, 4, 8, 8)), 6, 1))
    given_tile = {"conv2d_1": {"order": order, "tile": {"P": 4, "K": 3, "C": 2}}}
    case = plan(graph, accelerator(capacity=9999, slots=3, latency=500, bandwidth=32.0), given=given_tile)
    run(case.tape, case.space)
    check_spills_are_read_after_their_store(case)


def test_a_third_slot_is_not_used_for_a_third_copy_of_two_tiles():
    net = byte_net()
    graph = net.build(net.conv(net.input("image", (1, 16, 8, 8)), 12, 1))
    machine = accelerator(capacity=(1100, 9999, 9999), layout=LAYOUTS[2], latency=0, bandwidth=64.0, slots=3)
    run_and_check_buffers(plan(graph, machine, given={"conv2d_1": {"order": "kmc", "tile": {"P": 4, "K": 4}}}))


def test_a_shared_buffer_is_handed_over_when_the_psums_have_left_it():
    net = byte_net()
    image = net.input("image", (1, 1, 8, 8))
    graph = net.build(net.conv(image, 12, 1), net.conv(image, 40, 3, padding=1))
    machine = accelerator(capacity=3200, layout=LAYOUTS[0], latency=40, bandwidth=8.0, slots=1)
    run_and_check_buffers(plan(graph, machine, given={"conv2d_1": {}, "conv2d_2": {"tile": {"P": 1}}}))


def test_a_copy_between_two_layers_does_not_free_the_first_ones_buffers():
    net = byte_net()
    image = net.input("image", (1, 4, 8, 8))
    first = net.conv(image, 64, 3, padding=1)
    copied = net.transpose(image, (0, 1, 3, 2), moves_data=True)
    graph = net.build(first, copied, net.conv(image, 80, 3, padding=1))
    machine = accelerator(capacity=4300, layout=LAYOUTS[2], latency=0, bandwidth=64.0, slots=1)
    one_row = {"tile": {"P": 1}}
    run_and_check_buffers(plan(graph, machine, given={"conv2d_1": one_row, "conv2d_2": one_row}))


def test_a_reduction_to_one_element_is_chunked_by_what_it_reads():
    net = byte_net()
    graph = net.build(net.reduction(net.input("image", (1, 4, 32, 32)), "mean", (0, 1, 2, 3)))
    run_and_check_buffers(plan(graph, accelerator(capacity=512, layout=LAYOUTS[2])))


def test_recurrent_steps_find_their_state_whatever_the_dataflow():
    net = byte_net()
    graph = net.build(net.recurrent(net.input("rows", (5, 3, 4)), 6))
    for flow in ("ws", "os", "is"):
        case = plan(graph, accelerator(), dataflows=(flow,))
        run(case.tape, case.space)
        steps = case.tape.steps[case.tape.spans[1].first_step :]
        waiting = [step for step in steps if step.wait_step >= 0]
        assert waiting
        for step in waiting:
            written = case.tape.steps[step.wait_step].output_cycle
            assert step.start_cycle >= written + (step.setup_cycles if flow == "is" else 0)


def test_too_many_tiles_are_refused():
    net = byte_net()
    graph = net.build(net.gemm(net.input("rows", (30000, 8)), 3000))
    given = {"gemm_1": {"tile": {"P": 1, "K": 1}}}
    with pytest.raises(MappingError, match=r"takes 90,000,000 tiles, work 0 alone 90,000,000.*enlarge the buffers"):
        plan(graph, accelerator(capacity=2000), given=given)
