"""Products whose weights stream from DRAM through small buffers: DianNao, Cambricon-X (docs/model/sparse_engines.md).

Weights are cut into groups of outputs and segments of inputs. A tile is a few positions of a few groups and segments;
half of each buffer holds one while the other half is loaded or stored. Every tile is loaded, worked on and, with the
last of its sums, stored: three stations in tandem.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.dataflow.tandem_queue import NO_JOB, run_tandem
from simulator.errors import MappingError
from simulator.units import BITS_PER_BYTE, ceil_div

Counts = npt.NDArray[np.int64]

_PSUM_SLOTS = 2


@dataclass(frozen=True)
class StreamedWeights:
    """Weights as groups of outputs x segments of inputs.

    Attributes
    ----------
    cycles, stored_bits, slot_units
        Of each group and segment [groups, segments]: cycles for one position, bits in DRAM, and how much of a weight
        slot they take.
    inputs, outputs
        Of each segment [segments] and each group [groups].
    """

    cycles: Counts
    stored_bits: Counts
    slot_units: Counts
    inputs: Counts
    outputs: Counts


@dataclass(frozen=True)
class StreamBuffers:
    """What one slot, half of a buffer, holds, and the link to DRAM (a port for loads, one for stores)."""

    input_values: int
    output_values: int
    weight_units: int
    value_bits: int
    dram_bits_per_cycle: float
    dram_latency_cycles: int = 0
    """Before the first word of the first tile; later loads are asked for ahead."""
    drain_cycles: int = 0
    """Of the pipeline: between a block's last operands and its sums."""


@dataclass(frozen=True)
class StreamTiling:
    """A tile: ``positions`` of ``groups`` and ``segments``; sums of ``block_groups`` stay on chip until complete."""

    positions: int
    block_groups: int
    segments: int
    groups: int


@dataclass(frozen=True)
class StreamRun:
    """What a product took; ``work_cycles`` of ``cycles`` the multipliers had a tile."""

    cycles: int
    work_cycles: int
    loaded_bytes: int
    stored_bytes: int
    tiling: StreamTiling


def run_stream(weights: StreamedWeights, positions: int, buffers: StreamBuffers) -> StreamRun:
    """Run a product for ``positions`` under the tiling whose work or loads, whichever is longer, are shortest.

    Raises
    ------
    MappingError
        No tile of one position, group and segment fits the slots.

    Examples
    --------
    >>> ones = np.ones((1, 4), dtype=np.int64)
    >>> weights = StreamedWeights(ones, 4096 * ones, ones, 16 * ones[0], np.array([16]))
    >>> run = run_stream(weights, 8, StreamBuffers(512, 512, 32, 16, 2048.0))
    >>> run.work_cycles, run.cycles, run.loaded_bytes
    (32, 42, 3072)
    """
    candidates = list(stream_tilings(weights, positions, buffers))
    if not candidates:
        needed = (int(weights.inputs.max()), int(weights.outputs.max()), int(weights.slot_units.max()))
        message = (
            f"streamed product: a position of one group takes {needed[0]} inputs, {needed[1]} outputs and {needed[2]} "
            f"units of weights, but half of the buffers holds {buffers.input_values}, {buffers.output_values} and "
            f"{buffers.weight_units}; give larger buffers"
        )
        raise MappingError(message)
    best = min(candidates, key=lambda tiling: _bound(weights, positions, buffers, tiling))
    return run_tiling(weights, positions, buffers, best)


