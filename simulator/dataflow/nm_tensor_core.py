"""N:M tensor cores: of M neighbouring weights at most N are kept and multiplied (docs/model/sparse_engines.md).

Sources: *NVIDIA A100 Tensor Core GPU Architecture*, 2020; Mishra et al., *Accelerating Sparse Deep Neural Networks*,
2021.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.dataflow.engine_checks import check_clock, check_counts, check_units, read_mask
from simulator.dataflow.sparse_run import MemoryAccess, SparseRun, named_pe_cycles
from simulator.dataflow.tandem_queue import run_tandem
from simulator.errors import ArchitectureError, WorkloadError
from simulator.units import BITS_PER_BYTE, KIB, bits_to_bytes, ceil_div

ENGINE = "N:M tensor core"
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class NmTensorCoreHardware:
    """Multiprocessors with tensor cores; the defaults are an A100's, at 16 bits.

    Parameters
    ----------
    multiprocessors
        Each takes one block of outputs after the other, all at the same time.
    macs_per_cycle
        Of a multiprocessor: products of kept weights.
    block_rows, block_cols
        Outputs of a block (weights' rows x activations' columns), which stay in registers.
    block_inner
        Kept weights a row that a step takes.
    buffers
        Steps whose operands are in shared memory at once.
    operand_bytes_per_cycle
        That a multiprocessor is fed with, and drained at.

    Examples
    --------
    >>> 2 * NmTensorCoreHardware().multipliers * 1.41e9 / 1e12  # dense TOP/s
    311.86944
    """

    multiprocessors: int = 108
    macs_per_cycle: int = 1024
    block_rows: int = 128
    block_cols: int = 128
    block_inner: int = 32
    buffers: int = 3
    operand_bytes_per_cycle: int = 64
    value_bits: int = 16
    output_bits: int = 16
    shared_memory_kib: int = 164
    clock_hz: float = 1.41e9

    def __post_init__(self) -> None:
        check_counts(ENGINE, {name: value for name, value in vars(self).items() if name != "clock_hz"})
        check_units(ENGINE, {"multiprocessors": self.multiprocessors})
        check_clock(ENGINE, self.clock_hz)

    @property
    def multipliers(self) -> int:
        """Of all multiprocessors."""
        return self.multiprocessors * self.macs_per_cycle


SOURCES: dict[str, str] = {
    **dict.fromkeys(
        ("multiprocessors", "macs_per_cycle", "clock_hz", "shared_memory_kib", "value_bits"),
        "NVIDIA A100 whitepaper, 2020: 108 SMs, 1024 FMA a cycle and SM at 16 bits, 1410 MHz, 164 KB",
    ),
    **dict.fromkeys(
        ("block_rows", "block_cols", "block_inner", "buffers"), "assumed: a usual tile of a matrix-product library"
    ),
    "operand_bytes_per_cycle": "assumed: the level-2 cache's 5120 bytes a cycle over 108 SMs, rounded up",
    "output_bits": "assumed: results as wide as operands",
}
"""Where each number of the default comes from."""

assert set(SOURCES) == set(vars(NmTensorCoreHardware()))


@dataclass(frozen=True)
class Pattern:
    """At most ``n`` of ``m`` neighbours along the reduction; n = m is dense."""

    n: int
    m: int

    def __post_init__(self) -> None:
        if not 1 <= self.n <= self.m <= 256:
            message = f"{ENGINE}: n = {self.n!r}, m = {self.m!r}; give 1 <= n <= m <= 256 (2:4 is n = 2, m = 4)"
            raise ArchitectureError(message)

    @property
    def place_bits(self) -> int:
        """Of each kept weight's place; none where nothing is left out."""
        return (self.m - 1).bit_length() if self.n < self.m else 0

    def kept(self, inner: int) -> int:
        """Return the weights of a row that are stored, for ``inner`` of the reduction."""
        whole, rest = divmod(inner, self.m)
        return whole * self.n + min(rest, self.n)


def run_nm_tensor_core(
    sizes: tuple[int, int, int],
    pattern: Pattern,
    hardware: NmTensorCoreHardware | None = None,
    *,
    weights: npt.ArrayLike | None = None,
) -> SparseRun:
    """Run a matrix product whose weights keep the pattern.

    Parameters
    ----------
    sizes
        Rows (of weights: outputs), inner (reduction) and cols (positions).
    weights
        Non-zero weights [rows, inner], checked against the pattern; without them every kept place holds a non-zero.

    Raises
    ------
    WorkloadError
        A group of the weights keeps more than the pattern allows, or their shape is another.

    Examples
    --------
    >>> chip = NmTensorCoreHardware(multiprocessors=1)
    >>> [run_nm_tensor_core((128, 4096, 128), Pattern(n, 4), chip).cycles for n in (4, 2)]
    [66304, 33680]
    """
    hardware = NmTensorCoreHardware() if hardware is None else hardware
    rows, inner, cols = sizes
    check_counts(ENGINE, {"rows": rows, "inner": inner, "cols": cols})
    stored = rows * pattern.kept(inner) if weights is None else _stored(weights, (rows, inner), pattern)
    work = _shares(sizes, pattern, hardware)
    idle = hardware.multiprocessors - len(work)
    cycles = max(share.cycles for share in work)
    lanes = hardware.macs_per_cycle
    issued = sum(share.busy_cycles for share in work) * lanes
    useful = stored * cols
    ends = sum(share.cycles for share in work)
    pe_cycles = named_pe_cycles(
        hardware.multipliers,
        cycles,
        "fill",
        useful=useful,
        padding=issued - useful,
        back_pressure=sum(share.back_pressure_cycles for share in work) * lanes,
        starvation=sum(share.starvation_cycles for share in work) * lanes,
        imbalance=(hardware.multiprocessors * cycles - ends) * lanes,
    )
    return SparseRun(
        cycles=cycles,
        multipliers=hardware.multipliers,
        pe_cycles=pe_cycles,
        dense_macs=rows * inner * cols,
        clock_hz=hardware.clock_hz,
        accesses=_accesses(work, hardware),
        pe_load=np.pad(np.array([share.busy_cycles for share in work], dtype=np.int64), (0, idle)),
    )


