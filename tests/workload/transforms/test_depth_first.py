"""Chains cut into stripes compute the same numbers, make each row once, and keep maps on chip that did not fit."""

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import simulate
from simulator.arch import load_accelerator
from simulator.errors import WorkloadError
from simulator.workload import load_workload
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision
from simulator.workload.sparsity import NOfM
from simulator.workload.transforms.depth_first import depth_first

COLUMNS = 3


@st.composite
def chains(draw):
    """A few layers of one channel: windows over rows, one column each."""
    net = GraphBuilder("chain")
    x = net.input("image", (1, 1, draw(st.integers(3, 14)), COLUMNS))
    names = []
    for i in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(("conv", "conv", "pool", "relu")))
        rows, name = net.shape(x)[2], f"l{i}"
        kernel = draw(st.integers(1, min(3, rows)))
        window = {"stride": (draw(st.integers(1, 3)), 1), "padding": ((draw(st.integers(0, 1)),) * 2, (0, 0))}
        if kind == "conv":
            dilation = draw(st.integers(1, 2)) if (kernel - 1) * 2 < rows else 1
            x = net.conv(x, 1, (kernel, 1), dilation=(dilation, 1), bias=False, name=name, **window)
        elif kind == "pool":
            window["padding"] = ((min(kernel - 1, 1), 0), (0, 0))
            x = net.max_pool(x, (kernel, 1), name=name, ceil_mode=draw(st.booleans()), **window)
        else:
            x = net.relu(x, name=name)
        names.append(name)
    first = draw(st.integers(0, len(names) - 1))
    last = draw(st.integers(first, len(names) - 1))
    return net.build(x), f"{names[first]}..{names[last]}"


def compute(graph, image, originals):
    """Run a network of one channel row by row; every tensor knows which row of its map it begins with."""
    held = {"image": (0, image)}
    for layer in graph.layers:
        begin, rows = held[layer.inputs[0]]
        if layer.op == "slice":
            low = int(layer.name.rpartition(".rows")[2])
            count = graph.tensors[layer.outputs[0]].shape[2]
            assert begin <= low < low + count <= begin + len(rows)
            held[layer.outputs[0]] = (low, rows[low - begin : low - begin + count])
        elif layer.op == "concat":
            parts = [held[name] for name in layer.inputs]
            for (start, part), (following, _) in pairwise(parts):
                assert start + len(part) == following, "rows are missing or doubled"
            held[layer.outputs[0]] = (begin, np.concatenate([part for _, part in parts]))
        elif layer.op == "activation":
            held[layer.outputs[0]] = (begin, np.maximum(rows, 0))
        else:
            whole = originals[layer.name.partition("@")[0]]
            shift = begin + whole.padding[0][0] - layer.padding[0][0]
            assert shift % layer.stride[0] == 0
            made = windows(graph, layer, rows)
            assert len(made) == graph.tensors[layer.outputs[0]].shape[2]
            held[layer.outputs[0]] = (shift // layer.stride[0], made)
    return held[graph.outputs[0]][1]


def windows(graph, layer, rows):
    (before, after), stride, dilation = layer.padding[0], layer.stride[0], layer.dilation[0]
    is_conv = layer.op == "conv2d"
    taps = graph.tensors[layer.inputs[1]].shape[2] if is_conv else layer.kernel[0]
    edge = 0 if is_conv else -(10**6)
    weights = np.array([random.Random(f"{layer.name.partition('@')[0]} {tap}").randint(-3, 3) for tap in range(taps)])
    count = graph.tensors[layer.outputs[0]].shape[2]
    missing = max(0, (count - 1) * stride + (taps - 1) * dilation + 1 - before - len(rows) - after)  # ceil_mode
    padded = np.pad(rows, ((before, after + missing), (0, 0)), constant_values=edge)
    seen = [[padded[i * stride + tap * dilation] for tap in range(taps)] for i in range(count)]
    return np.array([weights @ np.array(one) if is_conv else np.max(one, axis=0) for one in seen])


@given(chains(), st.integers(1, 5), st.integers(0, 9))
@settings(max_examples=150)
def test_stripes_compute_what_the_whole_network_does(case, stripes, seed):
    graph, chain = case
    last = next(layer for layer in graph.layers if layer.name == chain.partition("..")[2])
    image = np.random.default_rng(seed).integers(-9, 9, (graph.tensors["image"].shape[2], COLUMNS))
    rows = graph.tensors[last.outputs[0]].shape[2]
    try:
        cut = depth_first(graph, f"{chain}:{min(stripes, rows)}")
    except WorkloadError as problem:
        cut, told = None, str(problem)
    if cut is None:
        assert "sees padding only" in told
        return
    originals = {layer.name: layer for layer in graph.layers}
    assert np.array_equal(compute(cut, image, originals), compute(graph, image, originals))
    assert cut.total_macs == graph.total_macs


def two_layers(**changes):
    net = GraphBuilder("two", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))
    x = net.relu(net.conv(net.input("image", (1, 4, 32, 32)), 16, 3, padding=1, name="a"), name="a.relu")
    x = net.relu(net.conv(x, 16, 3, padding=1, name="b"), name="b.relu")
    return net.build(net.conv(x, 4, 3, padding=1, name="c"), **changes)


