"""Where the cycles that narrower operands save come from: products, bytes at one mapping, other mappings.

BOPs know the products alone. On an array that multiplies narrow values no faster, what a narrow network still gains is
traffic: its values lie packed in memory (docs/adr/0015). This takes the gain apart by runs that hold one part still.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.api import simulate
from simulator.arch import Accelerator, load_accelerator
from simulator.results import RunResult
from simulator.search.assignments import AssignedTensors
from simulator.workload import LayerGraph

AMPLE_BYTES_PER_SECOND = 1e15  # a layer of a gigabyte in a microsecond


@dataclass(frozen=True)
class WidthGain:
    """A network at uniform ``wide`` and at uniform ``narrow`` bits, ``bandwidth`` fidelity.

    Attributes
    ----------
    accelerator : str
    wide, narrow : int
        Of weights and activations [bits].
    cycles : (int, int)
        Wide and narrow, each under its best mappings.
    kept_mapping_cycles : int
        Narrow, under the wide network's mappings: what fewer bytes and faster products give by themselves.
    product_cycles : (int, int)
        Cycles in which the array multiplies, wide and narrow, under the wide network's mappings.
    layers, layers_as_long : int
        Layers, and those whose products take as long at both widths.
    ample_cycles : (int, int) or None
        Wide and narrow under those mappings, at AMPLE_BYTES_PER_SECOND of DRAM: no transfer makes anything wait. None
        where a buffer has ports, which so fast a DRAM would keep from the array.
    """

    accelerator: str
    wide: int
    narrow: int
    cycles: tuple[int, int]
    kept_mapping_cycles: int
    product_cycles: tuple[int, int]
    layers: int
    layers_as_long: int
    ample_cycles: tuple[int, int] | None


def width_gains(graph: LayerGraph, accelerator: Accelerator, widths: Sequence[int], batch: int = 1) -> list[WidthGain]:
    """Take apart what each of ``widths`` gains over the widest of them.

    Parameters
    ----------
    graph, accelerator, batch
        As :func:`simulator.api.simulate` takes them.
    widths : sequence of int
        Of weights and activations alike [bits].

    Examples
    --------
    >>> from simulator import load_accelerator, load_workload
    >>> (gain,) = width_gains(load_workload("lenet5_int8"), load_accelerator("gemmini_like_16"), (4, 8))
    >>> gain.product_cycles[0] == gain.product_cycles[1], gain.layers_as_long == gain.layers
    (True, True)
    """
    rising = sorted(set(widths))
    options: dict[str, Any] = {"fidelity": "bandwidth", "batch": batch}
    at = {bits: _uniform(graph, bits) for bits in rising}
    best = {bits: simulate(at[bits], accelerator, **options) for bits in rising}
    wide = rising[-1]
    options["mappings"] = {layer.name: layer.mapping for layer in best[wide].layers if "tile" in (layer.mapping or {})}
    kept = {bits: simulate(at[bits], accelerator, **options) for bits in rising}
    fast: dict[int, RunResult] = {}
    if not any(buffer.ports for buffer in accelerator.buffers):
        ample = load_accelerator(accelerator, overrides=[f"dram.bandwidth_bytes_per_second={AMPLE_BYTES_PER_SECOND}"])
        fast = {bits: simulate(at[bits], ample, **options) for bits in rising}
    return [
        WidthGain(
            accelerator=accelerator.name,
            wide=wide,
            narrow=bits,
            cycles=(_cycles(best[wide]), _cycles(best[bits])),
            kept_mapping_cycles=_cycles(kept[bits]),
            product_cycles=(sum(_products(kept[wide])), sum(_products(kept[bits]))),
            layers=len(kept[wide].layers),
            layers_as_long=sum(map(int.__eq__, _products(kept[wide]), _products(kept[bits]))),
            ample_cycles=(_cycles(fast[wide]), _cycles(fast[bits])) if fast else None,
        )
        for bits in rising[:-1]
    ]


def _uniform(graph: LayerGraph, bits: int) -> LayerGraph:
    tensors = AssignedTensors(graph)
    return graph.with_precisions(tensors.precisions(np.full((len(tensors.layers), 2), bits)))


def _cycles(result: RunResult) -> int:
    return result.total.cycles or 0


def _products(result: RunResult) -> list[int]:
    """Return the cycles in which each layer multiplies."""
    return [layer.issue_cycles.get("useful", 0) for layer in result.layers]


def to_lines(gains: Sequence[WidthGain]) -> list[str]:
    """Return the gains as a section of a page: a table, and each row in words."""
    if not gains:
        return []
    lines = [
        "",
        "## What narrow operands gain",
        "",
        "Uniform widths against the widest. Values lie packed in memory at their true bits; a device that stores one a",
        "byte has the widest row's traffic, whatever the model. `products`: the array's own cycles, both under the",
        "widest network's mappings; `ample DRAM`: the same with a DRAM so fast that no transfer is waited for.",
        "",
        "| accelerator | widths | cycles | at the widest's mappings | products | layers as long | ample DRAM |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for gain in gains:
        total, products, ample = (
            "-" if pair is None else f"{pair[0]:,} to {pair[1]:,}"
            for pair in (gain.cycles, gain.product_cycles, gain.ample_cycles)
        )
        lines.append(
            f"| {gain.accelerator} | {gain.wide} to {gain.narrow} bits | {total} | {gain.kept_mapping_cycles:,} | "
            f"{products} | {gain.layers_as_long} of {gain.layers} | {ample} |"
        )
    return [*lines, "", *(f"- {_in_words(gain)}" for gain in gains)]


def _in_words(gain: WidthGain) -> str:
    wide, narrow = gain.cycles
    start = f"{gain.accelerator}, {gain.narrow} bits: {wide / narrow:.2f} times as fast as {gain.wide}"
    ample = 1.0 if gain.ample_cycles is None else gain.ample_cycles[0] / gain.ample_cycles[1]
    if gain.layers_as_long < gain.layers:
        end = "" if gain.ample_cycles is None else f", and with ample DRAM the network is {ample:.2f} times"
        return f"{start}; its products are {gain.product_cycles[0] / gain.product_cycles[1]:.2f} times as fast{end}."
    left = "nothing is gained" if ample == 1 else f"{100 * (ample - 1):.2g} % are gained"
    end = "" if gain.ample_cycles is None else f"; with ample DRAM {left}"
    by_bytes, by_tiles = wide - gain.kept_mapping_cycles, gain.kept_mapping_cycles - narrow
    return (
        f"{start}, though the products of every layer take exactly as long. Fewer bytes at the same mappings save "
        f"{100 * by_bytes / wide:.1f} % of the cycles, larger tiles in the same buffers "
        f"{100 * by_tiles / wide:.1f} %{end}."
    )