def _shares(sizes: tuple[int, int, int], pattern: Pattern, hardware: NmTensorCoreHardware) -> list["_Share"]:
    """Deal the blocks of outputs out to the multiprocessors."""
    rows, inner, cols = sizes
    blocks = [
        (min(hardware.block_rows, rows - r), min(hardware.block_cols, cols - c))
        for r in range(0, rows, hardware.block_rows)
        for c in range(0, cols, hardware.block_cols)
    ]
    at_work = min(hardware.multiprocessors, len(blocks))
    return [_Share(blocks[i :: hardware.multiprocessors], inner, pattern, hardware) for i in range(at_work)]


def _stored(weights: npt.ArrayLike, shape: tuple[int, int], pattern: Pattern) -> int:
    mask = read_mask(ENGINE, "weights", weights, "rows, inner")
    if mask.shape != shape:
        message = (
            f"{ENGINE}: weights are of shape {list(mask.shape)}; give {list(shape)}, rows and inner of the product"
        )
        raise WorkloadError(message)
    groups = np.add.reduceat(mask, np.arange(0, shape[1], pattern.m), axis=1, dtype=np.int64)
    if int(groups.max()) > pattern.n:
        row, group = (int(i) for i in np.unravel_index(int(groups.argmax()), groups.shape))
        message = (
            f"{ENGINE}: weights: row {row}, group {group} keeps {int(groups.max())} of {pattern.m}, but the pattern is "
            f"{pattern.n}:{pattern.m}; prune to it, or run as dense ({pattern.m}:{pattern.m})"
        )
        raise WorkloadError(message)
    return int(mask.sum())


class _Share:
    """One multiprocessor's blocks: steps that are fetched, multiplied and, behind a block's last, stored."""

    def __init__(
        self, blocks: list[tuple[int, int]], inner: int, pattern: Pattern, hardware: NmTensorCoreHardware
    ) -> None:
        kept = pattern.kept(inner)
        steps = [min(hardware.block_inner, kept - first) for first in range(0, kept, hardware.block_inner)]
        ends = [min(first + hardware.block_inner, kept) for first in range(0, kept, hardware.block_inner)]
        dense_ends = [inner if end == kept else min(inner, end * pattern.m // pattern.n) for end in ends]
        dense = np.diff([0, *dense_ends])
        fetch_bytes, macs, store_bytes = [], [], []
        for rows, cols in blocks:
            for step, activations in zip(steps, dense.tolist(), strict=True):
                weight_bits = rows * step * (hardware.value_bits + pattern.place_bits)
                fetch_bytes.append(bits_to_bytes(weight_bits) + bits_to_bytes(activations * cols * hardware.value_bits))
                macs.append(rows * step * cols)
                store_bytes.append(0)
            store_bytes[-1] = bits_to_bytes(rows * cols * hardware.output_bits)
        rate = hardware.operand_bytes_per_cycle
        service = np.array(
            [
                [ceil_div(count, rate) for count in fetch_bytes],
                [ceil_div(count, hardware.macs_per_cycle) for count in macs],
                [ceil_div(count, rate) for count in store_bytes],
            ],
            dtype=np.int64,
        )
        run = run_tandem(service, np.array([hardware.buffers, 2]), station=1)
        self.cycles = run.cycles
        self.busy_cycles = int(service[1].sum())
        self.back_pressure_cycles = run.back_pressure_cycles
        self.starvation_cycles = run.starvation_cycles
        self.fetched_bytes, self.stored_bytes = sum(fetch_bytes), sum(store_bytes)


def _accesses(work: list[_Share], hardware: NmTensorCoreHardware) -> dict[str, MemoryAccess]:
    word = hardware.operand_bytes_per_cycle
    reads = sum(ceil_div(share.fetched_bytes, word) for share in work)
    writes = reads + sum(ceil_div(share.stored_bytes, word) for share in work)
    bits = hardware.shared_memory_kib * KIB * BITS_PER_BYTE
    return {"shared_memory": MemoryAccess(reads, writes, word * BITS_PER_BYTE, bits)}
