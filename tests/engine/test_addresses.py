"""Where tensors lie: apart from each other, from row to row, and once for a writer and its reader."""

import pytest

from simulator.engine.addresses import place_tensors, tensor_bytes
from simulator.engine.descriptors import Layout
from simulator.errors import WorkloadError
from simulator.memory.dma import RegionAllocator
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision
from tests.dataflow.network_cases import accelerator, plan


def chain():
    net = GraphBuilder("bytes", weight_precision=Precision(bits=8), activation_precision=Precision(bits=8))
    x = net.conv(net.input("image", (1, 4, 6, 6)), 8, 3, padding=1, name="a")
    return net.build(net.conv(x, 5, 1, name="b"))


def test_what_one_layer_writes_the_next_reads_there():
    planned = plan(chain(), accelerator(capacity=99999))
    regions = place_tensors(planned.network, planned.mapped.mappings, Layout(), RegionAllocator(1024, 1 << 20))
    assert regions[1].ifmap == regions[0].ofmap
    bases = [int(regions[i][name]) for i in (0, 1) for name in ("weight", "ofmap")] + [int(regions[0].ifmap)]
    assert len(set(bases)) == len(bases)
    assert all(base % 1024 == 0 for base in bases)


def test_sizes_by_hand():
    planned = plan(chain(), accelerator(capacity=99999))
    sizes = tensor_bytes(planned.network, planned.mapped.mappings, Layout(weights="rows"))
    assert [int(sizes[0][name]) for name in ("ifmap", "weight", "ofmap", "psum")] == [
        144,
        4 * 9 * 8 + 8 + 1,
        288,
        0,
    ]  # biases behind
    tiled = tensor_bytes(planned.network, planned.mapped.mappings, Layout("tiled", 16))
    assert int(tiled[0].ofmap) == 36 * 16


def test_a_network_larger_than_the_memory_is_refused():
    planned = plan(chain(), accelerator(capacity=99999))
    with pytest.raises(WorkloadError, match="use a larger memory"):
        place_tensors(planned.network, planned.mapped.mappings, Layout(), RegionAllocator(1024, 2048))
