"""Each layer that multiplies says where in the array and what crossed the edge; one that did not run says nothing."""

import pytest

from simulator.api import simulate
from simulator.arch import load_accelerator
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision
from tests.result_contract import assert_contract
from tests.test_assembly import TINY_BUFFERS


def test_every_layer_with_products_has_both_and_no_other():
    result = simulate("lenet5_int8", "gemmini_like_16", fidelity="bandwidth")
    for layer in result.layers:
        assert (layer.pe_use is not None) == (layer.edge is not None) == (layer.macs > 0)
        if layer.pe_use is not None:
            assert (layer.pe_use["rows"], layer.pe_use["columns"]) == (16, 16)
            assert layer.edge["psum"]["words"] > 0


@pytest.mark.parametrize("flow", ["ws", "os"])
def test_a_recurrent_layer_adds_up_its_works(flow):
    net = GraphBuilder("net", activation_precision=Precision(bits=8), weight_precision=Precision(bits=8))
    x = net.input("x", (4, 1, 20))
    graph = net.build(net.recurrent(x, 6, op="lstm"))
    result = simulate(graph, "tpu_like_128", fidelity="bandwidth", dataflow=flow)
    assert_contract(result)
    (layer,) = (one for one in result.layers if one.macs)
    assert len(layer.pe_use["blocks"]) > 1


def test_without_a_mapping_nothing_is_known():
    small = load_accelerator("tpu_like_128", overrides=TINY_BUFFERS)
    result = simulate("lenet5", small, fidelity="bandwidth", compat="scalesim")
    assert all(layer.pe_use is None and layer.edge is None for layer in result.layers)
