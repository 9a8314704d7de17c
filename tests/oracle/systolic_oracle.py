"""The oracle of systolic arrays: controllers that look at registers, an ofmap buffer that adds what it is given.

Written from docs/model/systolic.md alone. A controller decides beat by beat from the state of the array, never from a
formula for an interval; ``forced_starts`` and ``forced_loads`` make it disobey, to show what its rule protects.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.records import OS
from tests.oracle.systolic_folds import Fold, Ints, Tile, cut
from tests.oracle.systolic_registers import (
    FOLD,
    HazardError,
    OutputArray,
    StationaryArray,
    empty_words,
    row_of_words,
)

USEFUL, FILL, DRAIN = "useful", "fill", "drain"


@dataclass(frozen=True)
class TileOutcome:
    """One tile's product and times: cycles since the run began; an end is the first cycle after."""

    ofmap: Ints
    folds: int
    setup_begin_cycle: int
    start_cycle: int
    last_start_cycle: int
    issue_end_cycle: int
    first_output_cycle: int
    last_output_cycle: int
    useful_cycles: int
    fill_cycles: int
    drain_cycles: int
    left_free_cycle: int
    top_free_cycle: int
    left_reads: int
    top_reads: int
    psum_reads: int
    psum_writes: int


@dataclass(frozen=True)
class OracleResult:
    """A run of tiles back to back."""

    tiles: tuple[TileOutcome, ...]
    fold_start_cycles: tuple[int, ...]
    fold_load_cycles: tuple[int, ...]
    total_cycles: int
    products: int

    @property
    def ofmaps(self) -> list[Ints]:
        """The computed products."""
        return [tile.ofmap for tile in self.tiles]


def run_tiles(
    hardware: Any,
    tiles: list[Tile],
    *,
    forced_starts: Mapping[int, int] | None = None,
    forced_loads: Mapping[int, int] | None = None,
    strict: bool = True,
) -> OracleResult:
    """Step the array until the last output of the last tile is in the buffer.

    Parameters
    ----------
    hardware
        A SYSTOLIC_HARDWARE record.
    tiles
        The products, all with the same ``passes``: a beat has one length.
    forced_starts, forced_loads
        Fold number to the beat in which it starts, or its load begins, whatever the controller's rule.
    strict
        Raise HazardError at the first hazard; otherwise let it corrupt the numbers.
    """
    assert len({tile.passes for tile in tiles}) == 1, "the array's beat has one length in a run"
    run = _Run(hardware, tiles, dict(forced_starts or {}), dict(forced_loads or {}), strict=strict)
    run.step_all()
    return run.result()


def _due(forced: int | None, beat: int, *, legal: bool) -> bool:
    if forced is None:
        return legal
    if forced < beat:
        raise HazardError(f"beat {forced} is taken: one row enters an edge a beat")
    return forced == beat


