"""One change at a time, each checked by making it: what a layer and its network gain, measured by running them again.

Changes are made to the description or to the layer's weights, the network is mapped anew and run whole; nothing is
extrapolated. A change that the description does not allow (a ninth slot) or that fits no mapping is left out.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from simulator.api import simulate
from simulator.arch import Accelerator, load_accelerator
from simulator.errors import SimulatorError
from simulator.machines.fidelity import resolve_fidelity
from simulator.memory.dram_choice import is_dram_file, with_dram
from simulator.results import LayerResult, RunResult
from simulator.workload import LayerGraph
from simulator.workload.layers import MAC_LAYERS
from simulator.workload.precision import Precision

NARROW_BITS = 4
_LAYOUTS = {"NHWC": "feature maps as NHWC", "NCHW": "feature maps as NCHW", "tiled": "feature maps tiled by channels"}
Case = tuple[LayerGraph, Accelerator, Mapping[str, Any]]


@dataclass(frozen=True)
class Change:
    """A change to try: in words, the ``--set`` of it where there is one, and the case that it makes."""

    name: str
    setting: str
    make: Callable[[], Case]


@dataclass(frozen=True)
class Finding:
    """What one change did.

    Attributes
    ----------
    name, setting : str
        The change in words, and as an option.
    layer_cycles, total_cycles : int
        Of the layer and of the whole network, changed.
    layer_gain_cycles, total_gain_cycles : int
        Saved; negative where it got slower.
    energy_ratio, area_ratio : float or None
        Of the whole network and of array and buffers, changed over unchanged.
    """

    name: str
    setting: str
    layer_cycles: int
    total_cycles: int
    layer_gain_cycles: int
    total_gain_cycles: int
    energy_ratio: float | None
    area_ratio: float | None


def what_if(graph: LayerGraph, accelerator: Accelerator, layer: str, **options: Any) -> tuple[Finding, ...]:  # noqa: ANN401
    """Try every change that one layer could profit from, and return what each did, the best first.

    Parameters
    ----------
    graph : LayerGraph
    accelerator : Accelerator
    layer : str
        A timed layer, or one that is fused into such a layer.
    **options
        Of :func:`simulator.api.simulate`: the same in all runs.

    Raises
    ------
    SimulatorError
        The network cannot be run unchanged.

    Examples
    --------
    >>> from simulator.workload import load_workload
    >>> machine = load_accelerator("gemmini_like_16")
    >>> best = what_if(load_workload("lenet5_int8"), machine, "c5")[0]
    >>> best.layer_gain_cycles > 0
    True
    """
    dram = options.pop("dram", None)
    if dram is not None:  # part of the machine from here on: what is changed is changed there
        accelerator = with_dram(accelerator, str(dram))
    before = simulate(graph, accelerator, **options)
    base = _layer_of(before, layer)
    if base is None or before.total.cycles is None:
        return ()
    found = []
    for change in changes(graph, accelerator, base.name, options):
        try:
            changed_graph, changed_machine, changed_options = change.make()
            after = simulate(changed_graph, changed_machine, **changed_options)
        except SimulatorError:
            continue  # the description forbids it, or nothing fits any more
        finding = _finding(change, before, after, base)
        if finding is not None:
            found.append(finding)
    return tuple(sorted(found, key=lambda one: (-one.layer_gain_cycles, -one.total_gain_cycles, one.name)))


def _layer_of(result: RunResult, name: str) -> LayerResult | None:
    return next((layer for layer in result.layers if name == layer.name or name in layer.fused), None)


def _finding(change: Change, before: RunResult, after: RunResult, base: LayerResult) -> Finding | None:
    same = _layer_of(after, base.name)
    if same is None or same.cycles is None or after.total.cycles is None or base.cycles is None:
        return None
    area = (after.total.area_mm2, before.total.area_mm2)
    return Finding(
        name=change.name,
        setting=change.setting,
        layer_cycles=same.cycles,
        total_cycles=after.total.cycles,
        layer_gain_cycles=base.cycles - same.cycles,
        total_gain_cycles=(before.total.cycles or 0) - after.total.cycles,
        energy_ratio=after.total.energy_pj / before.total.energy_pj if before.total.energy_pj else None,
        area_ratio=area[0] / area[1] if area[0] is not None and area[1] else None,
    )


def changes(graph: LayerGraph, accelerator: Accelerator, layer: str, options: Mapping[str, Any]) -> Iterator[Change]:
    """Yield what could be changed, one thing at a time."""
    data = accelerator.model_dump(mode="json", by_alias=True)
    event = resolve_fidelity(accelerator, options.get("fidelity"))[0] == "event"
    for name, setting in (*_settings(data), *_memory_settings(data["dram"], event=event)):
        yield Change(name, f"--set {setting}", _set(graph, accelerator, setting, options))
    flows = data["array"].get("dataflows") or []
    if len(flows) > 1 and options.get("dataflow") != "auto":
        chosen = {**options, "dataflow": "auto"}
        yield Change("the best dataflow for each layer", "--dataflow auto", lambda: (graph, accelerator, chosen))
    narrow = narrower_weights(graph, layer)
    if narrow is not None:
        yield Change(f"{NARROW_BITS}-bit weights in this layer", "", lambda: (narrow, accelerator, options))


def _set(graph: LayerGraph, accelerator: Accelerator, setting: str, options: Mapping[str, Any]) -> Callable[[], Case]:
    return lambda: (graph, load_accelerator(accelerator, overrides=[setting]), options)


def _settings(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (words, override) for the fields that the description has: other kinds of array have other fields."""
    array, vector = data["array"], data.get("vector") or {}
    for name, path, value in (
        ("twice the rows", "array.rows", array.get("rows")),
        ("twice the columns", "array.columns", array.get("columns")),
        ("twice the vector lanes", "vector.lanes", vector.get("lanes")),
    ):
        if value:
            yield name, f"{path}={value * 2:.12g}"
    for buffer in data["buffers"]:
        yield from _buffer_settings(buffer)
    for words, field in (
        ("twice the ifmap bus", "ifmap_bus_words_per_cycle"),
        ("twice the weight bus", "weight_bus_words_per_cycle"),
        ("twice the psum bus", "psum_bus_words_per_cycle"),
        ("twice the bus that operands share", "shared_bus_bits_per_cycle"),
    ):
        if array.get(field):
            yield words, f"array.{field}={array[field] * 2}"
    if array.get("weight_shadow") is False:
        yield "a shadow register for weights", "array.weight_shadow=true"
    if array.get("os_drain") == "shift_blocking" and "os" in array.get("dataflows", ()):
        yield "a drain chain of its own", "array.os_drain=separate_chain"
    if array.get("group_packing") is False:
        yield "several groups in one fold", "array.group_packing=true"


