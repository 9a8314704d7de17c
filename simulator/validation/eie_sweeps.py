"""EIE's three sweeps, as in its paper's figures: queue depth, PE count and weight-SRAM width over the nine layers.

Sweeps lift the chip's capacity limits: each layer is one batch. Entry counts are stored once for each matrix and swept
over; another PE count deals the same non-zeros out anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

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
    stored = _stored_layers()
    chip = EieHardware()
    dealt = {benchmark.name: _pe_lines(benchmark, chip) for benchmark in BENCHMARKS}
    reads = {name: tuple(float(_row_reads(layer, bits)) for bits in ROW_BITS) for name, layer in stored.items()}
    read_pj = [access_energy(chip.weight_sram_kib_per_pe * KIB, bits, _NODE_NM).read_pj for bits in ROW_BITS]
    return (
        Sweep(
            "queue_depth",
            "load-balance efficiency",
            "",
            "queue depth",
            QUEUE_DEPTHS,
            {name: tuple(_efficiency(layer, depth) for depth in QUEUE_DEPTHS) for name, layer in stored.items()},
        ),
        Sweep("pe_count", "speed-up", "", "PEs", PE_COUNTS, {name: lines[0] for name, lines in dealt.items()}),
        Sweep("pe_padding", "padding", "% of entries", "PEs", PE_COUNTS, {n: lines[1] for n, lines in dealt.items()}),
        Sweep("row_width_reads", "weight-SRAM reads", "", "SRAM width [bits]", ROW_BITS, reads),
        Sweep(
            "row_width_energy",
            "weight-SRAM read energy",
            "uJ",
            "SRAM width [bits]",
            ROW_BITS,
            {name: tuple(r * pj / 1e6 for r, pj in zip(line, read_pj, strict=True)) for name, line in reads.items()},
        ),
    )


_Layer = tuple[EieMatrix, Mask]


def _stored_layers() -> dict[str, _Layer]:
    layers = {benchmark.name: _draw(benchmark) for benchmark in BENCHMARKS}
    path = reference_file("eie", "alex8.npz")
    return layers if path is None else {**layers, REAL_LAYER: load_stored_layer(path)}


def _draw(benchmark: Benchmark) -> _Layer:
    chip = EieHardware()
    density = calibrated_density(benchmark, chip)
    generator = np.random.default_rng([SEED, benchmark.inputs, benchmark.outputs])
    nonzero = draw_activations(benchmark, generator)
    return sample_columns(generator, benchmark.outputs, benchmark.inputs, density, chip.pes), nonzero


def _efficiency(layer: _Layer, depth: int) -> float:
    matrix, nonzero = layer
    cycles = count_cycles(matrix, nonzero, EieHardware(pes=matrix.pes, queue_depth=depth))
    return float(matrix.entries[: matrix.inputs][nonzero].sum()) / (matrix.pes * cycles)


def _row_reads(layer: _Layer, row_bits: int) -> int:
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
