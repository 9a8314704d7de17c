"""The tilings that the search tries, and what each keeps from one work of a nest to the next, at whatever widths.

A search loop asks for the same nest at one pair of widths after the other. Which extents are tried, the ifmap elements
that row tiles load, and the array's time over a tiling depend on the nest and on how products are packed: they are
listed and counted once, and hold as long as :func:`same_products` says so.
"""

from typing import Any

from simulator._jit import kernel
from simulator.dataflow.tiling import ceil_div
from simulator.mapping.cost_kernel import (
    COLUMNS,
    FINE,
    GROUPS,
    INPUTS,
    KEPT,
    LISTING,
    MAX_CANDIDATES,
    REDUCTIONS,
    ROW_N,
    ROW_P,
    ROW_Q,
    USEFUL,
    count_compute,
    input_total,
    least_products,
)
from simulator.records import IS, OS

LISTED_COARSE, LISTED_FINE = 1, 2


@kernel(borrows=True)
def ceil_factors(total: int, sizes: Any, row: int) -> int:  # noqa: ANN401
    """Fill ``sizes[row]`` with the distinct values of ceil(total / n), largest first; return how many.

    Where ``sizes`` cannot hold them all, those of its second half are 2 % apart, down to 1: none is too small to be
    among them.
    """
    count = 0
    n = 1
    half = sizes.shape[1] // 2
    thinned = total > half * half  # there are fewer than 2 sqrt(total)
    while count < sizes.shape[1]:
        size = ceil_div(total, n)
        sizes[row, count] = size
        count += 1
        if size == 1:
            break
        n = ceil_div(total, size - 1)
        if thinned and count > half:
            n = min(total, n + n // 50)
    return count


@kernel(borrows=True)
def same_nest(work: Any, other: Any) -> bool:  # noqa: ANN401
    """Say whether two works cut into the same tiles: the extents of their loops."""
    rows = work.N == other.N and work.P == other.P and work.Q == other.Q and work.G == other.G
    return bool(rows and work.K == other.K and work.C == other.C)


@kernel(borrows=True)
def same_products(search: Any, work: Any, other: Any) -> bool:  # noqa: ANN401
    """Say whether two works ask the same of the array, tile by tile: the nest in full, and how it is multiplied.

    Where a bus is shared or a buffer has ports, bits decide the array's time, too.
    """
    window = work.R == other.R and work.S == other.S and work.H == other.H and work.W == other.W
    strides = work.stride_h == other.stride_h and work.stride_w == other.stride_w
    taps = work.dilation_h == other.dilation_h and work.dilation_w == other.dilation_w
    padding = work.pad_h == other.pad_h and work.pad_w == other.pad_w
    beats = work.pack == other.pack and work.passes == other.passes and work.inner_pack == other.inner_pack
    steps = work.group_packing == other.group_packing and work.sequence_steps == other.sequence_steps
    if not (same_nest(work, other) and window and strides and taps and padding and beats and steps):
        return False
    space = search.space
    if space.shared_bus_bits + space.ports[0] + space.ports[1] + space.ports[2] == 0:
        return True
    stored = work.ifmap_bits == other.ifmap_bits and work.weight_bits == other.weight_bits
    return bool(stored and work.psum_bits == other.psum_bits)


@kernel(borrows=True)
def list_tiles(search: Any, fine: int) -> None:  # noqa: ANN401
    """List the extents to try, coarse ones or all, unless they are still those of the work before."""
    sizes, counts = search.sizes, search.counts
    listed = LISTED_FINE if fine == 1 else LISTED_COARSE
    if counts[FINE] == listed and same_products(search, search.work, search.listed):
        return
    counts[FINE] = listed
    counts[LISTING] += 1
    search.listed = search.work
    counts[USEFUL] = least_products(search)
    counts[GROUPS] = ceil_factors(search.work.G, sizes, GROUPS)
    _list_rows(search)
    _list_columns(search, fine)
    _list_reductions(search, fine)


@kernel(borrows=True)
def _list_rows(search: Any) -> None:  # noqa: ANN401
    """List the row tiles: whole images first, then rows of one image, then columns of one row."""
    work, sizes = search.work, search.sizes
    count = ceil_factors(work.N, sizes, ROW_N)
    for i in range(count):
        sizes[ROW_P, i], sizes[ROW_Q, i] = work.P, work.Q
    for i in range(1, min(ceil_factors(work.P, sizes, COLUMNS), MAX_CANDIDATES - count)):  # the first is the whole
        sizes[ROW_N, count], sizes[ROW_P, count], sizes[ROW_Q, count] = 1, sizes[COLUMNS, i], work.Q
        count += 1
    for i in range(1, min(ceil_factors(work.Q, sizes, COLUMNS), MAX_CANDIDATES - count)):
        sizes[ROW_N, count], sizes[ROW_P, count], sizes[ROW_Q, count] = 1, 1, sizes[COLUMNS, i]
        count += 1
    search.counts[ROW_N] = count
    trial = search.trial
    for i in range(count):
        trial.N, trial.P, trial.Q = sizes[ROW_N, i], sizes[ROW_P, i], sizes[ROW_Q, i]
        sizes[INPUTS, i] = input_total(work, trial)


@kernel(borrows=True)
def _list_columns(search: Any, fine: int) -> None:  # noqa: ANN401
    """List the column tiles, the whole first: rounded up to whole array folds unless ``fine``."""
    work, sizes = search.work, search.sizes
    fold = 1 if search.hardware.dataflow == IS else search.hardware.columns * work.pack
    found, previous = 0, 0
    for i in range(ceil_factors(work.K, sizes, COLUMNS)):
        size = sizes[COLUMNS, i]
        if fine == 0 and size >= fold:
            size = min(work.K, ceil_div(size, fold) * fold)
        if size == previous or (fine == 0 and size < fold and i > 0):
            continue
        previous = size
        sizes[COLUMNS, found] = size
        found += 1
    search.counts[COLUMNS] = found


@kernel(borrows=True)
def _list_reductions(search: Any, fine: int) -> None:  # noqa: ANN401
    """List the reduction tiles, the whole first: unless ``fine``, only those that fill the array's rows."""
    work, sizes = search.work, search.sizes
    fold = 1 if search.hardware.dataflow == OS else search.hardware.rows * max(1, work.inner_pack)
    count = ceil_factors(work.C, sizes, REDUCTIONS)
    if fine == 0:
        while count > 1 and sizes[REDUCTIONS, count - 1] * work.R * work.S < fold:
            count -= 1
    search.counts[REDUCTIONS] = count


@kernel(borrows=True)
def recall_compute(search: Any, place: int) -> bool:  # noqa: ANN401
    """Take the array's time over the ``place``-th tiling from what is kept; say whether it is."""
    if place >= KEPT or search.kept[place, 0] != search.counts[LISTING]:
        return False
    compute, kept = search.compute, search.kept
    compute.cycles, compute.steps, compute.first_setup = kept[place, 1], kept[place, 2], kept[place, 3]
    compute.ifmap_edge_words, compute.weight_edge_words = kept[place, 4], kept[place, 5]
    compute.psum_edge_reads, compute.psum_edge_writes = kept[place, 6], kept[place, 7]
    return True


@kernel(borrows=True)
def keep_compute(search: Any, place: int) -> None:  # noqa: ANN401
    """Count the array's time over the trial and keep it as that of the ``place``-th tiling; beyond KEPT only count."""
    count_compute(search)
    if place >= KEPT:
        return
    compute, kept = search.compute, search.kept
    kept[place, 0] = search.counts[LISTING]
    kept[place, 1], kept[place, 2], kept[place, 3] = compute.cycles, compute.steps, compute.first_setup
    kept[place, 4], kept[place, 5] = compute.ifmap_edge_words, compute.weight_edge_words
    kept[place, 6], kept[place, 7] = compute.psum_edge_reads, compute.psum_edge_writes
