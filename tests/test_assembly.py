"""From counters to results: energy, utilization, warnings, and what happens when nothing could run."""

import json

import pytest

from simulator.api import simulate
from simulator.arch import load_accelerator
from simulator.dataflow.binding import bind
from simulator.energy import LayerCounters, price, price_list
from simulator.units import BITS_PER_BYTE
from simulator.workload import load_workload
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import INT8, Precision
from simulator.workload.sparsity import NOfM, UniformDensity
from tests.result_contract import assert_contract
from tests.workload.networks import every_layer_kind

TINY_BUFFERS = [
    f"buffers.{name}.{field}={value}"
    for name in ("unified", "weight_fifo", "accumulators")
    for field, value in (("word_bits", 8), ("slots", 1), ("banks", 1), ("capacity_bytes", 16))
]


def builder(precision=INT8):
    return GraphBuilder("net", weight_precision=precision, activation_precision=precision)


def counters_of(layer, multiplier, machine):
    """A layer's counters, from its published counts and widths alone."""
    bits = {"ifmap": layer.ifmap_bits, "weight": layer.weight_bits, "psum": machine.array.psum_bits}
    rf, noc, glb = (layer.accesses[level] for level in ("rf", "noc", "glb"))
    reads, writes = dict.fromkeys(_names(machine), 0), dict.fromkeys(_names(machine), 0)
    for operand, access in glb.items():
        name = machine.buffer_of("ifmap" if operand == "ofmap" else operand).name
        reads[name] += access.reads
        writes[name] += access.writes
    return LayerCounters(
        issued_macs=layer.issued_macs * multiplier[1],
        ifmap_bits=multiplier.ifmap_bits,
        weight_bits=multiplier.weight_bits,
        float_macs=multiplier.is_float,
        rf_read_bits=sum(access.reads * bits[operand] for operand, access in rf.items()),
        rf_write_bits=sum(access.writes * bits[operand] for operand, access in rf.items()),
        noc_bits=sum(access.reads * bits[operand] for operand, access in noc.items()),
        buffer_reads=reads,
        buffer_writes=writes,
        dram_read_bytes=layer.dram["read_bytes"],
        dram_write_bytes=layer.dram["write_bytes"],
        vector_operations=layer.vector_operations,
        cycles=layer.cycles,
    )


def _names(machine):
    return [buffer.name for buffer in machine.buffers]


def assert_priced(graph, machine, **options):
    # a DRAM known by its bandwidth is priced by the bit; one whose commands are simulated, by command
    result = simulate(graph, machine, fidelity="bandwidth", **options)
    network = bind(graph, machine, batch=result.batch)
    prices = price_list(machine)
    for index, layer in enumerate(result.layers):
        multiplier = network.multipliers[network.row_of_work.index(index)]
        assert dict(layer.energy_pj) == pytest.approx(price(counters_of(layer, multiplier, machine), prices), rel=1e-12)


@pytest.mark.parametrize(
    ("workload", "preset", "dataflow"),
    [
        ("lenet5", "tpu_v1", None),
        ("resnet50_w4w8", "tpu_like_128", "auto"),
        ("mobilenet_v2_int8", "edge_like_32", "os"),
        ("squeezenet", "gemmini_like_16", "os"),
        ("bert_base_s128_int8", "tpu_like_128", "is"),
    ],
)
def test_energy_is_the_price_of_the_published_counts(workload, preset, dataflow):
    assert_priced(load_workload(workload), load_accelerator(preset), dataflow=dataflow)


def test_energy_of_recurrent_layers_float_arrays_and_wide_operands():
    assert_priced(every_layer_kind(), load_accelerator("tpu_like_128"), batch=2)
    assert_priced(load_workload("lenet5"), load_accelerator("tpu_like_128", overrides=["precision.float_bits=32"]))
    net = builder(Precision(bits=16))
    assert_priced(net.build(net.gemm(net.input("x", (40, 70)), 50)), load_accelerator("tpu_v1"))


def spilled(preset):
    """A product whose reduction is the outermost loop: unfinished psums go to DRAM and come back."""
    net = builder()
    graph = net.build(net.gemm(net.input("x", (64, 96)), 48, bias=False, name="fc"))
    given = {"fc": {"order": "cmk", "tile": {"P": 16, "K": 16, "C": 32}}}
    return graph, simulate(graph, preset, fidelity="bandwidth", mappings=given), given


