"""Networks without local reuse: the contract of results, mappings given back, errors that say what does not fit."""

import pytest

from simulator.api import simulate
from simulator.arch import load_accelerator
from simulator.errors import ArchitectureError, MappingError
from simulator.validation.dataflow_energy import machine_of
from tests.result_contract import assert_contract
from tests.workload.networks import every_layer_kind

NLR = machine_of("nlr")


@pytest.mark.parametrize("objective", ["latency", "energy", "edp"])
def test_contract(objective):
    result = simulate("lenet5", NLR, objective=objective)
    assert_contract(result)
    assert result.dataflow == "nlr"


def test_contract_on_every_kind_of_layer():
    assert_contract(simulate(every_layer_kind(), NLR, batch=2))


def test_a_printed_mapping_is_taken_back():
    best = simulate("lenet5", NLR)
    given = {layer.name: layer.mapping for layer in best.layers if layer.mapping}
    assert simulate("lenet5", NLR, mappings=given) == best


def test_every_product_reads_a_weight():
    layer = simulate("lenet5", NLR).layers[0]
    assert layer.accesses["glb"]["weight"].reads == -(-layer.macs * 16 // 64)
    assert layer.accesses["rf"] == {}


def test_errors():
    with pytest.raises(MappingError, match=r"mapping for 'c1': m = 900; give n, e, m, c up to \(1, 28, 6, 1\)"):
        simulate("lenet5", NLR, mappings={"c1": {"m": 900}})
    tiny = load_accelerator(NLR, overrides=["buffers.glb.capacity_bytes=64"])
    with pytest.raises(MappingError, match=r"layer 'c1' on nlr_equal_area: no mapping fits: the buffers hold 512 bits"):
        simulate("lenet5", tiny)
    with pytest.raises(ArchitectureError, match="dataflow 'ws': nlr_equal_area runs nlr"):
        simulate("lenet5", NLR, dataflow="ws")
