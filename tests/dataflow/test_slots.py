"""Whom a buffer slot's next tile waits for, inside a layer and over its boundary."""

from simulator.records import IFMAP, NONE, PSUM, READ, WEIGHT, WRITE
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision
from tests.dataflow.network_cases import LAYOUTS, accelerator, plan


def byte_net():
    return GraphBuilder("bytes", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))


def loads_of(case, work, operand):
    span = case.tape.spans[work]
    rows = case.tape.transfers[span.first_transfer : span.first_transfer + span.transfers]
    return [row for row in rows if row.operand == operand and row.direction == READ]


def rows_case(slots, capacity=9999):
    net = byte_net()
    graph = net.build(net.conv(net.input("image", (1, 4, 8, 8)), 4, 1, name="conv"))
    machine = accelerator(capacity=capacity, slots=slots, layout=LAYOUTS[2])
    return plan(graph, machine, given={"conv": {"tile": {"P": 2}}})


def test_a_slot_waits_for_the_step_that_used_it_last():
    for slots in (1, 2, 3):
        free = [int(load.free_step) for load in loads_of(rows_case(slots), 0, IFMAP)]
        assert free == [NONE] * slots + list(range(4 - slots))


def test_a_weight_tile_that_stays_is_loaded_once():
    case = rows_case(2)
    assert len(loads_of(case, 0, WEIGHT)) == 1
    assert all(step.uses >= 2 for step in case.tape.steps)


def test_a_psum_slot_waits_for_the_store_that_drains_it():
    case = rows_case(2)
    stores = [i for i, row in enumerate(case.tape.transfers) if row.direction == WRITE]
    drained = []
    for step in case.tape.steps:
        uses = case.tape.uses[step.first_use : step.first_use + step.uses]
        drained += [int(use.transfer) for use in uses if use.operand == PSUM]
    assert drained == stores[:2]  # two slots were empty at first


def three_layers(capacity):
    net = byte_net()
    x = net.input("image", (1, 4, 8, 8))
    for i in range(3):
        x = net.conv(x, 4, 1, name=f"conv{i}", bias=False)
    machine = accelerator(capacity=(9999, capacity, 9999), slots=1, layout=LAYOUTS[2])
    return plan(net.build(x), machine)


def test_a_slot_beside_the_layer_before_waits_for_the_layer_before_that():
    case = three_layers(capacity=32)  # two layers' weights of 16 bytes
    last = [int(span.first_step + span.steps - 1) for span in case.tape.spans]
    assert [int(loads_of(case, i, WEIGHT)[0].free_step) for i in range(3)] == [NONE, NONE, last[0]]


def test_a_slot_that_does_not_fit_beside_it_waits_for_the_layer_before():
    case = three_layers(capacity=31)
    last = [int(span.first_step + span.steps - 1) for span in case.tape.spans]
    assert [int(loads_of(case, i, WEIGHT)[0].free_step) for i in range(3)] == [NONE, last[0], last[1]]


def chain(**window):
    net = byte_net()
    x = net.conv(net.input("image", (1, 2, 8, 8)), 2, 1, name="first")
    return net.build(net.conv(x, 2, 3, name="second", **window))


def stores_waited_for(case):
    """For each ifmap load of the second layer: which stores of the first, counted from 0, it waits for."""
    stores = [i for i, row in enumerate(case.tape.transfers) if row.direction == WRITE and row.layer == 0]
    found = []
    for load in loads_of(case, 1, IFMAP):
        ids = case.tape.afters[load.first_after : load.first_after + load.afters]
        found.append([stores.index(int(i)) for i in ids])
    return found


def test_an_aligned_reader_waits_for_its_rows_only():
    tiles = {"first": {"tile": {"P": 2}}, "second": {"tile": {"P": 2}}}
    assert stores_waited_for(plan(chain(padding=1), accelerator(capacity=9999), given=tiles)) == [[1], [2], [3], [3]]
    assert stores_waited_for(plan(chain(), accelerator(capacity=9999), given=tiles)) == [[1], [2], [3]]


def test_a_reader_of_a_column_outer_producer_waits_for_all_of_it():
    tiles = {"first": {"order": "kmc", "tile": {"P": 4, "K": 1}}, "second": {"tile": {"P": 3}}}
    assert stores_waited_for(plan(chain(), accelerator(capacity=9999), given=tiles)) == [[3], [3]]
