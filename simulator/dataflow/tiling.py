"""Tiles of a layer: how many, how large, how many bits each operand needs. Shared by the mapper and the planner.

A layer's nest is cut into row tiles (m: images, output rows or output columns), column tiles (k: output channels),
reduction tiles (c: input channels; filter taps stay together) and group tiles (g, outermost). An input tile holds the
input rows and columns its outputs see: neighbours overlap by the filter's halo, the first and last tile reach the
image's edge.
"""

from typing import Any

from simulator._jit import kernel
from simulator.records import IFMAP, MAC_WORK, WEIGHT


@kernel(borrows=True)
def ceil_div(numerator: int, denominator: int) -> int:
    """Return the quotient rounded up (compiled twin of :func:`simulator.units.ceil_div`)."""
    return -(-numerator // denominator)


@kernel(borrows=True)
def part(total: int, tile: int, index: int) -> int:
    """Return the extent of the ``index``-th tile of at most ``tile`` out of ``total``."""
    return min(tile, total - index * tile)


@kernel(borrows=True)
def row_tiles(work: Any, mapping: Any) -> int:  # noqa: ANN401
    """Return the number of row tiles (m)."""
    return ceil_div(work.N, mapping.N) * ceil_div(work.P, mapping.P) * ceil_div(work.Q, mapping.Q)


@kernel(borrows=True)
def row_tile_index(work: Any, mapping: Any, m: int) -> tuple[int, int, int]:  # noqa: ANN401
    """Return (n, p, q) tile indices of row tile ``m``: columns fastest. Most layers are cut one way: no division."""
    if mapping.Q == work.Q:
        if mapping.P == work.P:
            return m, 0, 0
        if mapping.N == work.N:
            return 0, m, 0
    q_tiles = ceil_div(work.Q, mapping.Q)
    p_tiles = ceil_div(work.P, mapping.P)
    return m // (q_tiles * p_tiles), (m // q_tiles) % p_tiles, m % q_tiles


@kernel(borrows=True)
def tile_number(at: tuple[int, int, int, int, int], counts: tuple[int, int, int], groups: int) -> int:
    """Return the number of the tile at (t, m, g, k, c); ``counts`` = tiles in (m, k, c), ``groups`` in g."""
    t, m, g, k, c = at
    return (((t * counts[0] + m) * groups + g) * counts[1] + k) * counts[2] + c


@kernel(borrows=True)
def tile_place(number: int, counts: tuple[int, int, int], groups: int) -> tuple[int, int, int, int, int]:
    """Return (t, m, g, k, c) of the tile with that number: :func:`tile_number` backwards."""
    ms, ks, cs = counts
    rest = number // cs
    return rest // (ks * groups * ms), rest // (ks * groups) % ms, rest // ks % groups, rest % ks, number % cs


@kernel(borrows=True)
def tile_rows(work: Any, mapping: Any, m: int) -> int:  # noqa: ANN401
    """Return the rows of the matrix product in row tile ``m``."""
    n, p, q = row_tile_index(work, mapping, m)
    return part(work.N, mapping.N, n) * part(work.P, mapping.P, p) * part(work.Q, mapping.Q, q)


@kernel(borrows=True)
def span(extent: tuple[int, int, int], axis: tuple[int, int, int, int]) -> tuple[int, int]:
    """Return [begin, end) of the input positions that a tile of outputs reads along one axis.

    Parameters
    ----------
    extent : (int, int, int)
        Outputs on the axis, outputs a tile, tile index.
    axis : (int, int, int, int)
        Input size, stride, reach (dilated filter size), padding before.
    """
    outputs, tile, index = extent
    size, stride, reach, padding = axis
    first = index * tile
    last = min(first + tile, outputs) - 1
    begin = min(max(0, first * stride - padding), size)
    end = min(max(0, last * stride - padding + max(reach, stride)), size)
    if index == 0:
        begin = 0
    if last == outputs - 1:
        end = size
    return begin, max(begin, end)


@kernel(borrows=True)
def input_rows(work: Any, mapping: Any, p: int) -> tuple[int, int]:  # noqa: ANN401
    """Return [begin, end) of the input rows that row tile ``p`` of the image reads."""
    reach = (work.R - 1) * work.dilation_h + 1
    return span((work.P, mapping.P, p), (work.H, work.stride_h, reach, work.pad_h))


@kernel(borrows=True)
def input_columns(work: Any, mapping: Any, q: int) -> tuple[int, int]:  # noqa: ANN401
    """Return [begin, end) of the input columns that column tile ``q`` of the image reads."""
    reach = (work.S - 1) * work.dilation_w + 1
    return span((work.Q, mapping.Q, q), (work.W, work.stride_w, reach, work.pad_w))


@kernel(borrows=True)
def loads_ifmap(work: Any) -> bool:  # noqa: ANN401
    """Say whether the ifmap comes from DRAM: not a recurrent state, and not resident."""
    return bool(work.ifmap_on_chip == 0 and work.ifmap_resident == 0)


@kernel(borrows=True)
def ifmap_tile_bits(work: Any, mapping: Any, at: tuple[int, int, int]) -> int:  # noqa: ANN401
    """Return the stored bits of the ifmap tile at (m, g, c)."""
    m, g, c = at
    n, p, q = row_tile_index(work, mapping, m)
    top, bottom = input_rows(work, mapping, p)
    left, right = input_columns(work, mapping, q)
    images = part(work.N, mapping.N, n)
    channels = part(work.G, mapping.G, g) * part(work.C, mapping.C, c)
    return images * channels * (bottom - top) * (right - left) * work.ifmap_bits


@kernel(borrows=True)
def weight_tile_bits(work: Any, mapping: Any, at: tuple[int, int, int]) -> int:  # noqa: ANN401
    """Return the bits loaded for the weight tile at (g, k, c), biases and folded scales included where c = 0."""
    g, k, c = at
    channels = part(work.G, mapping.G, g) * part(work.K, mapping.K, k)
    bits = 0
    if work.weight_resident == 0:
        bits = channels * part(work.C, mapping.C, c) * work.R * work.S * work.weight_bits
    if c == 0 and work.parameter_bits > 0:
        bits += ceil_div(work.parameter_bits * channels, work.G * work.K)
    return bits


@kernel(borrows=True)
def output_tile_elements(work: Any, mapping: Any, at: tuple[int, int, int]) -> int:  # noqa: ANN401
    """Return the psums of the tile at (m, g, k)."""
    m, g, k = at
    return tile_rows(work, mapping, m) * part(work.G, mapping.G, g) * part(work.K, mapping.K, k)


@kernel(borrows=True)
def moved_again(order: int, ms: int, ks: int, cs: int) -> tuple[bool, bool, bool]:
    """Say whether a loop order over (rows, columns, reductions) reloads ifmaps, reloads weights, and spills psums."""
    k_in_m = order == 0 or order == 1 or order == 4
    k_in_c = order == 1 or order == 4 or order == 5
    m_in_c = order == 3 or order == 4 or order == 5
    # a tile is reloaded for every step of an irrelevant loop that has a relevant loop of its own inside
    ifmap_again = (not k_in_m and ms > 1) or (not k_in_c and cs > 1)
    weight_again = (k_in_m and ks > 1) or (not m_in_c and cs > 1)
    spills = cs > 1 and ((m_in_c and ms > 1) or (k_in_c and ks > 1))
    return ifmap_again, weight_again, spills


@kernel(borrows=True)
def slots_used(work: Any, mapping: Any, slots: int, operand: int) -> int:  # noqa: ANN401
    """Return how many of an operand's ``slots`` a layer uses: no more than it has different tiles."""
    if work.kind != MAC_WORK:
        return min(slots, mapping.chunks)
    counts = (
        ceil_div(work.G, mapping.G),
        row_tiles(work, mapping),
        ceil_div(work.K, mapping.K),
        ceil_div(work.C, mapping.C),
    )
    return slots_of(counts, work.sequence_steps, slots, operand)


@kernel(borrows=True)
def slots_of(counts: tuple[int, int, int, int], sequence_steps: int, slots: int, operand: int) -> int:
    """Return how many of ``slots`` are used by an operand cut into ``counts`` (groups, rows, columns, reductions)."""
    gs, ms, ks, cs = counts
    if operand == IFMAP:
        return int(min(slots, gs * ms * cs))
    if operand == WEIGHT:
        return int(min(slots, gs * ks * cs))
    return int(min(slots, gs * ms * ks * sequence_steps))


@kernel(borrows=True)
def largest_tiles(work: Any, mapping: Any) -> tuple[int, int, int, int]:  # noqa: ANN401
    """Return an upper bound of the bits of one ifmap, weight, psum and residual tile; 0 where it is read in place."""
    return tiles_under(work, mapping, largest_window(work, mapping))


@kernel(borrows=True)
def largest_window(work: Any, mapping: Any) -> tuple[int, int]:  # noqa: ANN401
    """Return an upper bound of the input rows and columns that one row tile reads."""
    rows, columns = work.H, work.W
    if mapping.P < work.P:
        seen = (mapping.P - 1) * work.stride_h + max((work.R - 1) * work.dilation_h + 1, work.stride_h)
        rows = min(rows, seen) + max(0, _dangling(work.H, work.P, work.stride_h, work.pad_h, work.R, work.dilation_h))
    if mapping.Q < work.Q:
        seen = (mapping.Q - 1) * work.stride_w + max((work.S - 1) * work.dilation_w + 1, work.stride_w)
        columns = min(columns, seen) + max(
            0, _dangling(work.W, work.Q, work.stride_w, work.pad_w, work.S, work.dilation_w)
        )
    return min(work.H, rows), min(work.W, columns)


@kernel(borrows=True)
def tiles_under(work: Any, mapping: Any, window: tuple[int, int]) -> tuple[int, int, int, int]:  # noqa: ANN401
    """Return :func:`largest_tiles` where ``window`` is known: the input rows and columns of a row tile."""
    ifmap = mapping.N * mapping.G * mapping.C * window[0] * window[1] * work.ifmap_bits
    channels = mapping.G * mapping.K
    weight = 0 if work.weight_resident == 1 else channels * mapping.C * work.R * work.S * work.weight_bits
    if work.parameter_bits > 0:
        weight += ceil_div(work.parameter_bits * channels, work.G * work.K)
    outputs = mapping.N * mapping.P * mapping.Q * channels
    residual = 0 if work.residual_resident == 1 else outputs * work.residual_bits
    if work.ifmap_on_chip == 1:
        ifmap = work.N * work.G * work.C * work.H * work.W * work.ifmap_bits
    if work.ifmap_resident == 1:
        ifmap = 0
    return ifmap, weight, outputs * work.psum_bits, residual


@kernel(borrows=True)
def _dangling(size: int, outputs: int, stride: int, padding: int, taps: int, dilation: int) -> int:
    """Input positions after the last window: floor convolutions leave some unread, the last tile still loads them."""
    return size - ((outputs - 1) * stride - padding + max((taps - 1) * dilation + 1, stride))
