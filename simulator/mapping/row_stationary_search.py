"""Search of row-stationary mappings: exhaustive over the sizes that matter, best first by a lower bound.

Two sizes that cut a dimension into the same number of pieces differ only in how full the pieces are: the smaller one
is no worse anywhere, so only the smallest size of each number of pieces is tried. Of filters a PE (p) the three largest
such sizes that fit are tried, of channels kept in the buffer (m) the fewest pieces. All candidates are bounded at once;
then the exact law runs from the lowest bound up, until no bound left is below the best found by more than a millionth
(or ``PATIENCE`` ran): the best of the candidates, and the same one every time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.dataflow.row_stationary import (
    ConvNest,
    Fold,
    RowMachine,
    RowMapping,
    filter_folds,
    set_rows,
    shortfalls,
    taps_at_once,
)
from simulator.dataflow.row_stationary_law import FeatureMaps, RowRun, run_nest
from simulator.errors import MappingError
from simulator.units import ceil_div

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
LETTERS = ("m", "n", "e", "p", "q", "r", "t")
COUNTED = ("glb_ifmap_words", "glb_psum_words", "filter_words", "ifmap_spad_writes", "filter_spad_writes",
           "psum_hops", "link_bits", "cycles")  # fmt: skip
PATIENCE = 1000
CLOSE = 1 + 1e-6
SIZES_OF_P = 3


@dataclass(frozen=True)
class Goal:
    """What to minimise: ``latency``, ``energy`` or their product; ``prices_pj`` of the names in ``COUNTED``."""

    objective: str
    prices_pj: Mapping[str, float]
    fixed_pj: float = 0.0

    def of(self, counts: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a number or an array of them
        """Return the score of counts by name; ``fixed_pj`` is what no mapping changes."""
        if self.objective == "latency":
            return counts["cycles"] * 1.0
        energy = sum(counts[name] * price for name, price in self.prices_pj.items()) + self.fixed_pj
        return energy * counts["cycles"] if self.objective == "edp" else energy


def counts_of(run: RowRun) -> dict[str, int]:
    """Return the counts of a run that a goal prices."""
    return {name: getattr(run, name) for name in COUNTED}


def pieces_of(extent: int, most: int) -> list[int]:
    """Return the smallest size up to ``most`` for each number of pieces that ``extent`` can be cut into.

    Examples
    --------
    >>> pieces_of(13, 7)
    [7, 5, 4, 3, 2, 1]
    """
    return list(dict.fromkeys(ceil_div(extent, ceil_div(extent, size)) for size in range(min(extent, most), 0, -1)))


def best_mapping(
    nest: ConvNest, machine: RowMachine, maps: FeatureMaps, goal: Goal
) -> tuple[RowMapping, RowRun] | None:
    """Return the best mapping of a nest with what it takes, or None where nothing fits.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> eyeriss = load_accelerator("eyeriss_v1")
    >>> nest = ConvNest(N=1, G=1, K=32, C=16, P=14, Q=14, R=3, S=3, pad_h=1, pad_w=1, H=14, W=14)
    >>> machine, maps = RowMachine.of(eyeriss, eyeriss.array), FeatureMaps(16, 16, 16)
    >>> mapping, run = best_mapping(nest, machine, maps, Goal("latency", {}))
    >>> mapping.e, run.cycles
    (14, 16865)
    """
    candidates = _candidates(nest, machine, maps)
    if not candidates["p"].size:
        return None
    bounds = goal.of(_bound(nest, machine, maps, candidates))
    order = np.argsort(bounds, kind="stable")
    best: tuple[float, RowMapping, RowRun] | None = None
    for index in order[:PATIENCE].tolist():
        if best is not None and bounds[index] * CLOSE >= best[0]:
            break
        mapping = RowMapping(**{letter: int(candidates[letter][index]) for letter in LETTERS})
        run = run_nest(nest, machine, mapping, maps)
        score = float(goal.of(counts_of(run)))
        if best is None or score < best[0]:
            best = (score, mapping, run)
    assert best is not None
    return best[1], best[2]


def _candidates(nest: ConvNest, machine: RowMachine, maps: FeatureMaps) -> dict[str, Ints]:
    """Return every mapping that fits, a column a letter."""
    found = [
        _fitting(nest, machine, maps, (n, e))
        for e in pieces_of(nest.P, machine.columns * (machine.rows // set_rows(nest, machine)))
        for n in pieces_of(nest.N, nest.N)
    ]
    return {letter: np.concatenate([part[letter] for part in found]) for letter in LETTERS}


def _fitting(nest: ConvNest, machine: RowMachine, maps: FeatureMaps, strip: tuple[int, int]) -> dict[str, Ints]:
    n, e = strip
    most = _most_sets(nest, machine, e)
    taps = taps_at_once(nest, machine)
    q, r, t = _sets(nest.K, nest.C, most, machine.ifmap_spad_words // nest.window(taps))
    rows = max(nest.rows_read(0, e, fold.rows)[0] for fold in filter_folds(nest, machine))
    channels = np.minimum(q * r, nest.C)
    left = machine.glb_bits - n * rows * nest.columns_read(taps) * channels * maps.ifmap_bits
    kept = np.maximum(left, 0) // (n * e * nest.Q * machine.psum_bits)
    block_bits = channels * set_rows(nest, machine) * len(taps) * maps.weight_bits
    most_filters = np.minimum(machine.prefetch_bits // block_bits, kept)
    whole = most_filters >= nest.K
    p = np.minimum(machine.filter_spad_words // (q * len(taps)), machine.psum_spad_words)
    p = np.minimum(p, np.where(whole, -(-nest.K // t), most_filters // t))
    fits = p >= 1
    sizes = [_fewer_filters(nest.K, p[fits], t[fits], more) for more in range(SIZES_OF_P)]
    p = np.concatenate(sizes)
    q, r, t, kept = (np.tile(values[fits], SIZES_OF_P) for values in (q, r, t, kept))
    groups = -(-nest.K // (p * t))
    at_once = np.where(kept >= nest.K, groups, np.minimum(np.maximum(kept // (p * t), 1), groups))
    m = np.minimum(-(-groups // -(-groups // at_once)) * p * t, nest.K)
    return dict(zip(LETTERS, (m, np.full_like(p, n), np.full_like(p, e), p, q, r, t), strict=True))


def _fewer_filters(filters: int, p: Ints, t: Ints, more: int) -> Ints:
    """Return the smallest p that makes as many groups of ``p t`` filters as ``p`` does, or ``more`` of them."""
    each = -(-filters // t)
    return np.maximum(-(-each // (-(-each // p) + more)), 1)


def _most_sets(nest: ConvNest, machine: RowMachine, e: int) -> int:
    """Return how many logical sets of width ``e`` the array holds."""
    height = set_rows(nest, machine)
    if e <= machine.columns:
        return (machine.rows // height) * (machine.columns // e)
    return machine.rows // (height * ceil_div(e, machine.columns))


@cache
def _sets(filters: int, channels: int, most: int, most_q: int) -> tuple[Ints, Ints, Ints]:
    """Return q, r, t of every way to share channels and filters out over sets, and channels within a PE."""
    found = [
        (q, r, t)
        for r in pieces_of(channels, most)
        for q in pieces_of(ceil_div(channels, r), most_q)
        for t in pieces_of(filters, most // r)
    ]
    columns = np.array(found, np.int64).reshape(-1, 3).T
    return columns[0], columns[1], columns[2]


def _bound(nest: ConvNest, machine: RowMachine, maps: FeatureMaps, at: dict[str, Ints]) -> dict[str, Floats]:
    """Return what no run under each mapping can be below: counts exactly, cycles without edges and link stalls."""
    n, e, p, q, r, t = (at[letter] for letter in ("n", "e", "p", "q", "r", "t"))
    folds = filter_folds(nest, machine)
    strips, images, chunks = -(-nest.P // e), -(-nest.N // n), -(-nest.C // (q * r))
    kept = -(-nest.K // at["m"])
    groups = -(-nest.K // (p * t))
    outer = nest.G * nest.repeats
    rows, real = _rows_of(nest, folds, e)
    residencies = outer * strips * images
    filters_at_once = residencies * nest.K * nest.C * nest.R * nest.S
    psums = outer * nest.N * nest.K * nest.P * nest.Q * chunks * len(folds)
    ifmap = outer * nest.N * rows * nest.C * groups
    delivered = sum(len(fold.rows) * nest.columns_read(fold.columns) for fold in folds)
    per_filter, per_channel = -(-nest.K // t), -(-nest.C // r)
    macs = outer * nest.N * nest.Q * strips * per_filter * per_channel * sum(len(fold.columns) for fold in folds)
    passes = residencies * groups * chunks * len(folds)
    stored_ifmap = _stored_share(maps.ifmap_bits, maps.ifmap_density)
    stored_ofmap = _stored_share(maps.ofmap_bits, maps.ofmap_density)
    ifmap_bits = outer * nest.N * real * nest.C * kept * stored_ifmap
    ofmap_bits = outer * nest.N * nest.K * nest.P * nest.Q * stored_ofmap
    filter_bits = filters_at_once * maps.weight_bits
    feature_cycles = (ifmap_bits + ofmap_bits) / machine.link_bits_per_cycle
    busy = np.maximum(np.maximum(macs, psums / machine.psum_bus_words), ifmap / machine.ifmap_bus_words)
    fill = filters_at_once / machine.filter_bus_words + passes * machine.pass_setup_cycles
    drain = psums / n / nest.Q / machine.psum_bus_words
    cycles = np.maximum(busy + drain, filter_bits / machine.link_bits_per_cycle) + fill + feature_cycles
    return {
        "cycles": cycles * (1 - 1e-9),
        "glb_ifmap_words": ifmap * 1.0,
        "glb_psum_words": psums * 1.0,
        "filter_words": filters_at_once * 1.0,
        "filter_spad_writes": filters_at_once / strips * nest.P,
        "ifmap_spad_writes": outer * nest.N * nest.P * nest.C * _all_sets(nest.K, p, t) * 1.0 * delivered,
        "psum_hops": psums / len(folds) / chunks * _all_sets(nest.C, q, r) * sum(len(fold.rows) for fold in folds),
        "link_bits": (ifmap_bits + ofmap_bits + filter_bits) * (1 - 1e-9),
    }


def _all_sets(extent: int, each: Ints, sets: Ints) -> Ints:
    """Return the sets at work, added up over the pieces of ``each * sets`` that ``extent`` is cut into."""
    size = np.minimum(each * sets, extent)
    whole = extent // size
    left = extent - whole * size
    share, rest = -(-size // sets), np.maximum(-(-left // sets), 1)
    return whole * -(-size // share) + -(-left // rest)


def _rows_of(nest: ConvNest, folds: Sequence[Fold], e: Ints) -> tuple[Floats, Floats]:
    """Return the words of a channel and image that all strips of a height read: all, and those that are no padding."""
    known: dict[int, tuple[int, int]] = {}
    for size in np.unique(e).tolist():
        words = real = 0
        for first, fold in product(range(0, nest.P, size), folds):
            lines = nest.rows_read(first, min(size, nest.P - first), fold.rows)
            words += lines[0] * nest.columns_read(fold.columns)
            real += lines[1] * nest.real_columns(fold.columns)
        known[size] = words, real
    values = [known[size] for size in e.tolist()]
    return np.array([words for words, _ in values], np.float64), np.array([real for _, real in values], np.float64)


def _stored_share(bits: int, density: float | None) -> float:
    """Return the stored bits of an element, transfers as long as may be."""
    many = 1 << 40
    return FeatureMaps(bits, bits, bits, density).stored_ifmap(many) / many


def explain(
    nest: ConvNest, machine: RowMachine, maps: FeatureMaps, name: str, mapping: RowMapping | None = None
) -> str:
    """Say which constraint fails and by how much: for a given mapping, or for the smallest there is."""
    tried = mapping or RowMapping(m=1, n=1, e=1, p=1, q=1, r=1, t=1)
    which = "the given mapping does not fit" if mapping else "no mapping fits, not even one filter, channel and row"
    failing = [
        f"{what} needs {needed} {unit}, {needed - there} more than there are"
        for what, needed, there, unit in shortfalls(nest, machine, tried, (maps.ifmap_bits, maps.weight_bits))
    ]
    return f"layer {name!r}: {which}: {'; '.join(failing)}"


def given_mapping(nest: ConvNest, given: object, name: str) -> RowMapping:
    """Check a user's mapping; letters left out are 1, ``m`` then ``p t``.

    Raises
    ------
    MappingError
        It is no mapping of letters to sizes, or a size is out of its range.
    """
    form = f"write {{{', '.join(f'{letter!r}: size' for letter in LETTERS)}}}"
    if not isinstance(given, Mapping) or not set(given) <= set(LETTERS):
        message = f"mapping for {name!r}: {given!r} is no row-stationary mapping; {form}"
        raise MappingError(message)
    values = {letter: given.get(letter, 1) for letter in LETTERS}
    most = {"m": nest.K, "n": nest.N, "e": nest.P, "p": nest.K, "q": nest.C, "r": nest.C, "t": nest.K}
    if "m" not in given and all(isinstance(values[letter], int) for letter in "pt"):
        values["m"] = min(values["p"] * values["t"], nest.K)
    for letter, value in values.items():
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most[letter]:
            message = f"mapping for {name!r}: {letter} = {value!r}; give 1..{most[letter]}"
            raise MappingError(message)
    return RowMapping(**values)
