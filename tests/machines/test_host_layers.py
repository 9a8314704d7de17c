"""What an engine cannot run is the host's; choices it has not are refused."""

import pytest

from simulator import simulate
from simulator.arch import load_accelerator
from simulator.errors import ArchitectureError, WorkloadError
from simulator.machines.contract import Request
from simulator.machines.host_layers import refuse_choices
from simulator.workload.builder import GraphBuilder
from simulator.workload.transforms.declare import declare_sparsity


def graph(*, product):
    net = GraphBuilder("small")
    x = net.conv(net.input("x", (1, 4, 5, 5)), 3, 3, name="conv")
    return net.build(net.gemm(net.flatten(x), 6, name="fc") if product else x)


def test_the_host_gets_the_rest_and_its_products_count():
    result = simulate(graph(product=True), "ese")
    assert [layer.name for layer in result.layers] == ["fc"]
    host = [row for row in result.not_timed if row["reason"] == "runs on the host"]
    assert [row["name"] for row in host] == ["conv"]
    assert result.total.macs == result.layers[0].macs + host[0]["macs"]


def test_known_zeros_are_no_effectual_products_of_the_host_either():
    """Whoever runs a layer, the network has as many products of two non-zeros."""
    sparse = declare_sparsity(graph(product=True), "0.3,activations=0.5")
    by_host, by_array = (simulate(sparse, name, batch=2).total for name in ("ese", "edge_like_32"))
    assert by_host.macs == by_array.macs
    assert by_host.effectual_macs == by_array.effectual_macs < 0.25 * by_host.macs
    assert simulate(graph(product=True), "ese").total.effectual_macs == by_host.macs // 2


def test_a_network_without_anything_to_run_is_refused_by_name():
    with pytest.raises(WorkloadError, match=r"no recurrent or fully-connected layer.*ese runs nothing else"):
        simulate(graph(product=False), "ese")


@pytest.mark.parametrize(("option", "word"), [({"dataflow": "os"}, "runs ese"), ({"mappings": {"fc": {}}}, "mappings")])
def test_choices_are_refused(option, word):
    with pytest.raises(ArchitectureError, match=word):
        refuse_choices(Request(graph(product=True), load_accelerator("ese"), **option))