ROOM = ["buffers.ifmaps.capacity_bytes=16384", "buffers.ifmaps.resident_share=0.75"]


def test_maps_too_large_for_the_region_stay_when_they_are_cut():
    machine = load_accelerator("edge_like_32", overrides=ROOM)
    whole = simulate(two_layers(), machine, fidelity="bandwidth")
    cut = simulate(two_layers(), machine, fidelity="bandwidth", depth_first="a..c:8")
    assert whole.total.dram_bytes_without_depth_first is None
    assert cut.total.dram_bytes_without_depth_first == whole.total.dram_bytes
    assert cut.total.macs == whole.total.macs
    inner = [layer for layer in cut.layers if layer.name.startswith(("a@", "b@"))]
    assert len(inner) == 16
    assert all(layer.resident["ofmap"] and not layer.resident["ofmap_in_dram"] for layer in inner)
    weights = 9 * (4 * 16 + 16 * 16 + 16 * 4)
    assert sum(layer.accesses["dram"]["ofmap"].bytes for layer in cut.layers) == 4 * 32 * 32
    assert sum(layer.accesses["dram"]["weight"].bytes for layer in cut.layers) >= 8 * weights
    assert cut.total.dram_bytes < whole.total.dram_bytes
    assert 0 < cut.buffers[0]["peak_resident_bytes"] <= cut.buffers[0]["resident_bytes"]


@pytest.mark.parametrize(
    ("chain", "told"),
    [
        ("a-c:2", "write FIRST..LAST:STRIPES"),
        ("a..c:0", "stripes = 0: 'c' has 32 output rows; give 1 to 32"),
        ("a..c:33", "stripes = 33"),
        ("a..d:2", "no layer 'd'"),
        ("c..a:2", "'c' has 0 readers and leaves the network, so 'a' does not follow in one chain"),
    ],
)
def test_what_is_no_chain_is_refused(chain, told):
    with pytest.raises(WorkloadError, match=told):
        depth_first(two_layers(), chain)


def test_layers_that_do_not_work_row_by_row_are_refused():
    with pytest.raises(WorkloadError, match=r"layer 'output' \(gemm\) does not work row by row"):
        depth_first(load_workload("lenet5_int8"), "output..output:1")
    resnet = load_workload("resnet18_int8")
    add = next(layer for layer in resnet.layers if layer.op == "add")
    with pytest.raises(WorkloadError, match="does not work row by row on one feature map"):
        depth_first(resnet, f"{add.name}..{add.name}:2")


def test_zeros_that_say_nothing_of_stripes_are_refused():
    graph = two_layers()
    sparse = graph.with_sparsities({"a.relu.out": NOfM(kind="n_of_m", n=2, m=4, axis=1)})
    with pytest.raises(WorkloadError, match="zeros of kind 'n_of_m', which say nothing of its stripes"):
        depth_first(sparse, "a..c:2")


def test_several_chains_and_one_stripe():
    graph = depth_first(two_layers(), "a..a.relu:2, b..c:1")
    assert [layer.name for layer in graph.mac_layers] == ["a@1", "a@2", "b@1", "c@1"]
