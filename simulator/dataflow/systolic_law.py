"""Closed-form timing of one tile on a systolic array, weight-, output- or input-stationary.

The drawing, the symbols (R, C, r, c, T, start, load) and the table of intervals are in ``docs/model/systolic.md``;
the oracle that steps every register is ``tests/oracle/systolic_oracle.py``, and the two are equal to the cycle. Folds
fall into at most four classes (full or ragged in either direction), so a tile costs the same time to evaluate
whatever its size. Assumed away: faults of the controller, i.e. a fold starts in the first cycle the registers allow.
"""

from typing import Any

from simulator._jit import kernel
from simulator.records import OS, WS


@kernel(borrows=True)
def _ceil_div(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


@kernel(borrows=True)
def _last_part(total: int, part: int) -> int:
    """Size of the last of the parts of at most ``part`` that ``total`` splits into."""
    return total - (_ceil_div(total, part) - 1) * part


@kernel(borrows=True)
def _words(inner: int, tile: Any) -> int:  # noqa: ANN401
    """Reduction steps: ``inner_pack`` neighbours of the sum enter a PE as one word."""
    return _ceil_div(inner, max(1, tile.inner_pack))


@kernel(borrows=True)
def fold_interval(hardware: Any, length: int, used: tuple[int, int], following: int) -> tuple[int, int, int]:  # noqa: ANN401
    """Return (interval, fill, drain) [beats] from one fold's start to the next's.

    ``used`` = (r, c); ``following`` is the next fold's load (WS, IS; 0 after a tile's last fold) or its length (OS).
    """
    r, c = used
    if hardware.dataflow == OS:
        tail = max(0, r - following) if hardware.drain_separate else r
        return length + tail, 0, tail
    if not hardware.weight_shadow:
        return length + r + c - 2 + following, following, r + c - 2
    drain = 0 if hardware.swap_wavefront else r + c - 2
    interval = max(length + drain, following)
    return interval, interval - length - drain, drain


@kernel(borrows=True)
def _add(sums: Any, count: int, interval: tuple[int, int, int], length: int) -> None:  # noqa: ANN401
    sums.issue_cycles += count * interval[0]
    sums.useful_cycles += count * length
    sums.fill_cycles += count * interval[1]
    sums.drain_cycles += count * interval[2]
    sums.folds += count


@kernel(borrows=True)
def _ends(hardware: Any, start: int, length: int, used: tuple[int, int], timing: Any) -> None:  # noqa: ANN401
    """Let a fold that starts at ``start`` push the tile's last output and last buffer read outwards."""
    r, c = used
    if hardware.dataflow == OS:
        latency = length + r + c + hardware.rows - 2
        skew = max(r, c) - 1
    else:
        latency = length + hardware.rows + c - 2
        skew = r - 1
    if hardware.skew_in_array:
        skew = 0
    timing.latency_cycles = max(timing.latency_cycles, start + latency)
    timing.operand_free_cycles = max(timing.operand_free_cycles, start + length + skew)


@kernel(borrows=True)
def _stationary(hardware: Any, tile: Any, extent: tuple[int, int, int], timing: Any) -> None:  # noqa: ANN401
    """WS and IS: ``extent`` = (reduction, stationary columns, products a column register packs); T is in ``timing``."""
    inner, cols, pack = extent
    length = timing.useful_cycles
    timing.useful_cycles = 0
    inner_folds = _ceil_div(inner, hardware.rows)
    col_folds = _ceil_div(cols, hardware.columns * pack)
    first_r = min(inner, hardware.rows)
    last_r = _last_part(inner, hardware.rows)
    full_c = hardware.columns
    last_c = _ceil_div(_last_part(cols, hardware.columns * pack), pack)
    for edge in range(2):  # full columns, then the ragged (or only) one
        c = full_c if edge == 0 else last_c
        columns = tile.groups * (col_folds - 1 if edge == 0 else 1)
        leaving = columns if edge == 0 else columns - 1  # folds followed by another column's or group's first
        _add(timing, columns * max(0, inner_folds - 2), fold_interval(hardware, length, (first_r, c), first_r), length)
        if inner_folds > 1:
            _add(timing, columns, fold_interval(hardware, length, (first_r, c), last_r), length)
        _add(timing, leaving, fold_interval(hardware, length, (last_r, c), first_r), length)
    timing.setup_cycles = first_r
    last = timing.issue_cycles
    timing.last_start_cycles = last
    _add(timing, 1, fold_interval(hardware, length, (last_r, last_c), 0), length)
    _ends(hardware, last, length, (last_r, last_c), timing)
    if inner_folds > 1:
        _ends(
            hardware,
            last - fold_interval(hardware, length, (first_r, last_c), last_r)[0],
            length,
            (first_r, last_c),
            timing,
        )
    if col_folds > 1:
        column = fold_interval(hardware, length, (first_r, last_c), last_r)[0] if inner_folds > 1 else 0
        column += max(0, inner_folds - 2) * fold_interval(hardware, length, (first_r, last_c), first_r)[0]
        earlier = last - column - fold_interval(hardware, length, (last_r, full_c), first_r)[0]
        _ends(hardware, earlier, length, (last_r, full_c), timing)
    c = full_c if col_folds > 1 else last_c
    start = max(0, inner_folds - 2) * fold_interval(hardware, length, (first_r, c), first_r)[0]
    if inner_folds > 1:
        start += fold_interval(hardware, length, (first_r, c), last_r)[0]
    timing.first_output_cycles = start + hardware.rows


@kernel(borrows=True)
def _diagonal(hardware: Any, tile: Any, timing: Any) -> None:  # noqa: ANN401
    """WS with several groups on the array's diagonal: one fold holds ``group_packing`` whole groups."""
    length = tile.rows
    folds = _ceil_div(tile.groups, tile.group_packing)
    last_groups = _last_part(tile.groups, tile.group_packing)
    inner = _words(tile.inner, tile)
    r, c = tile.group_packing * inner, _ceil_div(tile.group_packing * tile.cols, tile.pack)
    last_r, last_c = last_groups * inner, _ceil_div(last_groups * tile.cols, tile.pack)
    timing.setup_cycles = last_r if folds == 1 else r
    _add(timing, max(0, folds - 2), fold_interval(hardware, length, (r, c), r), length)
    if folds > 1:
        _add(timing, 1, fold_interval(hardware, length, (r, c), last_r), length)
    last = timing.issue_cycles
    timing.last_start_cycles = last
    _add(timing, 1, fold_interval(hardware, length, (last_r, last_c), 0), length)
    _ends(hardware, last, length, (last_r, last_c), timing)
    if folds > 1:
        _ends(hardware, last - fold_interval(hardware, length, (r, c), last_r)[0], length, (r, c), timing)
    timing.first_output_cycles = hardware.rows


@kernel(borrows=True)
def _output_stationary(hardware: Any, tile: Any, timing: Any) -> None:  # noqa: ANN401
    """OS: row folds outer, column folds inner; every fold runs the whole reduction."""
    length = _words(tile.inner, tile)
    row_folds = _ceil_div(tile.rows, hardware.rows)
    col_folds = _ceil_div(tile.cols, hardware.columns * tile.pack)
    full_r, last_r = hardware.rows, _last_part(tile.rows, hardware.rows)
    full_c = hardware.columns
    last_c = _ceil_div(_last_part(tile.cols, hardware.columns * tile.pack), tile.pack)
    full = fold_interval(hardware, length, (full_r, full_c), length)
    ragged = fold_interval(hardware, length, (last_r, full_c), length)
    _add(timing, tile.groups * (row_folds - 1) * col_folds, full, length)
    _add(timing, tile.groups * col_folds - 1, ragged, length)
    last = timing.issue_cycles
    timing.last_start_cycles = last
    following = _words(tile.next_inner, tile) if tile.next_inner > 0 else length
    _add(timing, 1, fold_interval(hardware, length, (last_r, last_c), following), length)
    _ends(hardware, last, length, (last_r, last_c), timing)
    if col_folds > 1:
        _ends(hardware, last - ragged[0], length, (last_r, full_c), timing)
    timing.first_output_cycles = length + hardware.rows


@kernel(borrows=True)
def _count_words(hardware: Any, tile: Any, timing: Any) -> None:  # noqa: ANN401
    """Words across the array's edge, and products issued, in operand elements."""
    outputs = tile.groups * tile.rows * tile.cols
    timing.issued_macs = outputs * tile.inner
    timing.ifmap_reads = tile.groups * tile.rows * tile.inner
    timing.weight_reads = tile.groups * tile.inner * tile.cols
    timing.psum_writes = outputs
    if hardware.dataflow == OS:
        timing.ifmap_reads *= _ceil_div(tile.cols, hardware.columns * tile.pack)
        timing.weight_reads *= _ceil_div(tile.rows, hardware.rows)
        return
    inner_folds = _ceil_div(_words(tile.inner, tile), hardware.rows)
    timing.psum_writes = outputs * inner_folds
    timing.psum_reads = outputs * (inner_folds - 1)
    if hardware.dataflow == WS:
        timing.ifmap_reads *= _ceil_div(tile.cols, hardware.columns * tile.pack)
        if tile.group_packing > 1:
            full = tile.groups // tile.group_packing
            rest = tile.groups - full * tile.group_packing
            blocks = full * tile.group_packing * tile.group_packing + rest * rest
            timing.issued_macs = blocks * tile.rows * tile.inner * tile.cols
    else:
        timing.weight_reads *= _ceil_div(tile.rows, hardware.columns)


@kernel(borrows=True)
def tile_timing(hardware: Any, tile: Any, timing: Any) -> None:  # noqa: ANN401
    """Fill the TILE_TIMING record ``timing`` for one GEMM_TILE on a SYSTOLIC_HARDWARE.

    Cycles are counted from the start of the tile's first fold; counts are operand words. The law is
    docs/model/systolic.md's; every cycle count is the beat count times ``tile.passes``.
    """
    timing.latency_cycles = 0
    timing.operand_free_cycles = 0
    timing.setup_cycles = 0
    timing.issue_cycles = 0
    timing.fill_cycles = 0
    timing.drain_cycles = 0
    timing.useful_cycles = 0
    timing.folds = 0
    timing.psum_reads = 0
    if hardware.dataflow == OS:
        _output_stationary(hardware, tile, timing)
    elif hardware.dataflow == WS and tile.group_packing > 1:
        _diagonal(hardware, tile, timing)
    elif hardware.dataflow == WS:
        timing.useful_cycles = tile.rows
        _stationary(hardware, tile, (_words(tile.inner, tile), tile.cols, tile.pack), timing)
    else:
        timing.useful_cycles = _ceil_div(tile.cols, tile.pack)
        _stationary(hardware, tile, (_words(tile.inner, tile), tile.rows, 1), timing)
    _count_words(hardware, tile, timing)
    if tile.passes > 1:
        _scale(timing, tile.passes)


@kernel(borrows=True)
def _scale(timing: Any, passes: int) -> None:  # noqa: ANN401
    timing.setup_cycles *= passes
    timing.issue_cycles *= passes
    timing.latency_cycles *= passes
    timing.useful_cycles *= passes
    timing.fill_cycles *= passes
    timing.drain_cycles *= passes
    timing.last_start_cycles *= passes
    timing.first_output_cycles *= passes
    timing.operand_free_cycles *= passes
