"""Whole networks through ``simulate``: mapping search included, nothing kept between calls."""

from benchmarks.measurement import Measurement, Scale, peak_memory_mb, timed
from simulator.api import simulate
from simulator.results import RunResult
from simulator.workload import LayerGraph, load_workload
from simulator.workload.graph import build_graph
from simulator.workload.layers import Conv

PRESET = "tpu_like_128"


def resnet50(scale: Scale) -> list[Measurement]:
    """ResNet-50, from a library name to a result."""
    name = scale.network("resnet50_int8")
    time_taken = timed(
        "resnet50", lambda: simulate(name, PRESET, fidelity="bandwidth"), scale.repeats, f"{name}, file read each time"
    )
    return [time_taken, Measurement("resnet50_memory", "MB", (peak_memory_mb(),))]


def resnet50_event(scale: Scale) -> list[Measurement]:
    """ResNet-50 with every command of its DRAM: four channels of DDR4-2400, and a stack of HBM2."""
    name = scale.network("resnet50_int8")
    found = []
    for dram in ("ddr4", "hbm2"):
        system = None if dram == "ddr4" else dram  # the preset's own is DDR4
        result = simulate(name, PRESET, fidelity="event", dram=system)
        bursts = sum(layer.dram["reads"] + layer.dram["writes"] for layer in result.layers)
        note = f"{result.total.cycles} cycles, {bursts} bursts, {(result.dram_system or {})['origin']}"
        found.append(
            timed(
                f"resnet50_event_{dram}",
                lambda system=system: simulate(name, PRESET, fidelity="event", dram=system),
                scale.repeats,
                note,
            )
        )
    return [*found, Measurement("resnet50_event_memory", "MB", (peak_memory_mb(),))]


def alexnet_conv(scale: Scale) -> list[Measurement]:
    """AlexNet's convolutions alone, as other tools take them; every access and every cycle must be accounted for."""
    graph = convolutions_of(scale.network("alexnet_int8"))
    result = simulate(graph, PRESET, fidelity="bandwidth", dataflow="ws")
    demand_accounts(result)
    words = sum(
        access.reads + access.writes
        for layer in result.layers
        for level in layer.accesses.values()
        for access in level.values()
    )
    note = (
        f"{len(graph.layers)} convolutions, {result.total.macs} MACs, {words} accesses in {result.total.cycles} cycles"
    )
    time_taken = timed(
        "alexnet_conv", lambda: simulate(graph, PRESET, fidelity="bandwidth", dataflow="ws"), scale.repeats, note
    )
    return [
        time_taken,
        Measurement("alexnet_conv_memory", "MB", (peak_memory_mb(),), note="interpreter and numba included"),
    ]


def resnet18(scale: Scale) -> list[Measurement]:
    """ResNet-18, under the stated objective and under the widest search there is."""
    name = scale.network("resnet18_int8")
    return [
        timed("resnet18", lambda: simulate(name, PRESET, fidelity="bandwidth"), scale.repeats, "objective latency"),
        timed(
            "resnet18_auto",
            lambda: simulate(name, PRESET, fidelity="bandwidth", dataflow="auto", objective="edp"),
            scale.repeats,
        ),
    ]


def convolutions_of(name: str) -> LayerGraph:
    """Return the convolutions of a network, each with an input of its own."""
    graph = load_workload(name)
    layers = [layer for layer in graph.layers if isinstance(layer, Conv)]
    names = dict.fromkeys(tensor for layer in layers for tensor in (*layer.inputs, *layer.outputs))
    made = {tensor for layer in layers for tensor in layer.outputs}
    outside = dict.fromkeys(layer.inputs[0] for layer in layers if layer.inputs[0] not in made)
    tensors = [graph.tensors[tensor] for tensor in names]
    return build_graph(f"{name}_conv", tensors, layers, list(outside), [layer.outputs[0] for layer in layers])


def demand_accounts(result: RunResult) -> None:
    """Stop where cycles or bytes are not all accounted for.

    Raises
    ------
    RuntimeError
        Issue, idle and tail cycles do not add up to the layer's, or a layer moved nothing.
    """
    for layer in result.layers:
        spent = sum(layer.issue_cycles.values()) + sum(layer.idle_cycles.values()) + layer.tail_cycles
        if spent != layer.cycles or not all(
            sum(a.reads + a.writes for a in level.values()) for level in layer.accesses.values()
        ):
            message = f"layer {layer.name}: {layer.cycles} cycles, {spent} accounted for; or no access at a level"
            raise RuntimeError(message)