def test_spilled_psums_are_counted_both_ways_and_priced():
    graph, result, given = spilled("tpu_like_128")
    assert_contract(result)
    psum = result.layers[0].accesses["dram"]["psum"]
    assert psum.bytes == 2 * 2 * 64 * 48 * 4  # two of three parts of the reduction leave unfinished, and return
    assert psum.reads == psum.writes == 2 * 64 * 48 * 4 // 64
    assert result.layers[0].dram["write_bytes"] == psum.bytes // 2 + 64 * 48
    assert_priced(graph, load_accelerator("tpu_like_128"), mappings=given)


def test_recurrent_works_are_priced_at_their_own_widths():
    net = builder()
    graph = net.build(net.recurrent(net.input("x", (6, 2, 12)), 20, name="lstm"))
    machine = load_accelerator("tpu_like_128")
    same = simulate(graph, machine).layers[0]
    mixed = simulate(graph.with_precisions({"lstm.recurrent": Precision(bits=4)}), machine).layers[0]
    ratio = price_list(machine).mac_pj(8, 4) / price_list(machine).mac_pj(8, 8)
    project = 6 * 2 * 12 * 80 / (6 * 2 * (12 + 20) * 80)  # the projection's share of the products keeps 8 bits
    assert mixed.issued_macs == same.issued_macs
    assert mixed.energy_pj["mac"] == pytest.approx(same.energy_pj["mac"] * (project + (1 - project) * ratio), rel=1e-12)


def test_utilization_is_relative_to_the_peak_at_the_layers_bits():
    for weight_bits, pack in ((8, 1), (4, 2)):
        net = GraphBuilder("n", weight_precision=Precision(bits=weight_bits), activation_precision=INT8)
        layer = simulate(net.build(net.gemm(net.input("x", (64, 256)), 256)), "tpu_like_128").layers[0]
        assert layer.utilization == pytest.approx(layer.macs / (128 * 128 * pack * layer.cycles), rel=1e-12)
    net = builder(Precision(bits=16))
    layer = simulate(net.build(net.gemm(net.input("x", (64, 256)), 256)), "tpu_v1").layers[0]
    assert layer.utilization == pytest.approx(4 * layer.macs / (256 * 256 * layer.cycles), rel=1e-12)


def test_effectual_products_leave_out_declared_zeros():
    net = builder()
    weight = net.constant("w", (64, 32), sparsity=NOfM(kind="n_of_m", n=2, m=4))
    graph = net.build(net.layer("gemm", (net.input("x", (8, 64)), weight), name="fc"))
    result = simulate(graph, "tpu_like_128", batch=3)
    assert result.layers[0].effectual_macs == result.layers[0].macs // 2 == 3 * 8 * 64 * 32 // 2
    total = result.total
    assert total.effectual_throughput_ops_per_second == pytest.approx(total.throughput_ops_per_second / 2)
    assert total.effectual_efficiency_ops_per_joule == pytest.approx(total.efficiency_ops_per_joule / 2)


def test_effectual_products_of_a_recurrent_layer_weigh_both_nests():
    net = builder()
    x = net.input("x", (5, 2, 12))
    weight = net.constant("w", (1, 80, 12))
    recurrent = net.constant("r", (1, 80, 20), sparsity=UniformDensity(kind="uniform", density=0.25))
    graph = net.build(net.layer("lstm", (x, weight, recurrent), name="lstm", hidden_size=20, directions=1))
    layer = simulate(graph, "tpu_like_128").layers[0]
    assert layer.macs == 5 * 2 * 80 * (12 + 20)
    assert layer.effectual_macs == 5 * 2 * 80 * (12 + 5)


def test_host_products_count_in_the_total_only():
    net = builder()
    x = net.gemm(net.input("x", (2, 8)), 4, name="fc")
    graph = net.build(net.layer("host", (x,), shape=(2, 4), kind="Sort", macs=100, name="sort"))
    result = simulate(graph, "tpu_like_128", batch=2)
    assert [layer.name for layer in result.layers] == ["fc"]
    assert result.not_timed == ({"name": "sort", "op": "host", "reason": "runs on the host", "macs": 200},)
    assert result.total.macs == result.layers[0].macs + 200 == 2 * 2 * 8 * 4 + 200
    assert any("1 layers run on the host and are not timed: sort" in line for line in result.warnings)


