"""Building, ordering and copying graphs."""

import copy
import pickle
from dataclasses import replace

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import WorkloadError
from simulator.workload.builder import GraphBuilder
from simulator.workload.graph import ImportRow, Provenance, build_graph
from simulator.workload.layers import Elementwise, Host, Tensor
from simulator.workload.loops import mac_loops
from simulator.workload.precision import FLOAT32, INT8, Precision
from tests.workload.networks import conv_layer, conv_tensors, every_layer_kind


def add(name, *inputs):
    return Elementwise(op="add", name=name, inputs=inputs, outputs=(f"{name}.out",))


def chain_of_adds(edges):
    """Layer i adds the outputs of earlier layers, or the input where it has none."""
    layers = []
    for i, sources in enumerate(edges):
        names = [f"l{s}.out" for s in sorted(sources)] or ["x"]
        layers.append(add(f"l{i}", names[0], *(names[1:] or names[:1])))
    return layers


@st.composite
def acyclic(draw):
    count = draw(st.integers(1, 9))
    return [draw(st.sets(st.integers(0, i - 1), max_size=3)) if i else set() for i in range(count)]


@given(edges=acyclic(), random=st.randoms(use_true_random=False))
def test_any_file_order_gives_a_valid_order_and_ties_keep_the_file_order(edges, random):
    layers = chain_of_adds(edges)
    tensors = [Tensor(name="x", shape=(4,))]
    assert build_graph("n", tensors, layers, ["x"], ["l0.out"]).layers == tuple(layers)
    shuffled = list(layers)
    random.shuffle(shuffled)
    graph = build_graph("n", tensors, shuffled, ["x"], ["l0.out"])
    place = {layer.name: i for i, layer in enumerate(graph.layers)}
    for layer in layers:
        for name in layer.inputs:
            assert name == "x" or place[name.removesuffix(".out")] < place[layer.name]
    rank = {layer.name: i for i, layer in enumerate(shuffled)}
    done: set[str] = set()
    for layer in graph.layers:  # at each turn, of the layers that could go, the first in the file goes
        ready = [o for o in layers if o.name not in done and all(n == "x" or n[:-4] in done for n in o.inputs)]
        assert rank[layer.name] == min(rank[other.name] for other in ready)
        done.add(layer.name)
    assert build_graph("n", tensors, shuffled, ["x"], ["l0.out"]) == graph


def test_shapes_are_inferred_with_the_precision_of_the_first_input():
    x, w = conv_tensors()
    x = x.model_copy(update={"precision": INT8})
    graph = build_graph("n", [x, w], [conv_layer()], ["x"], ["y"])
    assert graph.tensors["y"] == Tensor(name="y", shape=(1, 4, 6, 6), precision=INT8)
    assert graph.total_macs == graph.macs_of(graph.layers[0]) == 4 * 6 * 6 * 27


def test_producers_consumers_and_networkx_agree():
    graph = every_layer_kind()
    drawn = graph.to_networkx()
    assert nx.is_directed_acyclic_graph(drawn)
    assert list(drawn.nodes) == [layer.name for layer in graph.layers]
    for i, layer in enumerate(graph.layers):
        assert all(graph.producer_of[name] == i for name in layer.outputs)
        for name in layer.inputs:
            assert i in graph.consumers_of[name]
            if name in graph.producer_of:
                assert drawn.has_edge(graph.layers[graph.producer_of[name]].name, layer.name)
    assert sum(len(readers) for readers in graph.consumers_of.values()) == sum(
        len(set(layer.inputs)) for layer in graph.layers
    )


def test_total_counts_host_work_and_mac_layers_do_not():
    graph = every_layer_kind()
    host = next(layer for layer in graph.layers if isinstance(layer, Host))
    assert graph.macs_of(host) == 12
    assert graph.total_macs == 12 + sum(graph.macs_of(layer) for layer in graph.mac_layers)
    assert host not in graph.mac_layers


def test_precisions_change_in_a_copy():
    graph = build_graph("n", conv_tensors(), [conv_layer()], ["x"], ["y"], provenance=Provenance(source="s"))
    narrow = graph.with_precisions({"w": Precision(bits=4)})
    assert narrow.tensors["w"].size_bytes * 8 == graph.tensors["w"].size_bytes
    assert graph.tensors["w"].precision == FLOAT32
    assert narrow.tensors["x"] is graph.tensors["x"]
    assert (narrow.provenance, narrow.layers) == (graph.provenance, graph.layers)
    assert narrow != graph
    assert narrow.with_precisions({"w": FLOAT32}) == graph


def test_what_is_kept_across_precisions_is_what_would_be_derived_anew():
    graph = every_layer_kind()
    narrow = graph.with_precisions({name: Precision(bits=3) for name in graph.tensors})
    anew = replace(narrow)  # keeps nothing derived
    assert [narrow.loops_of(layer) for layer in narrow.layers] == [anew.loops_of(layer) for layer in anew.layers]
    assert [mac_loops(layer, narrow.tensors) for layer in narrow.layers] == [
        anew.loops_of(layer) for layer in anew.layers
    ]
    assert (narrow.total_macs, narrow.producer_of, narrow.consumers_of) == (
        anew.total_macs,
        anew.producer_of,
        anew.consumers_of,
    )


def test_precision_of_an_unknown_tensor_offers_the_nearest():
    graph = build_graph("n", conv_tensors(), [conv_layer()], ["x"], ["y"])
    with pytest.raises(WorkloadError, match=r"no tensor named 'ww' \(did you mean 'w'\?\)"):
        graph.with_precisions({"ww": INT8})


def test_graph_cannot_be_changed():
    graph = build_graph("n", conv_tensors(), [conv_layer()], ["x"], ["y"])
    with pytest.raises(TypeError):
        graph.tensors["z"] = graph.tensors["x"]
    with pytest.raises(AttributeError):
        graph.name = "m"


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda graph: pickle.loads(pickle.dumps(graph))])
def test_graph_travels_to_other_processes(duplicate):
    graph = every_layer_kind()
    assert graph.total_macs > 0  # fills a cache, which must not travel
    again = duplicate(graph)
    assert again == graph
    assert again.total_macs == graph.total_macs
    with pytest.raises(TypeError):
        again.tensors["z"] = graph.tensors["image"]


def test_import_table_is_carried_but_does_not_distinguish():
    row = ImportRow(node="n0", operator="Relu", fate="mapped")
    graph = build_graph("n", conv_tensors(), [conv_layer()], ["x"], ["y"], import_table=[row])
    assert graph.import_table == (row,)
    assert graph == build_graph("n", conv_tensors(), [conv_layer()], ["x"], ["y"])
    assert graph.with_precisions({}).import_table == (row,)


def test_empty_network_is_sound():
    graph = build_graph("n", [Tensor(name="x", shape=(1,))], [], ["x"], ["x"])
    assert graph.total_macs == 0


def test_file_is_named_in_errors():
    with pytest.raises(WorkloadError, match=r"^net\.json: "):
        build_graph("n", [], [], ["x"], [], file="net.json")
    with pytest.raises(WorkloadError, match=r"^workload n: "):
        build_graph("n", [], [], ["x"], [])


def test_large_network_is_ordered_quickly_enough_to_test():
    net = GraphBuilder("deep")
    x = net.input("x", (1, 8))
    for _ in range(1500):
        x = net.relu(x)
    assert len(net.build(x).layers) == 1500
