"""Residency as the works and the planner see it: views, hosts, branches, and the bytes it saves."""

from itertools import pairwise

import pytest

from simulator.dataflow.binding import bind
from simulator.dataflow.plan_tables import IN_BUFFER, IN_DRAM, PlanInputs
from simulator.dataflow.tape import build_tape
from simulator.engine.run import run
from simulator.records import NONE
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision
from tests.dataflow.network_cases import LAYOUTS, accelerator, plan

NAMES = ("ifmap_resident", "weight_resident", "residual_resident", "ofmap_resident", "ofmap_in_dram")


def byte_net():
    return GraphBuilder("bytes", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))


def flags(graph, machine):
    """Per work: the first letters of what is resident, and D where the ofmap goes to DRAM."""
    works = bind(graph, machine).works
    return ["".join(letter for letter, name in zip("iwroD", NAMES, strict=True) if work[name]) for work in works]


def residual_block():
    net = byte_net()
    first = net.conv(net.input("image", (1, 4, 6, 6)), 4, 1)
    second = net.conv(first, 4, 3, padding=1)
    return net.build(net.conv(net.add(net.conv(second, 4, 1), first), 2, 1))


def test_a_residual_block_stays_on_chip():
    assert flags(residual_block(), accelerator(resident=600)) == ["o", "io", "iro", "iD"]
    assert flags(residual_block(), accelerator()) == ["D"] * 4


def test_with_room_for_two_the_third_goes_to_dram():
    assert flags(residual_block(), accelerator(resident=300)) == ["o", "io", "irD", "D"]


def test_a_view_is_the_same_data_and_a_network_output_is_stored_as_well():
    net = byte_net()
    x = net.conv(net.input("image", (1, 4, 6, 6)), 4, 1)
    flat = net.flatten(x)
    assert flags(net.build(net.gemm(flat, 3)), accelerator(resident=600)) == ["o", "iD"]
    net = byte_net()
    x = net.conv(net.input("image", (1, 4, 6, 6)), 4, 1)
    flat = net.flatten(x)
    assert flags(net.build(net.gemm(flat, 3), flat), accelerator(resident=600)) == ["oD", "iD"]


def test_a_concatenation_with_the_image_is_read_from_dram():
    net = byte_net()
    image = net.input("image", (1, 4, 6, 6))
    x = net.conv(image, 4, 1)
    graph = net.build(net.conv(net.concat([x, image]), 2, 1))
    assert flags(graph, accelerator(resident=600)) == ["D", "D"]


def test_a_concatenation_of_two_layers_is_read_in_place():
    net = byte_net()
    image = net.input("image", (1, 4, 6, 6))
    graph = net.build(net.conv(net.concat([net.conv(image, 4, 1), net.conv(image, 3, 1)]), 2, 1))
    assert flags(graph, accelerator(resident=600)) == ["o", "o", "iD"]


def test_a_copy_and_dynamic_weights_go_through_dram():
    net = byte_net()
    x = net.conv(net.input("image", (1, 4, 6, 6)), 4, 1)
    graph = net.build(net.conv(net.transpose(x, (0, 1, 3, 2), moves_data=True), 2, 1))
    assert flags(graph, accelerator(resident=600)) == ["D", "D", "D"]
    net = byte_net()
    x = net.conv(net.input("image", (1, 2, 6, 6)), 2, 1)
    graph = net.build(net.matmul(net.softmax(net.matmul(x, x)), x))
    apart, together = accelerator(resident=600, layout=LAYOUTS[2]), accelerator(resident=600, layout=LAYOUTS[1])
    assert flags(graph, apart) == ["oD", "io", "o", "iD"]
    assert flags(graph, together) == ["o", "iwo", "o", "iwD"]


def test_how_each_producer_is_read():
    net = byte_net()
    image = net.input("image", (1, 4, 6, 6))
    x = net.conv(image, 4, 1)
    pooled = net.max_pool(net.concat([x, image]), (2, 2))
    network = bind(net.build(net.conv(net.add(x, net.conv(x, 4, 1)), 2, 1), pooled), accelerator(resident=600))
    found = {(int(p), int(r)) for p, r in zip(network.producers, network.reads, strict=True)}
    assert (0, IN_BUFFER) in found
    assert (0, IN_DRAM) in found


