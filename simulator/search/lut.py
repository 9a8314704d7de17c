"""Latency tables for search: cycles, energy and DRAM bytes of every layer at every pair of widths.

An entry is the layer's share of a run of the whole network in which every layer that is not fixed has that pair of
widths: the window of time, energy and traffic that a run's report gives the layer, prefetch and overlap included.
Windows
partition a run, so for one pair everywhere the table and ``other`` (vector and copy layers) add up to the run
exactly. For
mixed widths they do not: a layer stores its output at its reader's width, and what overlaps changes.
:meth:`Lut.remainder`
says by how much.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.arch import Accelerator
from simulator.errors import WorkloadError, did_you_mean
from simulator.search.evaluate import WIDEST_BITS, Evaluator
from simulator.workload import LayerGraph

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
QUANTITIES = ("cycles", "energy_pj", "dram_bytes")


@dataclass(frozen=True)
class Remainder:
    """Whole runs beside the table's sums, for ``B`` assignments.

    Attributes
    ----------
    cycles, estimated_cycles, remainder_cycles : int64, float64, float64 arrays [B]
        Of the whole run, of the table, and their difference.
    bound_pct : float
        Largest absolute remainder seen, against the whole run [%]: an observation over these assignments, no proof.
    worst : int
        Which assignment that was.
    """

    cycles: Ints
    estimated_cycles: Floats
    remainder_cycles: Floats
    bound_pct: float
    worst: int


@dataclass(frozen=True)
class Lut:
    """A dense table [layer, weight width, activation width].

    Attributes
    ----------
    workload, accelerator : str
    clock_hz : float
    layers : tuple of str
        Names of the multiply-accumulate layers, in order.
    wbits, abits : tuple of int
        What the second and third axes stand for [bits].
    cycles : int64 array [L, W, A]
    energy_pj : float64 array [L, W, A]
        [pJ]
    dram_bytes : int64 array [L, W, A]
        [bytes]
    other_cycles, other_energy_pj, other_dram_bytes : arrays [W, A]
        Of the layers that have no widths of their own, in the same runs.
    macs, weights : int64 arrays [L]
    fixed : mapping of str to (int, int)
        Layers that kept these (weight, activation) bits; their entries hold for the network around them only.
    ties : tuple of tuple of str
        Layers that read one tensor: it is stored at the widest of their widths.
    """

    workload: str
    accelerator: str
    clock_hz: float
    layers: tuple[str, ...]
    wbits: tuple[int, ...]
    abits: tuple[int, ...]
    cycles: Ints
    energy_pj: Floats
    dram_bytes: Ints
    other_cycles: Ints
    other_energy_pj: Floats
    other_dram_bytes: Ints
    macs: Ints
    weights: Ints
    fixed: Mapping[str, tuple[int, int]]
    ties: tuple[tuple[str, ...], ...]

    @property
    def latency_ms(self) -> Floats:
        """Entries as time [ms]."""
        return self.cycles / self.clock_hz * 1e3

    def places(self, assignments: Any) -> tuple[Ints, Ints]:  # noqa: ANN401 - anything shaped [..., L, 2]
        """Return the indices [..., L] on the second and third axes of (weight, activation) bits [..., L, 2].

        Raises
        ------
        WorkloadError
            Another shape, or a width that the table lacks.
        """
        bits = np.asarray(assignments)
        if bits.ndim < 2 or bits.shape[-2:] != (len(self.layers), 2) or bits.dtype.kind not in "iu":
            message = f"assignment of shape {bits.shape}: the table takes integers [..., {len(self.layers)}, 2]"
            raise WorkloadError(message)
        if bits.size and not 1 <= bits.min() <= bits.max() <= WIDEST_BITS:
            message = f"assignment: bits {bits.min()}..{bits.max()}; give 1 to {WIDEST_BITS}"
            raise WorkloadError(message)
        found = []
        for axis, (name, widths) in enumerate((("weight", self.wbits), ("activation", self.abits))):
            place = np.full(WIDEST_BITS + 1, -1)
            place[list(widths)] = np.arange(len(widths))
            chosen = place[bits[..., axis]]
            if (chosen < 0).any():
                lacking = int(bits[..., axis][chosen < 0][0])
                message = (
                    f"{name} width of {lacking} bits: the table has {', '.join(map(str, widths))}; make one with it"
                )
                raise WorkloadError(message)
            found.append(chosen)
        return found[0], found[1]

    def query(self, assignments: Any, quantity: str = "cycles") -> npt.NDArray[Any]:  # noqa: ANN401
        """Return the entries [..., L] of ``cycles``, ``energy_pj`` or ``dram_bytes`` at these widths."""
        w, a = self.places(assignments)
        entries: npt.NDArray[Any] = self._table(quantity)[np.arange(len(self.layers)), w, a]
        return entries

    def estimate(self, assignments: Any, quantity: str = "cycles") -> Floats:  # noqa: ANN401
        """Return the table's sum [...]: entries, and the other layers at the mean over the layers' pairs."""
        w, a = self.places(assignments)
        entries = self._table(quantity)[np.arange(len(self.layers)), w, a].sum(axis=-1)
        others: Floats = getattr(self, f"other_{quantity}")[w, a].mean(axis=-1)
        total: Floats = entries + others
        return total

    def expected(self, probabilities: Any, quantity: str = "cycles") -> tuple[float, Floats]:  # noqa: ANN401
        """Return the expected sum of entries and its exact gradient, for differentiable search.

        Parameters
        ----------
        probabilities : float array [L, W, A]
            Of each pair, for each layer.

        Returns
        -------
        (float, float64 array [L, W, A])

        Raises
        ------
        WorkloadError
            Another shape.
        """
        table = self._table(quantity).astype(np.float64)
        weights = self._by_entry("probabilities", probabilities)
        return float((weights * table).sum()), table

    def expected_of_logits(self, logits: Any, quantity: str = "cycles") -> tuple[float, Floats]:  # noqa: ANN401
        """As :meth:`expected` with probabilities ``softmax(logits)`` over each layer's pairs; gradient by logits."""
        scores = self._by_entry("logits", logits)
        shifted = np.exp(scores - scores.max(axis=(1, 2), keepdims=True))
        weights = shifted / shifted.sum(axis=(1, 2), keepdims=True)
        value, slope = self.expected(weights, quantity)
        mean = (weights * slope).sum(axis=(1, 2), keepdims=True)
        return value, weights * (slope - mean)

    def _table(self, quantity: str) -> npt.NDArray[Any]:
        if quantity not in QUANTITIES:
            message = f"quantity {quantity!r}: a table has {', '.join(QUANTITIES)}"
            raise WorkloadError(message)
        table: npt.NDArray[Any] = getattr(self, quantity)
        return table

    def _by_entry(self, name: str, numbers: Any) -> Floats:  # noqa: ANN401 - whatever the caller has
        """Return ``numbers`` as floats [L, W, A]; WorkloadError if they are of another shape, or not finite."""
        try:
            found = np.asarray(numbers, np.float64)
        except (TypeError, ValueError):
            found = np.zeros(0)
        if found.shape != self.cycles.shape or not np.isfinite(found).all():
            message = f"{name} of shape {found.shape}: give finite numbers {self.cycles.shape}, one for each entry"
            raise WorkloadError(message)
        return found

    def remainder(self, evaluator: Evaluator, assignments: Any) -> Remainder:  # noqa: ANN401
        """Run ``assignments`` [B, L, 2] whole and say what the table's sums leave over."""
        whole = evaluator.evaluate_all(np.asarray(assignments))
        estimated = self.estimate(assignments)
        left = whole.cycles - estimated
        share = np.abs(left) / whole.cycles
        worst = int(share.argmax()) if len(share) else 0
        return Remainder(whole.cycles, estimated, left, float(100 * share.max(initial=0.0)), worst)


