"""EIE's three sweeps, as in its paper's figures: queue depth, PE count and weight-SRAM width over the nine layers.

Sweeps lift the chip's capacity limits: each layer is one batch. Entry counts are stored once for each matrix and swept
over; another PE count deals the same non-zeros out anew.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from simulator.arch.sram import access_energy
from simulator.dataflow.eie import count_broadcast_cycles, count_cycles, count_weight_row_reads
from simulator.dataflow.eie_hardware import EieHardware
from simulator.dataflow.eie_matrix import EieMatrix, Mask, load_stored_layer
from simulator.formats.relative_index import position_counts
from simulator.units import KIB
from simulator.validation.eie_benchmarks import SEED, calibrated_density, draw_activations
from simulator.validation.eie_published import BENCHMARKS, REAL_LAYER, Benchmark
from simulator.validation.rows import reference_file
from simulator.validation.uniform_columns import sample_columns

QUEUE_DEPTHS = PE_COUNTS = tuple(2**i for i in range(9))
ROW_BITS = (32, 64, 128, 256, 512)
_NODE_NM = 45


StoredLayer = tuple[EieMatrix, Mask]
"""Entry counts, and which activations are broadcast."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Sweep:
    """Lines over one swept number, by layer."""

    name: str
    quantity: str
    unit: str
    swept: str
    values: tuple[int, ...]
    lines: Mapping[str, tuple[float, ...]]


def eie_sweeps() -> tuple[Sweep, ...]:
    """Return the sweeps of the paper's figures over its nine layers (random, ideal time as published) and the real one.

    Examples
    --------
    >>> [sweep.name for sweep in eie_sweeps()]
    ['queue_depth', 'pe_count', 'pe_padding', 'row_width_reads', 'row_width_energy']
    """
    stored = stored_layers()
    return (*queue_depth_sweep(stored), *pe_count_sweeps(), *row_width_sweeps(stored))


def queue_depth_sweep(layers: Mapping[str, StoredLayer]) -> tuple[Sweep, ...]:
    """Return the load-balance efficiency over the depth of the activation queues."""
    lines = _for_each(layers, lambda name: tuple(_efficiency(layers[name], depth) for depth in QUEUE_DEPTHS))
    return (Sweep("queue_depth", "load-balance efficiency", "", "queue depth", QUEUE_DEPTHS, lines),)


def pe_count_sweeps() -> tuple[Sweep, ...]:
    """Return speed-up over one PE, and padding, over the number of PEs: of the nine layers."""
    chip, named = EieHardware(), {benchmark.name: benchmark for benchmark in BENCHMARKS}
    dealt = _for_each(named, lambda name: _pe_lines(named[name], chip))
    speedups, padding = ({name: lines[i] for name, lines in dealt.items()} for i in range(2))
    return (
        Sweep("pe_count", "speed-up", "", "PEs", PE_COUNTS, speedups),
        Sweep("pe_padding", "padding", "% of entries", "PEs", PE_COUNTS, padding),
    )


def row_width_sweeps(layers: Mapping[str, StoredLayer]) -> tuple[Sweep, ...]:
    """Return reads of the weight SRAM, and their energy, over the width of its rows."""
    read_pj = [access_energy(EieHardware().weight_sram_kib_per_pe * KIB, bits, _NODE_NM).read_pj for bits in ROW_BITS]
    reads = _for_each(layers, lambda name: tuple(float(_row_reads(layers[name], bits)) for bits in ROW_BITS))
    energy = {name: tuple(r * pj / 1e6 for r, pj in zip(line, read_pj, strict=True)) for name, line in reads.items()}
    width = "SRAM width [bits]"
    return (
        Sweep("row_width_reads", "weight-SRAM reads", "", width, ROW_BITS, reads),
        Sweep("row_width_energy", "weight-SRAM read energy", "uJ", width, ROW_BITS, energy),
    )


def stored_layers() -> dict[str, StoredLayer]:
    """Return the nine layers drawn at random, and the real one where its file is there."""
    named = {benchmark.name: benchmark for benchmark in BENCHMARKS}
    layers = _for_each(named, lambda name: _draw(named[name]))
    path = reference_file("eie", "alex8.npz")
    return layers if path is None else {**layers, REAL_LAYER: load_stored_layer(path)}


def _for_each(names: Iterable[str], make: Callable[[str], _T]) -> dict[str, _T]:
    """Return what ``make`` says of each layer: they know nothing of each other, so cores share them."""
    listed = list(names)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # kernels and random numbers leave the interpreter to others
        return dict(zip(listed, pool.map(make, listed), strict=True))


def _draw(benchmark: Benchmark) -> StoredLayer:
    chip = EieHardware()
    density = calibrated_density(benchmark, chip)
    generator = np.random.default_rng([SEED, benchmark.inputs, benchmark.outputs])
    nonzero = draw_activations(benchmark, generator)
    return sample_columns(generator, benchmark.outputs, benchmark.inputs, density, chip.pes), nonzero


def _efficiency(layer: StoredLayer, depth: int) -> float:
    matrix, nonzero = layer
    cycles = count_cycles(matrix, nonzero, EieHardware(pes=matrix.pes, queue_depth=depth))
    return float(matrix.entries[: matrix.inputs][nonzero].sum()) / (matrix.pes * cycles)


def _row_reads(layer: StoredLayer, row_bits: int) -> int:
    return count_weight_row_reads(*layer, EieHardware(pes=layer[0].pes, weight_row_bits=row_bits))


def _pe_lines(benchmark: Benchmark, chip: EieHardware) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return speed-up over one PE, and padding as a share of the entries, at each PE count."""
    generator = np.random.default_rng([SEED, benchmark.inputs, benchmark.outputs])
    broadcast = np.flatnonzero(draw_activations(benchmark, generator))
    shape = benchmark.outputs, broadcast.size
    positions = sample_positions(generator, shape[0] * shape[1], calibrated_density(benchmark, chip))
    cycles, padding = [], []
    for pes in PE_COUNTS:
        entries, pads = position_counts(positions, shape, pes)
        matrix = EieMatrix(entries, pads, broadcast.size)
        cycles.append(count_broadcast_cycles(matrix, broadcast, benchmark.inputs, replace(chip, pes=pes)))
        padding.append(100.0 * float(pads.sum()) / float(entries.sum()))
    return tuple(cycles[0] / each for each in cycles), tuple(padding)


def sample_positions(generator: np.random.Generator, places: int, density: float) -> npt.NDArray[np.int64]:
    """Return the places, of ``places`` in a row, whose coin of ``density`` fell on heads: drawn as the gaps between."""
    drawn = [np.zeros(0, dtype=np.int64)]
    last = -1
    while last < places:
        step = max(64, int((places - last) * density * 1.01))
        gaps = generator.geometric(density, step)
        drawn.append(last + np.cumsum(gaps))
        last = int(drawn[-1][-1])
    listed = np.concatenate(drawn)
    return listed[: int(np.searchsorted(listed, places))]


SWEEPS: Mapping[str, Callable[[], tuple[Sweep, ...]]] = {"eie": eie_sweeps}
"""Sweeps that a validation draws, by chip."""
