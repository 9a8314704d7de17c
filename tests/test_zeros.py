"""What a run says of zeros."""

from simulator.arch import load_accelerator
from simulator.workload import load_workload
from simulator.workload.masks import Masks
from simulator.workload.sparsity import FromFile, NOfM
from simulator.workload.transforms.declare import declare_sparsity
from simulator.zeros import described_as, exploited, zeros_of


def test_densities_are_means_over_all_operands_of_products():
    machine = load_accelerator("gemmini_like_16")
    graph = declare_sparsity(load_workload("lenet5"), "c3=0.5,activations=0.25,c1.activations=dense")
    zeros = zeros_of(graph, Masks(graph, 4), machine)
    sizes = {layer.name: graph.tensors[layer.inputs[1]].elements for layer in graph.mac_layers}
    assert zeros["weight_density"] == 1 - 0.5 * sizes["c3"] / sum(sizes.values())
    assert 0.25 < zeros["activation_density"] < 1
    assert zeros["declared"] == ["uniform of 4 activations", "uniform of 1 weights"]
    assert zeros["seed"] == 4
    assert zeros["exploited"] == exploited(machine)


def test_short_names():
    assert described_as(NOfM(kind="n_of_m", n=2, m=4)) == "2:4"
    assert described_as(FromFile(kind="values", file="a/b.onnx", array="w")) == "values of b.onnx"
