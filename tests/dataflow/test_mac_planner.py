"""The steps of a tiled layer: their order, their times from the law, their spills and fused work."""

from itertools import product

import pytest

from simulator.dataflow.mac_planner import following
from simulator.dataflow.systolic_law import tile_timing
from simulator.records import GEMM_TILE, NONE, ORDER_NAMES, PSUM, READ, TILE_TIMING, WRITE, table
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision
from tests.dataflow.network_cases import accelerator, plan
from tests.dataflow.replay import replay


def byte_net():
    return GraphBuilder("bytes", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))


@pytest.mark.parametrize("order", range(len(ORDER_NAMES)))
def test_loop_orders_are_nested_loops_outermost_first(order):
    counts = {"m": 3, "k": 2, "c": 4}
    names = ORDER_NAMES[order]
    loops = [dict(zip(names, at, strict=True)) for at in product(*(range(counts[name]) for name in names))]
    visited = [(0, 0, 0)]
    for _ in range(24):
        visited.append(following(order, visited[-1], (3, 2, 4)))
    assert visited == [(at["m"], at["k"], at["c"]) for at in loops] + [(0, 0, 0)]


def case_of(order, flow="ws", **tile):
    net = byte_net()
    graph = net.build(net.relu(net.conv(net.input("image", (1, 6, 6, 6)), 9, 3, name="conv")))
    given = {"conv": {"order": order, "dataflow": flow, "tile": tile}}
    return plan(graph, accelerator(capacity=99999, lanes=3), given=given)


@pytest.mark.parametrize("flow", ["ws", "os", "is"])
@pytest.mark.parametrize("order", ["mkc", "cmk"])
def test_step_times_are_the_laws(flow, order):
    case = case_of(order, flow, P=3, K=5, C=4)
    (layer,) = replay(case)
    hardware = case.hardware[("ws", "os", "is").index(flow)]
    for step, visit in zip(layer.steps, layer.plan.visits, strict=True):
        tile, timing = table(GEMM_TILE, 1)[0], table(TILE_TIMING, 1)[0]
        tile.rows, tile.inner, tile.cols, tile.groups = visit.rows, visit.inner, visit.cols, visit.groups
        tile.group_packing = tile.pack = tile.passes = 1
        tile.next_inner = 36 if visit.inner == 18 else 18  # c runs 4, 2, 4, 2
        if order == "mkc" or flow != "os":
            tile_timing(hardware, tile, timing)
            for name in ("setup_cycles", "issue_cycles", "latency_cycles", "useful_cycles", "first_output_cycles"):
                assert step[name] == timing[name]
        assert step.useful_cycles + step.fill_cycles + step.drain_cycles + step.imbalance_cycles == step.issue_cycles


@pytest.mark.parametrize(("order", "spills"), [("mkc", 0), ("kmc", 0), ("mck", 4), ("kcm", 4), ("cmk", 4), ("ckm", 4)])
def test_unfinished_psums_are_spilled_and_read_back_once_each(order, spills):
    case = case_of(order, P=2, K=5, C=3)
    rows = case.tape.transfers[case.tape.transfers.operand == PSUM]
    assert sum(row.direction == READ for row in rows) == spills
    assert sum(row.direction == WRITE for row in rows) == 4 + spills
    counters = case.tape.counters[0]
    assert counters.psum_dram_read_bytes == counters.psum_dram_write_bytes == (4 * 4 * 9 * 4 if spills else 0)


def test_fused_work_is_on_the_last_reduction_step_only():
    case = case_of("mkc", P=2, K=5, C=3)
    outputs = [2 * 4 * 5, 2 * 4 * 4] * 2
    assert [int(step.vector_cycles) for step in case.tape.steps] == [
        cycles for count in outputs for cycles in (0, -(-count // 3))
    ]
    assert case.tape.counters[0].vector_operations == 4 * 4 * 9


def test_each_time_step_of_a_recurrent_layer_waits_for_the_one_before():
    net = byte_net()
    graph = net.build(net.recurrent(net.input("rows", (4, 2, 5)), 3, name="lstm"))
    case = plan(graph, accelerator(), given={"lstm": {"recurrent": {"tile": {"K": 6}}}})
    span = case.tape.spans[1]
    steps = case.tape.steps[span.first_step : span.first_step + span.steps]
    first = int(span.first_step)
    assert [int(step.wait_step) for step in steps] == [NONE, NONE] + [first + 2 * t + 1 for t in range(3) for _ in "ab"]


def test_a_narrow_bus_stretches_the_step():
    net = byte_net()
    graph = net.build(net.gemm(net.input("rows", (8, 4)), 4, name="dense"))
    wide, narrow = (
        plan(graph, accelerator(capacity=9999, ifmap_bus_words_per_cycle=words), given={"dense": {}}).tape.steps[0]
        for words in (None, 1)
    )
    assert (wide.bus_cycles, wide.issue_cycles) == (0, 8)
    assert narrow.bus_cycles == 8 * 4 - 8


def test_grouped_tiles_share_folds_on_the_diagonal_where_the_array_allows():
    net = byte_net()
    graph = net.build(net.conv(net.input("image", (1, 4, 5, 5)), 4, 1, groups=4, name="depthwise"))
    packed = plan(graph, accelerator(group_packing=True), given={"depthwise": {}})
    single = plan(graph, accelerator(), given={"depthwise": {}})
    assert packed.tape.counters[0].issued_macs == 4 * single.tape.counters[0].issued_macs == 16 * 25
    assert packed.tape.steps[0].useful_cycles * 4 == single.tape.steps[0].useful_cycles
