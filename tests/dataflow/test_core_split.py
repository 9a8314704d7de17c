"""Which core does what, who waits for whom, and what a split moves."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.dataflow.binding import bind
from simulator.dataflow.core_split import balanced_stages, estimated_cycles, over_cores
from simulator.engine.run import run
from simulator.errors import ArchitectureError, MappingError
from simulator.records import MAC_WORK
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision
from tests.dataflow.network_cases import accelerator, networks, plan, with_cores

INT8 = Precision(bits=8)
WHOLE = {"a": {"order": "mkc"}, "b": {"order": "mkc"}}
"""Every part is one tile, so that each byte is read once."""


def pair():
    net = GraphBuilder("pair", weight_precision=INT8, activation_precision=INT8)
    x = net.conv(net.input("image", (1, 4, 8, 8)), 6, 3, padding=1, bias=False, name="a")
    return net.build(net.conv(x, 8, 1, bias=False, name="b"))


def moved(planned, name):
    wholes = planned.network.parts["whole"]
    return [int(planned.tape.counters[name][wholes == work].sum()) for work in sorted(set(wholes.tolist()))]


def test_a_split_by_channels_reads_the_ifmap_in_every_core_and_weights_once():
    planned = plan(pair(), with_cores(accelerator(capacity=99999), 2, "K"), given=WHOLE)
    assert moved(planned, "ifmap_dram_bytes") == [2 * 4 * 64, 2 * 6 * 64]
    assert moved(planned, "weight_dram_bytes") == [6 * 4 * 9, 8 * 6]
    assert moved(planned, "ofmap_dram_bytes") == [6 * 64, 8 * 64]


def test_a_split_by_rows_reads_weights_in_every_core_and_the_halo_twice():
    planned = plan(pair(), with_cores(accelerator(capacity=99999), 2, "P"), given=WHOLE)
    assert moved(planned, "ifmap_dram_bytes") == [4 * 8 * (5 + 5), 6 * 64]
    assert moved(planned, "weight_dram_bytes") == [2 * 6 * 4 * 9, 2 * 8 * 6]


def test_a_split_by_images_reads_weights_in_every_core():
    planned = plan(pair(), with_cores(accelerator(capacity=99999), 2, "N"), batch=3, given=WHOLE)
    assert moved(planned, "ifmap_dram_bytes") == [3 * 4 * 64, 3 * 6 * 64]
    assert moved(planned, "weight_dram_bytes") == [2 * 6 * 4 * 9, 2 * 8 * 6]


def test_a_pipeline_keeps_each_layer_on_one_core_and_reads_its_weights_for_each_image():
    planned = plan(pair(), with_cores(accelerator(capacity=99999), 2, "pipeline"), batch=3, given=WHOLE)
    assert planned.network.cores.tolist() == [0, 1] * 3
    assert moved(planned, "weight_dram_bytes") == [3 * 6 * 4 * 9, 3 * 8 * 6]
    run(planned.tape, planned.space)
    steps = planned.tape.steps
    first, second = (steps[steps["core"] == core] for core in (0, 1))
    assert second["start_cycle"].min() < first["free_cycle"].max()  # image 0 in the second, image 1 or 2 in the first


def test_rows_wait_for_the_rows_they_read_only():
    planned = plan(pair(), with_cores(accelerator(capacity=99999), 4, "P"))
    network = planned.network
    feeds = {
        int(part.core): network.cores[network.producers[begin:end]].tolist()
        for part, ((begin, end), *_) in zip(network.parts, network.producer_spans, strict=True)
        if part.whole == 1
    }
    assert feeds == {0: [0], 1: [1], 2: [2], 3: [3]}  # a 1 x 1 filter has no halo


@settings(max_examples=40)
@given(networks(), st.sampled_from(("auto", "K", "P", "N", "pipeline")), st.integers(2, 3), st.integers(2, 3))
def test_every_network_runs_on_several_cores_without_losing_work(graph, split, cores, batch):
    machine = accelerator(capacity=99999)
    try:
        planned = plan(graph, with_cores(machine, cores, split), batch=batch)
    except MappingError:
        return
    alone = bind(graph, machine, batch=batch)
    assert planned.network.works["macs"].sum() == alone.works["macs"].sum()
    assert planned.network.works["operations"].sum() == alone.works["operations"].sum()
    timeline = run(planned.tape, planned.space)  # a deadlock would raise
    for core in range(cores):
        windows = timeline.layers[planned.network.cores == core]
        assert windows["cycles"].sum() in (0, timeline.total_cycles)
    assert planned.tape.counters["issued_macs"].sum() >= alone.works["macs"].sum()


@settings(max_examples=40)
@given(networks(), st.sampled_from(("auto", "K", "P", "N", "pipeline")), st.integers(2, 3))
def test_nothing_is_read_before_all_of_it_is_written(graph, split, cores):
    try:
        planned = plan(graph, with_cores(accelerator(capacity=99999), cores, split), batch=2)
    except MappingError:
        return
    run(planned.tape, planned.space)
    network, transfers = planned.network, planned.tape.transfers
    for i, spans in enumerate(network.producer_spans):
        loads = transfers[(transfers["layer"] == i) & (transfers["data_step"] < 0)]
        if not len(loads) or network.works[i].kind == MAC_WORK:
            continue
        begin, end = spans[0]
        for source in network.producers[begin:end]:
            stores = transfers[(transfers["layer"] == source) & (transfers["data_step"] >= 0)]
            written = stores["done_cycle"].max(initial=0)
            assert loads["submit_cycle"].min() >= written


def test_what_cannot_be_cut_is_the_first_cores():
    net = GraphBuilder("state", weight_precision=INT8, activation_precision=INT8)
    graph = net.build(net.recurrent(net.input("x", (3, 2, 4)), 5, op="lstm"))
    network = over_cores(bind(graph, accelerator()), with_cores(accelerator(), 2, "K"))
    recurrent = network.cores[network.works["ifmap_on_chip"] == 1]
    assert recurrent.tolist() == [0]


def test_one_core_is_left_as_it_is():
    network = bind(pair(), accelerator())
    assert over_cores(network, accelerator()) is network


def test_a_batch_of_one_cannot_be_split_by_images():
    with pytest.raises(ArchitectureError, match=r"core_split = 'N'.*batch is 1"):
        over_cores(bind(pair(), accelerator()), with_cores(accelerator(), 2, "N"))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=7), st.integers(1, 4))
def test_stages_are_neighbours_and_as_even_as_can_be(costs, stages):
    found = balanced_stages([float(cost) for cost in costs], stages)
    assert found == sorted(found)
    assert max(found) < stages
    worst = max(sum(cost for cost, of in zip(costs, found, strict=True) if of == stage) for stage in range(stages))
    assert worst == least_worst(costs, stages)


def least_worst(costs, stages):
    if stages == 1 or not costs:
        return sum(costs)
    return min(max(sum(costs[:cut]), least_worst(costs[cut:], stages - 1)) for cut in range(len(costs) + 1))


def test_the_estimate_is_no_less_than_the_arrays_folds():
    machine = accelerator(capacity=99999)
    for work in bind(pair(), machine).works:
        assert estimated_cycles(work, machine, 1) >= work.macs / machine.array.pes


def test_parts_come_in_the_order_of_the_network():
    planned = plan(pair(), with_cores(accelerator(capacity=99999), 3, "K"))
    wholes = planned.network.parts["whole"].tolist()
    assert all(first <= second for first, second in pairwise(wholes))
