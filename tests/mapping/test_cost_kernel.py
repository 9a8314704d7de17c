"""The mapper's closed forms against the loop nest written out, and against what the planner puts on the tape."""

import pytest
from hypothesis import given, settings

from simulator.mapping.cost_kernel import count_compute, count_tiles, count_traffic, dram_cycles, input_total
from simulator.mapping.estimate_kernel import predict_latency
from simulator.records import MAC_WORK, MAPPING, ORDER_NAMES, OS, WRITE, table
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision
from tests.dataflow.network_cases import accelerator, plan, planned
from tests.dataflow.replay import as_dict, replay
from tests.mapping.machine_view import machine_of, search_tables, timing_of
from tests.oracle.mapping_oracle import predict
from tests.oracle.planner_oracle import traffic_bits


def counted(work, hardware, space, mapping):
    """Return the mapper's tables after counting one mapping."""
    search = search_tables(work, hardware, space, mapping)
    record = work[0]
    inputs = 0 if record.ifmap_on_chip or record.ifmap_resident else input_total(record, search.trial)
    outputs = record.sequence_steps * record.N * record.P * record.Q * record.G * record.K
    count_tiles(search)
    count_traffic(search, int(inputs), int(outputs))
    count_compute(search)
    return search


@settings(max_examples=30)
@given(planned())
def test_counts_equal_the_written_out_nest_and_the_tape(case):
    if case is None:
        return
    for layer in replay(case):
        if layer.plan is None:
            continue
        i, work = layer.index, layer.work
        mapping = case.mapped.mappings[i]
        flow = int(mapping.dataflow)
        search = counted(case.network.works[i : i + 1], case.hardware[flow : flow + 1], case.space, mapping)
        traffic, compute = search.traffic, search.compute
        bits = traffic_bits(layer.plan)
        assert traffic.ifmap_bits == bits["ifmap"]
        assert traffic.psum_spill_bits == bits["psum"]
        assert traffic.residual_bits == bits["residual"]
        rounded = len(layer.plan.visits)  # a share of the biases comes with each weight tile, in whole bits
        assert traffic.weight_bits <= bits["weight"] < traffic.weight_bits + rounded + 1
        moved = sum(int(transfer.payload_bytes) for transfer in layer.transfers)
        assert traffic.total_bytes <= moved <= traffic.total_bytes + len(layer.transfers) + rounded // 8 + 1
        reads = [transfer for transfer in layer.transfers if transfer.direction != WRITE]
        assert traffic.ifmap_loads == sum(1 for move in layer.plan.moves if move.operand == "ifmap")
        assert traffic.weight_loads == sum(1 for move in layer.plan.moves if move.operand == "weight")
        assert traffic.psum_drains == len(layer.transfers) - len(reads)
        assert compute.steps == len(layer.steps)
        machine, ask = machine_of(case.hardware[flow], case.space[0]), timing_of(case.hardware[flow], work)
        expected = predict(work, as_dict(mapping), machine, ask)
        assert compute.cycles == expected.compute
        estimate = predict_latency(search, float(dram_cycles(case.space[0], int(traffic.total_bytes))))
        slack = (rounded + 7) / 8 / case.space[0].dram_bytes_per_cycle
        assert expected.latency - slack - 1e-6 <= estimate <= expected.latency + 1e-6


@settings(max_examples=30)
@given(planned())
def test_compute_is_the_steps_issue_and_setup(case):
    """The estimate of the array's time holds every step's issue cycles, and never more than all setups exposed."""
    if case is None:
        return
    for layer in replay(case):
        if layer.plan is None or case.mapped.mappings[layer.index].dataflow == OS:
            continue  # the last fold of an OS tile depends on the next tile: see the test below
        flow = int(case.mapped.mappings[layer.index].dataflow)
        mapping = case.mapped.mappings[layer.index]
        search = counted(
            case.network.works[layer.index : layer.index + 1], case.hardware[flow : flow + 1], case.space, mapping
        )
        issue = sum(int(step.issue_cycles) for step in layer.steps)
        busy = sum(int(step.issue_cycles + step.bus_cycles + step.setup_cycles) for step in layer.steps)
        assert issue <= search.compute.cycles <= busy


@pytest.mark.parametrize("drain", ["shift_blocking", "separate_chain"])
def test_output_stationary_compute_is_the_steps_issue(drain):
    net = GraphBuilder("os", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))
    graph = net.build(net.gemm(net.input("rows", (9, 12)), 7, name="dense"))
    machine = accelerator(os_drain=drain, capacity=9999)
    case = plan(graph, machine, dataflows=("os",), given={"dense": {"tile": {"P": 4, "K": 3, "C": 6}}})
    search = counted(case.network.works, case.hardware[OS : OS + 1], case.space, case.mapped.mappings[0])
    assert search.compute.cycles == sum(int(step.issue_cycles) for step in case.tape.steps)


@pytest.mark.parametrize("order", range(len(ORDER_NAMES)))
@pytest.mark.parametrize("tile", [(2, 2, 2), (4, 2, 1), (1, 6, 3), (4, 6, 3), (2, 6, 1), (4, 1, 3)])
def test_every_loop_order_moves_what_its_nest_moves(order, tile):
    net = GraphBuilder("one", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))
    graph = net.build(net.conv(net.input("image", (1, 3, 6, 6)), 6, 3, name="conv", bias=False))
    p, k, c = tile
    given_tile = {"order": ORDER_NAMES[order], "tile": {"P": p, "K": k, "C": c}}
    case = plan(graph, accelerator(capacity=99999), given={"conv": given_tile})
    search = counted(case.network.works, case.hardware[:1], case.space, case.mapped.mappings[0])
    moved = sum(int(transfer.payload_bytes) for transfer in case.tape.transfers)
    assert search.traffic.total_bytes == moved


def test_a_mapping_record_is_what_the_mapper_counts():
    assert {"N", "P", "Q", "G", "K", "C", "order"} < set(table(MAPPING, 1).dtype.names)
    assert MAC_WORK == 0
