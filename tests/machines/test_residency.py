"""Residency in the report: the traffic without it is what the accelerator without it moves."""

import pytest

from simulator.api import simulate
from simulator.arch import load_accelerator
from simulator.errors import MappingError
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision
from tests.dataflow.network_cases import LAYOUTS, accelerator
from tests.result_contract import assert_contract


def keeping(preset, buffer, share):
    machine = load_accelerator(preset)
    buffers = tuple(
        one.model_copy(update={"resident_share": share}) if one.name == buffer else one for one in machine.buffers
    )
    return machine.model_copy(update={"buffers": buffers})


@pytest.mark.parametrize(
    ("workload", "preset", "buffer", "share"),
    [
        ("lenet5_int8", "gemmini_like_16", "scratchpad", 0.1),
        ("resnet18_int8", "tpu_like_128", "unified", 0.5),
        ("mobilenet_v2_int8", "edge_like_32", "ifmaps", 0.4),
    ],
)
def test_one_report_shows_the_traffic_with_and_without(workload, preset, buffer, share):
    kept = simulate(workload, keeping(preset, buffer, share))
    through = simulate(workload, keeping(preset, buffer, 0))
    assert_contract(kept)
    assert_contract(through)
    assert kept.total.dram_bytes_without_residency == through.total.dram_bytes
    assert through.total.dram_bytes_without_residency == through.total.dram_bytes
    assert kept.total.dram_bytes < through.total.dram_bytes
    assert kept.buffers[0]["peak_resident_bytes"] > 0 or kept.buffers[1]["peak_resident_bytes"] > 0
    assert through.layers[0].resident is None


def test_resnet_reads_and_writes_what_it_must_and_no_more():
    """All activations of ResNet-18 fit three mebibytes: weights, the image's tiles and scores are left."""
    result = simulate("resnet18_int8", keeping("tpu_like_128", "unified", 0.5))
    graph_bytes = sum(layer.accesses["dram"]["weight"].bytes for layer in result.layers)
    image, scores = result.layers[0].accesses["dram"]["ifmap"].bytes, 1000
    assert image >= 3 * 224 * 224
    assert result.total.dram_bytes == graph_bytes + image + scores
    assert sum(bool(layer.resident["ofmap"]) for layer in result.layers) == len(result.layers) - 1


def test_a_region_that_leaves_no_room_for_tiles_is_named():
    net = GraphBuilder("bytes", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))
    graph = net.build(net.conv(net.input("image", (1, 4, 6, 6)), 4, 3))
    machine = accelerator(capacity=(12, 9999, 9999), layout=LAYOUTS[2], resident=64, word_bits=8)
    with pytest.raises(
        MappingError, match=r"76 bytes, 64 of them kept for resident tensors, .* lower buffers.a.resident_"
    ):
        simulate(graph, machine)


def test_without_residency_the_whole_buffer_is_there_for_tiles():
    """The region's bytes go back to the tiles, which are larger then and load less."""
    net = GraphBuilder("bytes", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))
    first = net.conv(net.input("image", (1, 8, 16, 16)), 8, 3, padding=1)
    graph = net.build(net.conv(first, 8, 3, padding=1))
    kept = simulate(graph, accelerator(capacity=600, resident=2400), fidelity="bandwidth")
    layout = accelerator(capacity=600, resident=2400)
    plain = layout.model_copy(
        update={"buffers": tuple(one.model_copy(update={"resident_share": 0.0}) for one in layout.buffers)}
    )
    assert kept.total.dram_bytes_without_residency == simulate(graph, plain, fidelity="bandwidth").total.dram_bytes
    small = simulate(graph, accelerator(capacity=600), fidelity="bandwidth").total.dram_bytes
    assert kept.total.dram_bytes_without_residency < small


def test_the_ofmap_of_a_recurrent_layer_is_that_of_its_last_work():
    net = GraphBuilder("bytes", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))
    graph = net.build(net.recurrent(net.input("words", (5, 1, 4)), 4))
    (layer,) = simulate(graph, accelerator(capacity=999, resident=600), fidelity="bandwidth").layers
    assert layer.resident["ofmap"] is False
    assert layer.resident["why_in_dram"] == "network output or read by the host"
