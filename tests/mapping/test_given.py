"""Mappings as people write them: what is refused, and that what is printed can be given back."""

import pytest

from simulator.api import simulate
from simulator.errors import MappingError
from simulator.mapping.given import mapping_to_dict, row_mapping
from simulator.records import COPY_WORK, MAPPING, WORK, table
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision
from tests.dataflow.network_cases import LAYOUTS, accelerator, plan


def network():
    net = GraphBuilder("mixed", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))
    x = net.conv(net.input("image", (2, 4, 6, 6)), 6, 3, padding=1, name="conv")
    x = net.max_pool(x, 2, name="pool")
    x = net.transpose(x, (0, 2, 3, 1), moves_data=True, name="move")
    return net.build(net.recurrent(net.reshape(x, (6, 2, 9)), 3, name="lstm"))


@pytest.mark.parametrize("flow", ["ws", "os", "is", "auto"])
def test_printed_mappings_round_trip(flow):
    first = simulate(network(), accelerator(), dataflow=flow)
    printed = {layer.name: layer.mapping for layer in first.layers}
    assert set(printed["lstm"]) == {"dataflow", "order", "tile", "recurrent"}
    assert set(printed["pool"]) == set(printed["move"]) == {"chunks"}
    again = simulate(network(), accelerator(), dataflow=flow, mappings=printed)
    assert again.to_json() == first.to_json()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"conv": None}, "'conv': None is no mapping"),
        ({"conv": {"order": "abc"}}, "order = 'abc'; write .*mkc, mck"),
        ({"conv": {"tiles": {}}}, "tiles = {}"),
        ({"conv": {"tile": [3]}}, r"tile = \[3\]"),
        ({"conv": {"tile": {"K": 7}}}, r"tile.K = 7; give 1\.\.6"),
        ({"conv": {"tile": {"K": 0}}}, r"tile.K = 0; give 1\.\.6"),
        ({"conv": {"tile": {"K": True}}}, r"tile.K = True; give 1\.\.6"),
        ({"conv": {"tile": {"K": 2.0}}}, r"tile.K = 2.0; give 1\.\.6"),
        ({"conv": {"tile": {"Z": 2}}}, "tile.Z = 2; give a dimension of N, P"),
        ({"conv": {"tile": {"P": 3}}}, "tile.P = 3 needs N = 1"),
        ({"conv": {"tile": {"Q": 3, "N": 1}}}, "tile.Q = 3 needs N = 1 and P = 1"),
        ({"conv": {"dataflow": "is"}}, "dataflow = 'is'; write .* one of ws, os"),
        ({"pool": {"order": "mkc"}}, 'vector and copy layers take {"chunks"'),
        ({"pool": {"chunks": 0}}, 'vector and copy layers take {"chunks"'),
        ({"cnov": {}}, "no such timed layer.*did you mean 'conv'"),
        ({"lstm": {"recurrent": {"tile": {"K": 99}}}}, r"tile.K = 99; give 1\.\.12"),
    ],
)
def test_wrong_mappings_are_refused(given, words):
    with pytest.raises(MappingError, match=words):
        plan(network(), accelerator(dataflows=["ws", "os"]), given=given)


def test_groups_share_a_tile_only_whole():
    net = GraphBuilder("grouped")
    graph = net.build(net.conv(net.input("image", (1, 4, 4, 4)), 8, 1, groups=4, name="conv"))
    with pytest.raises(MappingError, match=r"tile\.G = 4 needs whole K and C"):
        plan(graph, accelerator(), given={"conv": {"tile": {"K": 1}}})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"conv": {}}, "'conv' on tiny: the given mapping does not fit: buffer 'c' .* bytes short for its tiles"),
        ({"pool": {"chunks": 1}}, "'pool' on tiny: the given mapping does not fit: buffer 'a' .* bytes short"),
    ],
)
def test_given_mappings_that_do_not_fit_name_buffer_and_shortfall(given, words):
    with pytest.raises(MappingError, match=words):
        plan(network(), accelerator(capacity=200, layout=LAYOUTS[2]), given=given)


def test_the_shortfall_is_exact():
    net = GraphBuilder("one", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))
    graph = net.build(net.gemm(net.input("rows", (5, 40)), 3, name="dense"))
    with pytest.raises(MappingError, match="is 100 bytes short for its tiles"):
        plan(graph, accelerator(capacity=(100, 999, 999), layout=LAYOUTS[2]), given={"dense": {}})
    plan(graph, accelerator(capacity=(200, 999, 999), layout=LAYOUTS[2]), given={"dense": {}})


def test_a_copy_prints_its_chunks():
    work, mapping = table(WORK, 1)[0], table(MAPPING, 1)[0]
    work.kind, mapping.chunks = COPY_WORK, 3
    assert mapping_to_dict(work, mapping) == row_mapping([work], [mapping], [0]) == {"chunks": 3}
