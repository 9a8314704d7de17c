"""What an engine cannot run is the host's; choices it has not are refused."""

import pytest

from simulator import simulate
from simulator.arch import load_accelerator
from simulator.errors import ArchitectureError, WorkloadError
from simulator.machines.contract import Request
from simulator.machines.host_layers import refuse_choices
from simulator.workload.builder import GraphBuilder


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


def test_a_network_without_anything_to_run_is_refused_by_name():
    with pytest.raises(WorkloadError, match=r"no recurrent or fully-connected layer.*ese runs nothing else"):
        simulate(graph(product=False), "ese")


@pytest.mark.parametrize(("option", "word"), [({"dataflow": "os"}, "runs ese"), ({"mappings": {"fc": {}}}, "mappings")])
def test_choices_are_refused(option, word):
    with pytest.raises(ArchitectureError, match=word):
        refuse_choices(Request(graph(product=True), load_accelerator("ese"), **option))
