"""Convolutional networks against the figures of their papers and of torchvision."""

import pytest

from simulator.workload.layers import Conv
from simulator.workload.zoo.convnets import lenet5, mobilenet_v2, resnet18, vgg16


def parameters(graph):
    return sum(tensor.elements for tensor in graph.tensors.values() if tensor.constant)


def channels_normalized(graph):
    """Output channels of the convolutions: each had a batch normalization, now one folded bias."""
    return sum(graph.tensors[layer.inputs[1]].shape[0] for layer in graph.layers if isinstance(layer, Conv))


# torchvision's meta tables: num_params, and _ops in units of 1e9 multiply-accumulates.
@pytest.mark.parametrize(
    ("build", "num_params", "giga_macs", "mac_layers"),
    [(vgg16, 138_357_544, 15.470, 16), (resnet18, 11_689_512, 1.814, 21), (mobilenet_v2, 3_504_872, 0.301, 53)],
)
def test_totals_are_those_of_torchvision(build, num_params, giga_macs, mac_layers):
    graph = build()
    # Folding turns a scale and a shift a channel into one bias. VGG-16 has no normalization, and biases already.
    folded = 0 if build is vgg16 else channels_normalized(graph)
    assert parameters(graph) + folded == num_params
    assert round(graph.total_macs / 1e9, 3) == giga_macs
    assert len(graph.mac_layers) == mac_layers


def test_mobilenet_v2_is_that_of_its_paper():
    """Table 4: 300 M multiply-adds, 3.4 M parameters. Table 2: the output of each stage."""
    graph = mobilenet_v2()
    assert graph.total_macs == 300_774_272
    assert sum(layer.groups > 1 for layer in graph.mac_layers if isinstance(layer, Conv)) == 17
    assert sum(layer.op == "add" for layer in graph.layers) == 10
    stages = {"stem": (32, 112), "block1": (16, 112), "block3": (24, 56), "block6": (32, 28), "block10": (64, 14)}
    stages |= {"block13": (96, 14), "block16": (160, 7), "block17": (320, 7), "head": (1280, 7)}
    for name, (channels, size) in stages.items():
        tensor = f"{name}.project.out" if name.startswith("block") else f"{name}.out"
        assert graph.tensors[tensor].shape == (1, channels, size, size)


def test_lenet5_is_that_of_its_paper():
    """LeCun et al. 1998, II.B: connections of C1 and C5, which count biases; trainable parameters of each layer."""
    graph = lenet5()
    by_name = {layer.name: layer for layer in graph.layers}
    connections = {}
    trainable = {}
    for name in ("c1", "c3", "c5", "f6"):
        layer = by_name[name]
        connections[name] = graph.macs_of(layer) + graph.tensors[layer.outputs[0]].elements
        trainable[name] = sum(graph.tensors[tensor].elements for tensor in layer.inputs[1:])
    assert connections["c1"] == 122_304
    assert connections["c5"] == trainable["c5"] == 48_120
    assert trainable["c1"] == 156
    assert connections["f6"] == trainable["f6"] == 10_164
    # The paper's C3 has 1,516 parameters and 151,600 connections with 60 of the 96 pairs of maps; ours has all 96.
    assert trainable["c3"] - 36 * 25 == 1_516
    assert connections["c3"] - 36 * 25 * 100 == 151_600
    assert graph.total_macs == 416_520


def test_resnet18_halves_as_its_table_1():
    graph = resnet18()
    sizes = [graph.tensors[f"layer{stage}.1.relu2.out"].shape for stage in (1, 2, 3, 4)]
    assert sizes == [(1, 64, 56, 56), (1, 128, 28, 28), (1, 256, 14, 14), (1, 512, 7, 7)]
    assert sum(layer.name.endswith("downsample") for layer in graph.layers) == 3


@pytest.mark.parametrize("build", [lenet5, vgg16, resnet18, mobilenet_v2])
def test_each_names_its_paper(build):
    provenance = build().provenance
    assert any(year in provenance.source for year in ("1998", "arXiv:"))
    assert provenance.licence.startswith("MIT")
