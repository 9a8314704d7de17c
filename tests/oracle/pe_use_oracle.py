"""Every product of a nest put on the PE that makes it, one by one: from docs/model, never from the law."""

from collections import Counter
from fractions import Fraction


def cut(indices, size):
    """Consecutive pieces of at most ``size``."""
    indices = list(indices)
    return [indices[first : first + size] for first in range(0, len(indices), size)]


def systolic_products(nest, tile, array, *, flow, pack=1, inner_pack=1, together=1):
    """Return (row, column) -> products; ``nest`` and ``tile`` by letter, ``array`` = (rows, columns)."""
    made = Counter()
    taps = range(nest["R"] * nest["S"])
    for groups in cut(range(nest["G"]), tile["G"]):
        for pixels in _pixel_tiles(nest, tile):
            for filters in cut(range(nest["K"]), tile["K"]):
                for channels in cut(range(nest["C"]), tile["C"]):
                    inner = [(channel, tap) for channel in channels for tap in taps]
                    if together > 1:
                        _diagonal(made, groups, (pixels, inner, filters), (pack, inner_pack, together))
                        continue
                    for _ in groups:
                        _one_tile(made, (pixels, inner, filters), array, (flow, pack, inner_pack))
    return made


def _pixel_tiles(nest, tile):
    for images in cut(range(nest["N"]), tile["N"]):
        for rows in cut(range(nest["P"]), tile["P"]):
            for columns in cut(range(nest["Q"]), tile["Q"]):
                yield [(n, p, q) for n in images for p in rows for q in columns]


def _one_tile(made, matrices, array, how):
    pixels, inner, filters = matrices
    flow, pack, inner_pack = how
    rows, columns = array
    for i, _ in enumerate(pixels):
        for j, _ in enumerate(inner):
            for k, _ in enumerate(filters):
                if flow == "ws":
                    place = j // inner_pack % rows, k // pack % columns
                elif flow == "is":
                    place = j // inner_pack % rows, i % columns
                else:
                    place = i % rows, k // pack % columns
                made[place] += 1


def _diagonal(made, groups, matrices, how):
    pixels, inner, filters = matrices
    pack, inner_pack, together = how
    height = -(-len(inner) // inner_pack)
    for held in cut(groups, min(together, len(groups))):
        for slot, _ in enumerate(held):
            for _ in pixels:
                for j, _ in enumerate(inner):
                    for k, _ in enumerate(filters):
                        made[slot * height + j // inner_pack, (slot * len(filters) + k) // pack] += 1


def tree_products(nest, array, mapping):
    """No local reuse: channels down, filters across; ``mapping`` has m filters and c channels of a tile."""
    made = Counter()
    steps = nest.N * nest.P * nest.Q * nest.R * nest.S * nest.G * nest.repeats
    for filters in cut(range(nest.K), mapping.m):
        for channels in cut(range(nest.C), mapping.c):
            for k, _ in enumerate(filters):
                for c, _ in enumerate(channels):
                    made[c % array[0], k % array[1]] += steps
    return made


def row_stationary_products(nest, array, mapping, folds):
    """Each logical set's share of each pass; ``folds`` = (filter rows, filter columns) of the parts of the filter."""
    made = Counter()
    tallest = max(len(rows) for rows, _ in folds)
    for strip in cut(range(nest.P), mapping.e):
        for kept in cut(range(nest.K), mapping.m):
            for channels in cut(range(nest.C), mapping.q * mapping.r):
                for rows, columns in folds:
                    for filters in cut(kept, mapping.p * mapping.t):
                        _one_pass(made, (strip, filters, channels), (rows, columns), (array, mapping, tallest))
    outer = nest.N * nest.Q * nest.G * nest.repeats
    return Counter({place: count * outer for place, count in made.items()})


def _one_pass(made, work, fold, how):
    strip, filters, channels = work
    rows, columns = fold
    array, mapping, tallest = how
    for t, some in enumerate(cut(filters, -(-len(filters) // mapping.t))):
        for r, taken in enumerate(cut(channels, -(-len(channels) // mapping.r))):
            number = t * mapping.r + r
            for i, _ in enumerate(rows):
                for j, _ in enumerate(strip):
                    if mapping.e <= array[1]:
                        beside = array[1] // mapping.e
                        place = number // beside * tallest + i, number % beside * mapping.e + j
                    else:
                        high = -(-mapping.e // array[1])
                        place = (number * high + j // array[1]) * tallest + i, j % array[1]
                    made[place] += len(some) * len(taken) * len(columns)


def beats_of(blocks):
    """Return (row, column) -> beats of the law's blocks, added up."""
    found = Counter()
    for row, column, rows, columns, beats in blocks:
        for i in range(row, row + rows):
            for j in range(column, column + columns):
                found[i, j] += Fraction(beats).limit_denominator(10**6)
    return found