def test_the_room_a_map_takes_is_that_of_its_width():
    four = Precision(bits=4)
    net = GraphBuilder("nibbles", weight_precision=four, activation_precision=four)
    graph = net.build(net.conv(net.conv(net.input("image", (1, 4, 6, 6)), 4, 1), 2, 1))
    (kept,) = bind(graph, accelerator(resident=600)).residency.tensors
    assert kept.size_bits == -(-4 * 36 * 4 // 32) * 32
    assert flags(graph, accelerator(resident=72)) == ["o", "iD"], "72 bytes, to the last bit"
    assert flags(graph, accelerator(resident=68)) == ["D", "D"]


def test_a_vector_work_reads_all_its_resident_inputs_in_place():
    net = byte_net()
    image = net.input("image", (1, 4, 6, 6))
    left, right = net.max_pool(image, (2, 2)), net.max_pool(image, (3, 3), stride=(2, 2), padding=(1, 1))
    works = bind(net.build(net.add(left, right)), accelerator(resident=600, fused=[])).works
    assert works.resident_input_bits.tolist() == [0, 0, 2 * 4 * 9 * 8]
    assert works.input_bits[2] == 2 * 4 * 9 * 8


def test_one_tensor_read_twice_by_a_work_is_found_where_each_operand_looks():
    net = byte_net()
    x = net.conv(net.input("image", (1, 2, 6, 6)), 2, 1)
    network = bind(net.build(net.matmul(x, x)), accelerator(resident=600, layout=LAYOUTS[2]))
    assert network.works[1].ifmap_resident == 1
    assert network.works[1].weight_resident == 0
    assert network.reads.tolist() == [IN_BUFFER, IN_DRAM]
    net = byte_net()
    image = net.input("image", (1, 4, 6, 6))
    pooled = net.max_pool(image, (1, 1))
    part, _ = net.split(net.concat([pooled, image]), (4, 4))
    network = bind(net.build(net.add(pooled, part)), accelerator(resident=600, fused=[]))
    assert network.works[1].resident_input_bits == 4 * 36 * 8
    assert network.reads.tolist() == [IN_BUFFER | IN_DRAM]


def moved(tape, name):
    return tape.counters[name].tolist()


@pytest.mark.parametrize("resident", [150, 300, 600])
def test_the_same_mappings_move_less_by_exactly_what_stays(resident):
    kept = plan(residual_block(), accelerator(capacity=999, resident=resident))
    network, machine = bind(residual_block(), accelerator(capacity=999)), (kept.hardware, kept.space)
    feeds = (network.producers, network.producer_spans, network.aligned, network.reads, network.cores)
    through = build_tape(PlanInputs(network.works, kept.mapped.mappings, *machine, *feeds))
    for name, flag in (("ifmap_dram_bytes", "ifmap_resident"), ("residual_dram_bytes", "residual_resident")):
        for work, with_it, without in zip(
            kept.network.works, moved(kept.tape, name), moved(through, name), strict=True
        ):
            assert with_it == (0 if work[flag] else without)
    stored = [w.ofmap_in_dram * b for w, b in zip(kept.network.works, moved(through, "ofmap_dram_bytes"), strict=True)]
    assert moved(kept.tape, "ofmap_dram_bytes") == stored
    assert moved(kept.tape, "weight_dram_bytes") == moved(through, "weight_dram_bytes")
    assert kept.network.works.ofmap_resident.any()


def test_finished_outputs_pass_the_lanes_into_the_region():
    kept = plan(residual_block(), accelerator(capacity=999, resident=600, lanes=3))
    run(kept.tape, kept.space)
    first = kept.tape.steps[kept.tape.spans[0].first_step]
    tiles = kept.tape.steps[: kept.tape.spans[0].steps]
    assert tiles.vector_cycles.sum() == 4 * 36 // 3
    assert kept.tape.counters[0].vector_operations == 0, "nothing is computed on the way"
    assert kept.tape.counters[0].resident_write_words == 4 * 36 * 8 // 32
    reader = kept.tape.steps[kept.tape.spans[1].first_step]
    assert reader.start_cycle >= first.output_cycle
    assert kept.tape.uses[reader.first_use + 1].source_step == 0
    assert kept.tape.uses[reader.first_use + 1].transfer == NONE


def test_a_psum_slot_is_free_when_its_outputs_have_passed():
    net = byte_net()
    x = net.conv(net.input("image", (1, 4, 8, 8)), 4, 1, name="conv")
    graph = net.build(net.conv(x, 2, 1))
    machine = accelerator(capacity=999, resident=600, lanes=1, slots=1)
    kept = plan(graph, machine, given={"conv": {"tile": {"P": 2}}})
    run(kept.tape, kept.space)
    steps = kept.tape.steps[:4]
    for before, after in pairwise(steps):
        assert after.start_cycle + 4 >= before.output_cycle  # its first output falls four rows later
        assert after.cause in (NONE, 3)
    assert steps[1].idle_cycles > 0