class _Run:
    """The state of a run beside the array's registers: what was fed, started and seen, by fold."""

    def __init__(
        self, hardware: Any, tiles: list[Tile], starts: dict[int, int], loads: dict[int, int], *, strict: bool
    ) -> None:
        self.hardware, self.tiles = hardware, tiles
        self.forced_starts, self.forced_loads = starts, loads
        self.folds = cut(hardware, tiles)
        self.passes = tiles[0].passes
        self.stationary = int(hardware.dataflow) != OS
        self.array, self.rule = self._build(strict)
        self.starts: list[int] = []
        self.loads: list[int] = []
        # One more entry than folds: EMPTY // FOLD is -1, the last.
        self.left_read = np.full(len(self.folds) + 1, -1)
        self.top_read = np.full(len(self.folds) + 1, -1)
        self.spent = [dict.fromkeys((USEFUL, FILL, DRAIN), 0) for _ in tiles]
        self.issue_end = [-1] * len(tiles)
        self.leaving_beats: list[int] = []
        self.leaving_words: list[Ints] = []

    def _build(self, strict: bool) -> tuple[StationaryArray | OutputArray, str]:
        shape = (int(self.hardware.rows), int(self.hardware.columns))
        if not self.stationary:
            separate = bool(self.hardware.drain_separate)
            rule = "separate" if separate else "blocking"
            return OutputArray(shape, self.folds, strict=strict, separate=separate), rule
        swap = "none"
        if self.hardware.weight_shadow:
            swap = "wavefront" if self.hardware.swap_wavefront else "global"
        return StationaryArray(shape, self.folds, strict=strict, swap=swap), swap

    def step_all(self) -> None:
        """Step until every output has left and the last tile's issue is over."""
        longest = max(fold.depth for fold in self.folds)
        patience = 2 * (longest + 2 * self.array.height + self.array.width)
        beat = 0
        while len(self.starts) < len(self.folds) or beat < self.starts[-1] + patience:
            self._control(beat)
            left_row = self._feed(self.array.height, beat, self.starts, "left")
            top_row = self._feed(self.array.width, beat, self.loads if self.stationary else self.starts, "top")
            left, top, bottom = self.array.step(left_row, top_row, self.passes)
            in_array = bool(self.hardware.skew_in_array)
            self.left_read[(left_row if in_array else left)[:, 0] // FOLD] = beat
            self.top_read[(top_row if in_array else top)[:, 0] // FOLD] = beat
            if (bottom[:, 0] >= 0).any():
                self.leaving_beats.append(beat)
                self.leaving_words.append(bottom.copy())
            beat += 1
            if len(self.starts) == len(self.folds) and self._quiet(beat):
                break
            assert beat < 10**6, "the controller waits for ever"

    def _quiet(self, beat: int) -> bool:
        drained = self.stationary or not (
            (self.array.psum[..., 0] >= 0).any() or (self.array.output[..., 0] >= 0).any()  # type: ignore[union-attr]
        )
        travelling = self.array.in_flight() or (self.stationary and (self.array.psum[:-1, :, 0] >= 0).any())
        return bool(drained and not travelling and self.issue_end[-1] >= 0)

    def _feed(self, length: int, beat: int, begun: list[int], edge: str) -> Ints:
        """Return the operand row that enters an edge this beat: of the fold begun last, or nothing."""
        if begun:
            number, element = len(begun) - 1, beat - begun[-1]
            values: Ints = getattr(self.folds[number], edge)
            if element < len(values):
                return row_of_words(values[element], number * FOLD + element, length)
        return empty_words(length, self.array.lanes)

    # The controller.

    def _control(self, beat: int) -> None:
        """Start a fold, or account for the beat to what the next fold waits for; then begin a load."""
        number = len(self.starts)
        wait = self._wait(beat)
        legal = wait == FILL and self._loaded(beat)
        if number < len(self.folds) and _due(self.forced_starts.get(number), beat, legal=legal):
            self.array.require(np.array(wait != USEFUL), "two ifmap elements enter row 0")
            self._end_issue(beat, number)
            self.starts.append(beat)
            wait = USEFUL
        self._account(beat, wait)
        number = len(self.loads)
        to_load = self.stationary and number < len(self.folds)
        if to_load and _due(self.forced_loads.get(number), beat, legal=self._may_load(beat)):
            self.loads.append(beat)

    def _wait(self, beat: int) -> str:
        """Return what keeps a loaded fold from starting: USEFUL, DRAIN, or FILL when nothing does."""
        if not self.starts:
            return FILL
        fold = self.folds[len(self.starts) - 1]
        if beat < self.starts[-1] + fold.depth:
            return USEFUL
        return DRAIN if self._draining(beat, fold) else FILL

    def _draining(self, beat: int, fold: Fold) -> bool:
        if self.rule == "wavefront":
            return False
        if self.rule in {"none", "global"}:
            return self.array.in_flight()
        if self.rule == "blocking":
            return bool(self.array.psum[0, 0, 0] >= 0)
        # PE(0, 0) must not copy before its output register moves on: all others follow in step.
        following = self.folds[min(len(self.starts), len(self.folds) - 1)]
        drain_begin = self.starts[-1] + fold.depth + fold.rows - 1
        return beat + following.depth - 1 < drain_begin

    def _loaded(self, beat: int) -> bool:
        number = len(self.starts)
        if not self.stationary or number >= len(self.folds):
            return True
        return len(self.loads) > number and beat >= self.loads[number] + self.folds[number].rows

    def _may_load(self, beat: int) -> bool:
        number = len(self.loads)
        if number == 0:
            return True
        if len(self.starts) < number:
            return False
        return self.rule != "none" or self._wait(beat) == FILL

    def _end_issue(self, beat: int, number: int) -> None:
        before = self.folds[number - 1].tile if number else 0
        if self.folds[number].tile != before and self.issue_end[before] < 0:
            self.issue_end[before] = beat

    def _account(self, beat: int, wait: str) -> None:
        """Book a beat on the tile that holds the array; a wait for the next tile's load is on neither."""
        if not self.starts:
            return
        number = len(self.starts)
        tile = self.folds[number - 1].tile
        between = number == len(self.folds) or self.folds[number].tile != tile
        if between and wait == FILL:
            if self.issue_end[tile] < 0:
                self.issue_end[tile] = beat
        else:
            self.spent[tile][wait] += 1

    # What the buffers saw.

    def result(self) -> OracleResult:
        """Let the ofmap buffer add what left the array, in order, and sum up."""
        beats = np.repeat(np.array(self.leaving_beats, dtype=np.int64), self.array.width)
        words = np.array(self.leaving_words).reshape(-1, 1 + self.array.lanes)
        column = np.tile(np.arange(self.array.width), len(self.leaving_beats))
        size = sum(tile.ofmap_words for tile in self.tiles)
        ofmap, written, last = (np.zeros(size, dtype=np.int64) for _ in range(3))
        for n in np.flatnonzero(words[:, 0] >= 0):
            number, element = divmod(int(words[n, 0]), FOLD)
            address = self.folds[number].address[element, column[n]]
            lanes = address >= 0
            ofmap[address[lanes]] += words[n, 1:][lanes]
            written[address[lanes]] += 1
            last[address[lanes]] = (beats[n] + 1) * self.passes
        tiles = []
        base = 0
        for number, tile in enumerate(self.tiles):
            words_of_tile = slice(base, base + tile.ofmap_words)
            base += tile.ofmap_words
            shape = (*tile.ifmap.shape[:2], tile.weight.shape[2])
            tiles.append(
                self._outcome(number, ofmap[words_of_tile].reshape(shape), written[words_of_tile], last[words_of_tile])
            )
        return OracleResult(
            tuple(tiles),
            tuple(beat * self.passes for beat in self.starts),
            tuple(beat * self.passes for beat in self.loads),
            int(last.max()),
            self.array.products,
        )

    def _outcome(self, number: int, ofmap: Ints, written: Ints, last: Ints) -> TileOutcome:
        mine = [n for n, fold in enumerate(self.folds) if fold.tile == number]
        first_of_all = self.loads if self.stationary else self.starts
        spent = {reason: count * self.passes for reason, count in self.spent[number].items()}
        return TileOutcome(
            ofmap=ofmap,
            folds=len(mine),
            setup_begin_cycle=first_of_all[mine[0]] * self.passes,
            start_cycle=self.starts[mine[0]] * self.passes,
            last_start_cycle=self.starts[mine[-1]] * self.passes,
            issue_end_cycle=self.issue_end[number] * self.passes,
            first_output_cycle=int(last.min()),
            last_output_cycle=int(last.max()),
            useful_cycles=spent[USEFUL],
            fill_cycles=spent[FILL],
            drain_cycles=spent[DRAIN],
            left_free_cycle=(int(self.left_read[mine].max()) + 1) * self.passes,
            top_free_cycle=(int(self.top_read[mine].max()) + 1) * self.passes,
            left_reads=sum(int(self.folds[n].left_words.sum()) for n in mine),
            top_reads=sum(int(self.folds[n].top_words.sum()) for n in mine),
            psum_reads=int((written - 1).sum()),
            psum_writes=int(written.sum()),
        )


__all__ = ["HazardError", "OracleResult", "Tile", "TileOutcome", "run_tiles"]