def lut(
    workload: LayerGraph | str | Path,
    accelerator: Accelerator | str | Path,
    *,
    wbits: Sequence[int],
    abits: Sequence[int],
    fixed: Mapping[str, tuple[int, int]] | None = None,
    batch: int = 1,
    cache: Path | None = None,
) -> Lut:
    """Make the latency table of a network on an accelerator.

    Parameters
    ----------
    workload, accelerator, batch
        As :func:`simulator.api.simulate` takes them.
    wbits, abits : sequence of int
        Weight and activation widths [bits].
    fixed : mapping of layer name to (weight bits, activation bits), optional
        Layers that keep these, as first and last layers often do.
    cache : Path, optional
        File that keeps mappings.

    Raises
    ------
    WorkloadError
        A width is no width or given twice, or a fixed layer is none of the network's.
    ArchitectureError
        The array cannot multiply a pair of widths.

    Examples
    --------
    >>> table = lut("lenet5_int8", "tpu_like_128", wbits=(4, 8), abits=(8,))
    >>> table.cycles.shape, table.cycles.dtype
    ((5, 2, 1), dtype('int64'))
    """
    evaluator = Evaluator(workload, accelerator, batch=batch, cache=cache)
    names = tuple(layer.name for layer in evaluator.mac_layers)
    widths = _checked("wbits", wbits), _checked("abits", abits)
    kept = _known({} if fixed is None else fixed, names, evaluator.graph.name)
    trials = np.empty((len(widths[0]) * len(widths[1]), len(names), 2), np.int64)
    trials[:] = np.array(list(product(*widths)))[:, None, :]
    for name, pair in kept.items():
        trials[:, names.index(name)] = pair
    found = evaluator.evaluate_all(trials)
    grid = (len(widths[0]), len(widths[1]))
    arrays: dict[str, Any] = {}
    for quantity in QUANTITIES:
        arrays[quantity] = np.moveaxis(getattr(found, f"layer_{quantity}").reshape(*grid, len(names)), -1, 0).copy()
        arrays[f"other_{quantity}"] = getattr(found, f"other_{quantity}").reshape(grid)
    graph = evaluator.graph
    return Lut(
        workload=graph.name,
        accelerator=evaluator.accelerator.name,
        clock_hz=evaluator.accelerator.clock_hz,
        layers=names,
        wbits=widths[0],
        abits=widths[1],
        macs=np.array([graph.macs_of(layer) * batch for layer in evaluator.mac_layers], np.int64),
        weights=np.array([graph.tensors[layer.inputs[1]].elements for layer in evaluator.mac_layers], np.int64),
        fixed=kept,
        ties=tied_layers(graph),
        **arrays,
    )


