"""EIE by ``simulate``: the engine's own cycles, capacity, batches, images, and what is left to the host."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.api import simulate
from simulator.arch import load_accelerator
from simulator.dataflow.eie import plan_layer, run_plan
from simulator.dataflow.eie_hardware import EieHardware
from simulator.errors import ArchitectureError, MappingError, WorkloadError
from simulator.machines.contract import Request
from simulator.machines.eie import hardware_of, run_eie
from simulator.workload.builder import GraphBuilder
from simulator.workload.masks import Masks
from simulator.workload.transforms.declare import declare_sparsity
from tests.result_contract import assert_contract


def connected(*sizes, rows=1, name="fc"):
    net = GraphBuilder(name)
    x = net.input("x", (rows, sizes[0]))
    for i, size in enumerate(sizes[1:]):
        x = net.relu(net.gemm(x, size, name=f"{name}{i}"))
    return net.build(x)


def test_cycles_are_the_engines_own():
    graph = declare_sparsity(connected(200, 90), "0.1,activations=0.4")
    result = simulate(graph, "eie_64pe", seed=5)
    masks, layer = Masks(graph, 5), graph.mac_layers[0]
    weights, activations = masks.mask(layer.inputs[1]).T, masks.mask("x")[0]
    own = run_plan(plan_layer(weights, bias=np.ones(90, dtype=bool)), activations)
    one = result.layers[0]
    assert one.cycles == own.cycles == result.total.cycles
    assert one.pe_cycles == own.pe_cycles
    assert one.pe_load == tuple(own.pe_entries)
    assert sum(one.pe_cycles.values()) == 64 * one.cycles
    assert one.effectual_macs == int((weights & activations).sum())
    assert one.dram["read_bytes"] == 0
    assert_contract(result)


def test_dense_activations_and_weights_are_one_run_for_all_rows():
    once, often = simulate(connected(64, 64), "eie_64pe"), simulate(connected(64, 64, rows=3), "eie_64pe", batch=2)
    assert often.layers[0].cycles == 6 * once.layers[0].cycles
    assert often.layers[0].mapping["vectors"] == 6
    assert often.total.energy_pj == pytest.approx(6 * once.total.energy_pj)
    assert often.layers[0].effectual_macs == often.layers[0].macs


def test_rows_and_images_have_their_own_zeros():
    graph = declare_sparsity(connected(64, 64, rows=2), "activations=0.5")
    masks, layer = Masks(graph), graph.mac_layers[0]
    result = simulate(graph, "eie_64pe", batch=3)
    expected = 0
    plan = plan_layer(np.ones((64, 64), dtype=bool), bias=np.ones(64, dtype=bool))
    for image in range(3):
        for vector in masks.mask(layer.inputs[0], image=image):
            expected += run_plan(plan, vector).cycles
    assert result.layers[0].cycles == expected


def test_a_network_larger_than_the_chip_reads_its_weights_first():
    small = ["buffers.sparse_matrix.capacity_bytes=65536"]  # 1 KiB, 1024 entries a PE
    graph = connected(256, 256, 256)
    roomy, tight = simulate(graph, "eie_64pe"), simulate(graph, load_accelerator("eie_64pe", overrides=small))
    assert_contract(tight)
    for before, after in zip(roomy.layers, tight.layers, strict=True):
        stored_bits = 64 * (257 * 4) * 8 + 64 * (257 + 1) * 16  # entries; pointers: the bias is a column
        assert after.dram["read_bytes"] >= stored_bits // 8
        assert after.idle_cycles["weight"] == -(-after.dram["read_bytes"] // 32) + 80
        assert after.cycles >= before.cycles + after.idle_cycles["weight"]
        assert after.energy_pj["dram"] > before.energy_pj["dram"] == 0
    assert any("do not fit" in text for text in tight.warnings)
    assert not any("do not fit" in text for text in roomy.warnings)


def test_long_vectors_run_in_batches():
    result = simulate(declare_sparsity(connected(9000, 70), "0.05"), "eie_64pe")
    assert result.layers[0].mapping["batches"] == 3
    assert_contract(result)


def test_what_no_batching_fits_is_refused():
    with pytest.raises(MappingError, match="no batching helps"):
        simulate(connected(80_000, 70), "eie_64pe")


def test_other_layers_are_the_hosts_and_cost_no_throughput():
    result = simulate("lenet5_int8", "eie_64pe")
    assert [layer.name for layer in result.layers] == ["f6", "output"]
    assert {row["name"] for row in result.not_timed if "host" in row["reason"]} >= {"c1", "c3", "c5"}
    timed = sum(layer.macs for layer in result.layers)
    assert result.total.throughput_ops_per_second == pytest.approx(2 * timed / result.total.latency_s)
    assert result.total.macs > timed
    net = GraphBuilder("conv")
    with pytest.raises(WorkloadError, match="no fully-connected layer"):
        simulate(net.build(net.conv(net.input("x", (1, 3, 8, 8)), 4, 3)), "eie_64pe")


def test_what_it_has_not_is_refused():
    graph = connected(8, 8)
    for options, words in (({"mappings": {"fc0": {}}}, "no mappings"), ({"dataflow": "ws"}, "runs eie")):
        with pytest.raises(ArchitectureError, match=words):
            simulate(graph, "eie_64pe", **options)
    with pytest.raises(ArchitectureError, match="whole number of KiB"):
        simulate(graph, load_accelerator("eie_64pe", overrides=["array.pes=48"]))
    with pytest.raises(ArchitectureError, match=r"array\.kind = 'systolic'"):
        hardware_of(load_accelerator("tpu_v1"))


def test_description_and_hardware_are_the_same_numbers():
    changed = load_accelerator("eie_64pe", overrides=["array.pes=128", "array.queue_depth=4", "clock_hz=1e9"])
    expected = replace(
        EieHardware(), pes=128, queue_depth=4, clock_hz=1e9, weight_sram_kib_per_pe=64, activation_sram_kib_per_pe=1
    )
    assert hardware_of(changed) == expected
    outcome = run_eie(Request(connected(64, 64), changed))
    assert len(outcome.layers[0].pe_load) == 128


def test_prices_are_those_that_were_used():
    result = simulate(connected(64, 64), "eie_64pe")
    names = {row["name"] for row in result.energy_sources}
    assert "dram" in names
    assert len(names) == 7
    assert result.layers[0].energy_pj["static"] == 0