def test_assumed_widths_are_warned_of_and_true_ones_are_not():
    assert simulate("lenet5_int8", "tpu_like_128").warnings == ()
    result = simulate("lenet5", "tpu_like_128")
    assert len(result.warnings) == 1
    assert result.warnings[0].startswith("5 of 5 multiply-accumulate layers lack integer widths")
    assert "8-bit ifmaps and 8-bit weights" in result.warnings[0]
    assert all(layer.precision_assumed for layer in result.layers)


def test_every_price_names_its_source():
    result = simulate("lenet5_int8", "tpu_v1")
    assert all(set(row) == {"name", "value", "unit", "source", "mark"} for row in result.energy_sources)
    assert all(row["source"] and row["mark"] in {"F", "R", "M", "A", "G"} for row in result.energy_sources)


def test_layers_without_a_mapping_have_null_cycles_and_say_why():
    small = load_accelerator("tpu_like_128", overrides=TINY_BUFFERS)
    result = simulate("lenet5", small, compat="scalesim")
    data = json.loads(result.to_json())
    failed = [layer for layer in data["layers"] if "mapping_error" in layer]
    assert failed
    for layer in data["layers"]:
        assert layer["cycles"] is layer["start_cycle"] is layer["end_cycle"] is layer["utilization"] is None
        assert layer["dram"]["limiter"] is None
        assert ("compat_scalesim" in layer) == (layer["macs"] > 0)
    for layer in failed:
        assert layer["mapping"] == {}
        assert f"layer {layer['name']!r} on tpu_like_128: no mapping fits: buffer" in layer["mapping_error"]
    total = data["total"]
    for name in (
        "cycles",
        "latency_s",
        "power_w",
        "throughput_ops_per_second",
        "efficiency_ops_per_joule",
        "utilization",
    ):
        assert total[name] is None
    assert total["macs"] == 416_520
    assert any(f"{len(failed)} layers have no valid mapping" in line for line in result.warnings)
    lines = result.to_csv().splitlines()
    assert len(lines) == len(result.layers) + 2
    assert ",," in lines[1]
    assert " - " in str(result)


@pytest.mark.parametrize("preset", ["tpu_like_128", "gemmini_like_16", "edge_like_32"])
@pytest.mark.parametrize(
    "name", ["lenet5_int8", "squeezenet_int8", "resnet18_int8", "vit_tiny_int8", "shufflenet_int8"]
)
def test_traffic_is_never_less_than_compulsory(name, preset):
    """Weights, network inputs and network outputs cross the DRAM pins once at least."""
    graph = load_workload(name)
    weights = {tensor for layer in graph.mac_layers for tensor in layer.inputs[1:] if graph.tensors[tensor].constant}
    needed = [graph.tensors[tensor] for tensor in (*graph.inputs, *graph.outputs, *sorted(weights))]
    bits = sum(tensor.elements * tensor.precision.bits for tensor in needed)
    assert simulate(graph, preset).total.dram_bytes >= bits / BITS_PER_BYTE


@pytest.mark.slow
def test_bytes_of_a_huge_batch_are_exact():
    """Bits times chunks of this layer exceed 64 bits; no intermediate may."""
    net = builder()
    graph = net.build(net.softmax(net.input("x", (1, 8))))
    run = simulate(graph, "tpu_like_128", batch=2**38, fidelity="bandwidth")  # more bytes than any DRAM simulated has
    assert run.total.dram_bytes == 2 * 8 * 2**38


@pytest.mark.parametrize("position", [0, 1])
def test_more_bits_never_move_fewer_bytes_at_the_same_mapping(position):
    """Activations (0) or weights (1) of every layer from 1 to 16 bits, at the mapping of 16."""
    graph = load_workload("lenet5_int8")

    def at(bits):
        names = {layer.inputs[position] for layer in graph.mac_layers}
        return graph.with_precisions({name: Precision(bits=bits) for name in names})

    chosen = simulate(at(16), "tpu_like_128")
    mappings = {layer.name: layer.mapping for layer in chosen.layers if layer.macs}
    before = None
    for bits in (1, 2, 3, 4, 7, 8, 9, 16):
        moved = [layer.dram for layer in simulate(at(bits), "tpu_like_128", mappings=mappings).layers]
        if before is not None:
            for less, more in zip(before, moved, strict=True):
                assert less["read_bytes"] <= more["read_bytes"]
                assert less["write_bytes"] <= more["write_bytes"]
        before = moved
    assert moved == [layer.dram for layer in chosen.layers]