def _known(fixed: object, names: tuple[str, ...], network: str) -> dict[str, tuple[int, int]]:
    if not isinstance(fixed, Mapping):
        message = f"fixed = {fixed!r}: give a mapping of layer name to (weight bits, activation bits)"
        raise WorkloadError(message)
    for name, pair in fixed.items():
        _check_pair(name, pair)
        if name not in names:
            message = f"fixed layer {name!r}: {network} has no such layer{did_you_mean(name, names)}"
            raise WorkloadError(message)
    return dict(fixed)


def tied_layers(graph: LayerGraph) -> tuple[tuple[str, ...], ...]:
    """Return the groups of multiply-accumulate layers that read one tensor, as ifmap or as weight."""
    readers: dict[str, list[str]] = {}
    for layer in graph.mac_layers:
        for name in dict.fromkeys(layer.inputs[:2]):
            readers.setdefault(name, []).append(layer.name)
    return tuple(tuple(names) for names in readers.values() if len(names) > 1)


def _check_pair(name: str, pair: Any) -> None:  # noqa: ANN401 - whatever the caller has
    fits = isinstance(pair, tuple | list) and len(pair) == 2 and all(map(_is_whole, pair))
    if not fits or not 1 <= min(pair) <= max(pair) <= WIDEST_BITS:
        message = f"fixed layer {name!r}: {pair!r}; give (weight bits, activation bits), whole, 1 to {WIDEST_BITS}"
        raise WorkloadError(message)


def _is_whole(bits: object) -> bool:
    return not isinstance(bits, bool) and hasattr(bits, "__index__")


def _checked(name: str, widths: Sequence[int]) -> tuple[int, ...]:
    given: object = widths
    if not isinstance(given, Iterable):
        message = f"{name} = {widths!r}: give a list of widths"
        raise WorkloadError(message)
    found = tuple(widths)
    whole = all(map(_is_whole, found))
    if not found or not whole or not 1 <= min(found) <= max(found) <= WIDEST_BITS or len(set(found)) < len(found):
        message = f"{name} = {list(found)}: give different whole widths of 1 to {WIDEST_BITS} bits"
        raise WorkloadError(message)
    return tuple(int(bits) for bits in found)
