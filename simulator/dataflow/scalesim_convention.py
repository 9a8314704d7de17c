"""What SCALE-Sim v3 would report for a layer: that tool's convention, stated beside ours and never used for timing.

Source: runs of SCALE-Sim 3.0.0 (MIT) in CALC mode, where reads never stall, and its ``compute/systolic_compute_*.py``.
A layer is the matrix product ``P x K`` by ``K x N`` (``P`` windows, ``K`` window elements, ``N`` filters), cut into
folds of the array's rows and columns:

========  ====  ====  ====  ==============  ===========  ==============
dataflow  Sr    Sc    T     cycles a fold   ifmap reads  filter reads
========  ====  ====  ====  ==============  ===========  ==============
os        P     N     K'    T + R + C - 2   Fc T Sr      Fr T Sc
ws        K'    N     P     2R + C + T - 2  Fc T Sr M/N  Sr Sc
is        K'    P     N     2R + C + T - 2  Sr Sc        Fc T Sr
========  ====  ====  ====  ==============  ===========  ==============

``Fr = ceil(Sr / R)``, ``Fc = ceil(Sc / C)``; the total is one cycle short of the folds (an off-by-one of theirs).
Layer-wise ``N:M`` sparsity shortens the reduction to ``K' = floor(K/M) N + min(N, K mod M)``, but utilisation still
divides the dense products, so it may exceed 100 %; weight stationary counts each ifmap word ``M/N`` times, a fraction
of a word where the last block is shorter than ``N``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from simulator.errors import ArchitectureError, WorkloadError
from simulator.units import ceil_div
from simulator.workload.loops import MacLoops
from simulator.workload.sparsity import NOfM

ScaleSimDataflow = Literal["os", "ws", "is"]


@dataclass(frozen=True, slots=True)
class ScaleSimCounts:
    """One layer in SCALE-Sim's convention.

    Attributes
    ----------
    total_cycles : int
        Its "Total Cycles" without prefetch [cycles].
    overall_utilization_pct : float
        Dense products over ``total_cycles`` times the array's elements [%]; 0 where the tool would divide by 0 cycles.
    mapping_efficiency_pct : float
        Elements used, averaged over folds [%].
    ifmap_sram_reads : float
        [words]; whole, but for weight-stationary sparse layers whose last block is shorter than ``N``.
    filter_sram_reads : int
        [words]
    """

    total_cycles: int
    overall_utilization_pct: float
    mapping_efficiency_pct: float
    ifmap_sram_reads: float
    filter_sram_reads: int

    def to_dict(self) -> dict[str, float]:
        """Return the five numbers under the names of the result's ``compat_scalesim``."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class _Folds:
    """How one product lies on the array."""

    spatial_rows: int
    spatial_columns: int
    time: int
    row_folds: int
    column_folds: int

    @property
    def count(self) -> int:
        return self.row_folds * self.column_folds


def scalesim_layer(
    nests: MacLoops | Sequence[MacLoops],
    rows: int,
    columns: int,
    dataflow: str,
    *,
    n_of_m: NOfM | None = None,
    sparsity_support: bool = False,
) -> ScaleSimCounts:
    """Return what SCALE-Sim's convention says of one layer.

    Parameters
    ----------
    nests : MacLoops or sequence of MacLoops
        The layer's loop nests. Groups and sequence steps run one after the other, as that tool runs the channels of a
        depthwise (``DP``) row.
    rows, columns : int
        Processing elements of the array, each at least 1.
    dataflow : {"os", "ws", "is"}
    n_of_m : NOfM, optional
        Sparsity of the weights along the reduction.
    sparsity_support : bool
        The configuration's ``SparsitySupport``: without it the tool computes the layer dense.

    Raises
    ------
    ArchitectureError
        The array has no elements, or the dataflow is not one of the tool's.
    WorkloadError
        The layer multiplies nothing.

    Examples
    --------
    >>> fc = MacLoops(N=1, G=1, K=1000, C=512, P=1, Q=1, R=1, S=1)
    >>> scalesim_layer(fc, 128, 128, "os").total_cycles
    6127
    """
    kind = _check(rows, columns, dataflow)
    nests = (nests,) if isinstance(nests, MacLoops) else tuple(nests)
    if not nests:
        message = "this layer multiplies nothing: SCALE-Sim's convention covers convolutions and matrix products only"
        raise WorkloadError(message)
    block = (n_of_m.n, n_of_m.m) if n_of_m is not None and sparsity_support else (1, 1)
    cycles = folds = filter_reads = products = 0
    used_elements, ifmap_reads = 0, Fraction(0)
    for nest in nests:
        repeats = nest.G * nest.sequence_steps
        fold = _fold(nest, kind, (rows, columns), block)
        cycles += repeats * (fold.count * _fold_cycles(fold, kind, rows, columns) - 1)
        folds += repeats * fold.count
        used_elements += repeats * fold.spatial_rows * fold.spatial_columns
        ifmap, weight = _sram_reads(fold, kind, Fraction(block[1], block[0]))
        ifmap_reads += repeats * ifmap
        filter_reads += repeats * weight
        products += nest.macs
    elements = rows * columns
    return ScaleSimCounts(
        total_cycles=cycles,
        overall_utilization_pct=products * 100 / (cycles * elements) if cycles else 0.0,
        mapping_efficiency_pct=used_elements * 100 / (folds * elements),
        ifmap_sram_reads=ifmap_reads.numerator if ifmap_reads.denominator == 1 else float(ifmap_reads),
        filter_sram_reads=filter_reads,
    )


def compressed_inner(inner: int, n: int, m: int) -> int:
    """Return the reduction that is left when each block of ``m`` keeps its first ``n`` elements.

    Examples
    --------
    >>> compressed_inner(45, 2, 8)
    12
    """
    return inner // m * n + min(n, inner % m)


def _check(rows: int, columns: int, dataflow: str) -> str:
    for name, value in (("rows", rows), ("columns", columns)):
        if value < 1:
            message = f"array {name} = {value}; SCALE-Sim's convention needs at least 1"
            raise ArchitectureError(message)
    kind = dataflow.strip().lower()
    if kind not in get_args(ScaleSimDataflow):
        message = (
            f"dataflow = {dataflow!r}; SCALE-Sim knows os, ws and is only: leave out --compat scalesim, or choose one"
        )
        raise ArchitectureError(message)
    return kind


def _fold(nest: MacLoops, kind: str, array: tuple[int, int], block: tuple[int, int]) -> _Folds:
    inner = compressed_inner(nest.inner, *block)
    spatial_rows, spatial_columns, time = {
        "os": (nest.rows, nest.K, inner),
        "ws": (inner, nest.K, nest.rows),
        "is": (inner, nest.rows, nest.K),
    }[kind]
    row_folds, column_folds = ceil_div(spatial_rows, array[0]), ceil_div(spatial_columns, array[1])
    return _Folds(spatial_rows, spatial_columns, time, row_folds, column_folds)


def _fold_cycles(fold: _Folds, kind: str, rows: int, columns: int) -> int:
    load = 0 if kind == "os" else rows  # the stationary operand enters a row a cycle, before the stream
    return load + fold.time + rows + columns - 2


def _sram_reads(fold: _Folds, kind: str, repeats_per_word: Fraction) -> tuple[Fraction, int]:
    row_stream = fold.column_folds * fold.time * fold.spatial_rows
    stationary = fold.spatial_rows * fold.spatial_columns
    if kind == "os":
        return Fraction(row_stream), fold.row_folds * fold.time * fold.spatial_columns
    if kind == "ws":
        return row_stream * repeats_per_word, stationary
    return Fraction(stationary), row_stream