def _memory_settings(dram: Mapping[str, Any], *, event: bool) -> Iterator[tuple[str, str]]:
    """Yield changes to the DRAM; where its commands are timed, latency is theirs, and where tensors lie matters."""
    words = "twice the DRAM's channels" if is_dram_file(dram["system"]) else "twice the DRAM bandwidth"
    yield words, f"dram.bandwidth_bytes_per_second={dram['bandwidth_bytes_per_second'] * 2:.12g}"
    if event:
        for layout, words in _LAYOUTS.items():
            if layout != dram["layout"]:
                yield words, f"dram.layout={layout}"
    elif dram["latency_cycles"]:
        yield "half the DRAM latency", f"dram.latency_cycles={dram['latency_cycles'] // 2}"


def _buffer_settings(buffer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    place = f"buffers.{buffer['name']}"
    yield f"one more slot in {buffer['name']}", f"{place}.slots={buffer['slots'] + 1}"
    yield f"twice the capacity of {buffer['name']}", f"{place}.capacity_bytes={buffer['capacity_bytes'] * 2}"
    if buffer.get("ports"):
        yield f"twice the ports of {buffer['name']}", f"{place}.ports={buffer['ports'] * 2}"
        yield f"twice the banks of {buffer['name']}", f"{place}.banks={buffer['banks'] * 2}"


def narrower_weights(graph: LayerGraph, name: str) -> LayerGraph | None:
    """Return the network with narrow weights in one layer; None where it has no wider constant weights."""
    layer = next((one for one in graph.layers if one.name == name), None)
    if layer is None or not isinstance(layer, MAC_LAYERS) or len(layer.inputs) < 2:
        return None
    weight = layer.inputs[1]
    tensor = graph.tensors[weight]
    if not tensor.constant or tensor.precision.bits <= NARROW_BITS:
        return None
    narrow = Precision(bits=NARROW_BITS, signed=True)
    tensors = {**graph.tensors, weight: tensor.model_copy(update={"precision": narrow})}
    return replace(graph, tensors=MappingProxyType(tensors))