def stream_tilings(weights: StreamedWeights, positions: int, buffers: StreamBuffers) -> Iterator[StreamTiling]:
    """Yield tilings that fit, positions and segments doubling; sums and weights take all of their slots."""
    groups, segments = weights.cycles.shape
    longest, widest, heaviest = (int(counts.max()) for counts in (weights.inputs, weights.outputs, weights.slot_units))
    for together in _doubling(positions):
        block = min(groups, buffers.output_values // (together * widest))
        for chunk in _doubling(segments):
            held = min(block, buffers.weight_units // (chunk * max(heaviest, 1)))
            if held and together * chunk * longest <= buffers.input_values:
                yield StreamTiling(together, block, chunk, held)


def _doubling(extent: int) -> list[int]:
    return [*(1 << i for i in range((extent - 1).bit_length())), extent]


def _bound(weights: StreamedWeights, positions: int, buffers: StreamBuffers, tiling: StreamTiling) -> tuple[float, int]:
    """Return the longer of work and loads [cycles], and the bits that are loaded."""
    groups, segments = weights.cycles.shape
    blocks, places = ceil_div(groups, tiling.block_groups), ceil_div(positions, tiling.positions)
    one_chunk = tiling.segments >= segments
    weight_loads = 1 if one_chunk and tiling.groups >= tiling.block_groups else places
    input_loads = 1 if one_chunk and places == 1 else blocks
    bits = weight_loads * int(weights.stored_bits.sum())
    bits += input_loads * positions * int(weights.inputs.sum()) * buffers.value_bits
    return max(float(positions * weights.cycles.sum()), bits / buffers.dram_bits_per_cycle), bits


def run_tiling(weights: StreamedWeights, positions: int, buffers: StreamBuffers, tiling: StreamTiling) -> StreamRun:
    """Run a product under one tiling: blocks of sums, positions, segments, groups, the last one innermost.

    What a tile shares with the one before is not loaded again. Sums of two blocks fit: a block begins when the one
    before the last is stored.
    """
    places = np.minimum(tiling.positions, positions - np.arange(0, positions, tiling.positions))
    loads, work, stores, sizes = [], [], [], []
    for first in range(0, len(weights.outputs), tiling.block_groups):
        block = slice(first, first + tiling.block_groups)
        moved = _block_bits(weights, block, buffers, tiling, places)
        loads.append(moved[0].ravel())
        work.append(moved[1].ravel())
        stores.append(moved[2].ravel())
        sizes += [moved[0][0].size] * len(places)
    load_bits, store_bits = np.concatenate(loads), np.concatenate(stores)
    rate = buffers.dram_bits_per_cycle
    leaving = np.where(store_bits > 0, np.ceil(store_bits / rate) + buffers.drain_cycles, 0)
    service = np.array([np.ceil(load_bits / rate), np.concatenate(work), leaving], dtype=np.int64)
    ends = np.cumsum(sizes) - 1
    after = np.concatenate((np.full(_PSUM_SLOTS, NO_JOB), ends[:-_PSUM_SLOTS]))[: len(ends)]
    jobs = service.shape[1]
    run = run_tandem(service, np.array([2, jobs]), station=1, after=np.repeat(after, sizes), gate_station=1)
    return StreamRun(
        cycles=run.cycles + buffers.dram_latency_cycles,
        work_cycles=int(service[1].sum()),
        loaded_bytes=ceil_div(int(load_bits.sum()), BITS_PER_BYTE),
        stored_bytes=ceil_div(int(store_bits.sum()), BITS_PER_BYTE),
        tiling=tiling,
    )


def _block_bits(
    weights: StreamedWeights, block: slice, buffers: StreamBuffers, tiling: StreamTiling, places: Counts
) -> tuple[Counts, Counts, Counts]:
    """Return bits to load, cycles and bits to store of a block's tiles [places, chunks, groups of weights]."""
    chunks = np.arange(0, weights.cycles.shape[1], tiling.segments)
    parts = np.arange(0, weights.cycles[block].shape[0], tiling.groups)
    cycles, bits = (
        np.add.reduceat(np.add.reduceat(counts[block], parts, axis=0), chunks, axis=1).T
        for counts in (weights.cycles, weights.stored_bits)
    )
    loads = np.broadcast_to(bits, (len(places), *bits.shape)).copy()
    if bits.size == 1:  # the same weights for every position
        loads[1:] = 0
    inputs = np.add.reduceat(weights.inputs, chunks)
    if bits.shape[0] > 1 or len(places) > 1 or block.start == 0:
        loads[:, :, 0] += places[:, None] * inputs * buffers.value_bits
    stores = np.zeros_like(loads)
    stores[:, -1, -1] = places * int(weights.outputs[block].sum()) * buffers.value_bits
    return loads, places[:, None, None] * cycles, stores
