"""Vector and copy layers in chunks, and the order of the DMA queue."""

from hypothesis import given, settings

from simulator.records import NONE, READ, VECTOR, WRITE
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision
from tests.dataflow.network_cases import LAYOUTS, accelerator, plan, planned


def byte_net():
    return GraphBuilder("bytes", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))


def test_chunks_share_bytes_lanes_and_outputs():
    net = byte_net()
    graph = net.build(net.softmax(net.input("rows", (7, 9)), name="soft"))
    case = plan(graph, accelerator(lanes=4, capacity=999), given={"soft": {"chunks": 4}})
    loads = case.tape.transfers[case.tape.transfers.direction == READ].payload_bytes
    stores = case.tape.transfers[case.tape.transfers.direction == WRITE].payload_bytes
    assert sorted(loads) == [16, 16, 16, 16]  # 63 bytes in parts of 126 bits, in whole bytes
    assert sorted(stores) == [15, 16, 16, 16]
    assert [int(step.issue_cycles) for step in case.tape.steps] == [4, 4, 4, 4]
    assert set(case.tape.steps.resource) == {VECTOR}
    assert case.tape.counters[0].vector_operations == 63


def test_a_chunk_waits_for_its_load_and_for_a_drained_slot():
    net = byte_net()
    graph = net.build(net.softmax(net.input("rows", (8, 8)), name="soft"))
    case = plan(graph, accelerator(capacity=999, slots=2, layout=LAYOUTS[2]), given={"soft": {"chunks": 4}})
    uses = [case.tape.uses[s.first_use : s.first_use + s.uses].transfer.tolist() for s in case.tape.steps]
    assert uses == [[0], [2], [4, 1], [6, 3]]
    assert [int(case.tape.transfers[i].free_step) for i in (0, 2, 4, 6)] == [NONE, NONE, 0, 1]
    assert case.tape.order.tolist() == [0, 2, 4, 1, 6, 3, 5, 7]  # a step's store goes behind the load it makes room for


def test_a_reduction_keeps_its_result_until_enough_was_read():
    net = byte_net()
    graph = net.build(net.reduction(net.input("image", (1, 4, 8, 8)), "mean", (0, 1, 2, 3), name="mean"))
    case = plan(graph, accelerator(capacity=999), given={"mean": {"chunks": 3}})
    stores = case.tape.transfers[case.tape.transfers.direction == WRITE].payload_bytes
    assert stores.tolist() == [0, 0, 1]


def test_a_copy_is_a_load_and_a_store_without_a_step():
    net = byte_net()
    graph = net.build(net.transpose(net.input("image", (1, 2, 3, 4)), (0, 2, 3, 1), moves_data=True, name="move"))
    case = plan(graph, accelerator(), given={"move": {"chunks": 2}})
    assert len(case.tape.steps) == 0
    assert case.tape.transfers.payload_bytes.tolist() == [12, 12, 12, 12]
    assert [case.tape.afters[row.first_after] for row in case.tape.transfers if row.direction == WRITE] == [0, 2]


@settings(max_examples=25)
@given(planned())
def test_the_queue_never_waits_for_what_is_behind_it(case):
    """Loads keep the order of their need; what a transfer or its slot's step waits for is ahead of it."""
    if case is None:
        return
    tape = case.tape
    place = {int(i): at for at, i in enumerate(tape.order)}
    assert sorted(place) == list(range(len(tape.transfers)))
    loads = [int(i) for i in tape.order if tape.transfers[i].direction == READ]
    assert loads == sorted(loads)
    furthest, reach = -1, []  # the last transfer in the queue that each step needs, itself or through an earlier step
    for step in tape.steps:
        uses = tape.uses[step.first_use : step.first_use + step.uses]
        furthest = max([furthest, *(place[int(use.transfer)] for use in uses if use.transfer != NONE)])
        reach.append(furthest)
    for i, transfer in enumerate(tape.transfers):
        waits = [place[int(j)] for j in tape.afters[transfer.first_after : transfer.first_after + transfer.afters]]
        waits += [reach[int(step)] for step in (transfer.free_step, transfer.data_step) if step != NONE]
        assert max(waits, default=-1) < place[i]
