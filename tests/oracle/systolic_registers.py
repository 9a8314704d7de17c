"""The registers of a systolic array, stepped beat by beat as docs/model/systolic.md draws them.

A register holds a word: a tag (which fold, which element; EMPTY for none) and a value per lane. All registers of one
kind form a plane [rows, columns, 1 + lanes]. A step reads every plane as it was and writes every plane anew: one
clock edge. The tags exist for the checks only: no value depends on one, except that an empty word is not multiplied.
"""

import numpy as np
import numpy.typing as npt

from tests.oracle.systolic_folds import Fold, Ints

EMPTY = -1
FOLD = 2**20  # tag = fold * FOLD + element

DIGIT_BITS = 4  # what a multiplier that needs several passes takes of the stationary operand in one

Flags = npt.NDArray[np.bool_]


class HazardError(Exception):
    """A register that is still needed was overwritten, or two words met in one register."""


def empty_words(*shape: int) -> Ints:
    """Return empty registers: ``shape`` ends with the number of lanes."""
    words = np.zeros((*shape[:-1], 1 + shape[-1]), dtype=np.int64)
    words[..., 0] = EMPTY
    return words


def row_of_words(values: Ints, tag: int, length: int) -> Ints:
    """Return a row of ``length`` words, the first of which hold ``values`` [n, lanes]."""
    row = empty_words(length, values.shape[1])
    row[: len(values), 0] = tag
    row[: len(values), 1:] = values
    return row


def multiply(streamed: Ints, stationary: Ints, passes: int) -> Ints:
    """Multiply as a narrow multiplier does: one digit of the stationary operand a cycle, ``passes`` cycles a beat."""
    product = np.zeros_like(stationary)
    for cycle in range(passes):
        digit = stationary >> (DIGIT_BITS * cycle)
        if cycle < passes - 1:
            digit = digit & (2**DIGIT_BITS - 1)  # the last digit keeps the sign
        product += (streamed * digit) << (DIGIT_BITS * cycle)
    return product


class SkewTriangle:
    """The delay registers at an edge: the word for line ``i`` comes out ``i`` beats after it went in."""

    def __init__(self, length: int, lanes: int) -> None:
        self.registers = empty_words(length, length, lanes)
        self._lines = np.arange(length)
        self._gone = self._lines[None, :] >= self._lines[:, None]

    def step(self, row: Ints) -> Ints:
        """Take a row in, give the skewed row out."""
        moved = np.concatenate([row[:, None], self.registers[:, :-1]], axis=1)
        edge = moved[self._lines, self._lines]
        moved[self._gone, 0] = EMPTY
        self.registers = moved
        return edge


class Array:
    """What both kinds of array share: the left edge, the ifmap registers, the bookkeeping of buffer reads."""

    def __init__(self, shape: tuple[int, int], folds: list[Fold], *, strict: bool) -> None:
        self.strict = strict
        self.lanes = folds[0].left.shape[2]
        self.height, self.width = shape
        self._row, self._column = np.arange(self.height)[:, None], np.arange(self.width)[None, :]
        self.ifmap = empty_words(*shape, self.lanes)
        self.psum = empty_words(*shape, self.lanes)
        self.left, self.top = SkewTriangle(self.height, self.lanes), SkewTriangle(self.width, self.lanes)
        # One more entry than folds: EMPTY // FOLD is -1, the last.
        self.rows = np.array([*(fold.rows for fold in folds), 0])
        self.columns = np.array([*(fold.columns for fold in folds), 0])
        self.depth = np.array([*(fold.depth for fold in folds), 0])
        # Outputs behind a PE's product, by its line of the fold's addresses; none behind the last line.
        lines = [np.pad((f.address >= 0).sum(axis=-1), ((0, 0), (0, self.width - f.columns))) for f in folds]
        self._first_line = np.cumsum([0, *(len(f.address) for f in folds)])
        self._outputs = np.concatenate([*lines, np.zeros((1, self.width), dtype=np.int64)])
        self.products = 0
        # Fused units: the live lanes of each reduction word, by fold and word; none behind the last line.
        self.fused = folds[0].live is not None
        longest = max(len(fold.live) if fold.live is not None else 0 for fold in folds)
        lives = [np.pad(fold.live, (0, longest - len(fold.live))) for fold in folds if fold.live is not None]
        self._live = np.array([*lives, np.zeros(longest, dtype=np.int64)]) if self.fused else None

    def require(self, holds: Flags, what: str) -> None:
        """Raise if a hazard is found, unless hazards are let loose on the numbers."""
        if self.strict and not holds.all():
            raise HazardError(f"{what} at PE {np.argwhere(~holds)[0].tolist()}")

    def count_products(self, fold: Ints, line: Ints, word: Ints) -> None:
        """Count the products of one beat: those of lanes that hold an output, or a fused unit's live lanes."""
        outputs = self._outputs[self._first_line[fold] + np.where(fold < 0, 0, line), self._column]
        if self._live is not None:
            outputs = outputs * self._live[fold, np.where(fold < 0, 0, word)]
        self.products += int(outputs.sum())

    def joined(self, product: Ints) -> Ints:
        """Add a fused unit's lanes into lane 0; other units keep their lanes apart."""
        if not self.fused:
            return product
        total = np.zeros_like(product)
        total[..., 0] = product.sum(axis=-1)
        return total

    def ifmap_at_elements(self, edge: Ints) -> Ints:
        """Return the word each PE sees this beat; it moves on a column only within its fold's columns."""
        seen = np.concatenate([edge[:, None], self.ifmap[:, :-1]], axis=1)
        self.ifmap = seen.copy()
        self.ifmap[self._column + 1 >= self.columns[seen[..., 0] // FOLD], 0] = EMPTY
        return seen

    def in_flight(self) -> bool:
        """Tell whether any product of the folds already streamed is still to come."""
        return bool((self.ifmap[..., 0] >= 0).any() or (self.left.registers[..., 0] >= 0).any())


class StationaryArray(Array):
    """Weight stationary (input stationary with the roles exchanged): one or two weight registers a PE."""

    def __init__(self, shape: tuple[int, int], folds: list[Fold], *, strict: bool, swap: str) -> None:
        super().__init__(shape, folds, strict=strict)
        self.swap = swap  # "none", "wavefront" or "global"
        self.weight = np.stack([empty_words(*shape, self.lanes)] * 2)
        self.select = np.zeros(shape, dtype=np.int64)

    def step(self, left_row: Ints, top_row: Ints, passes: int) -> tuple[Ints, Ints, Ints]:
        """Step every register by one beat; return the words at the left edge, the top edge and the bottom."""
        left = self.left.step(left_row)
        top = top_row if self.swap == "global" else self.top.step(top_row)
        seen = self.ifmap_at_elements(left)
        self._toggle(seen)
        bottom = self._accumulate(seen, passes)
        self._shift_weights(top)
        return left, top, bottom

    def _toggle(self, seen: Ints) -> None:
        first = (seen[..., 0] >= 0) & (seen[..., 0] % FOLD == 0)
        if self.swap == "wavefront":
            self.select = self.select ^ first
        elif self.swap == "global" and first[0, 0]:
            self.select = 1 - self.select

    def _accumulate(self, seen: Ints, passes: int) -> Ints:
        tag, busy = seen[..., 0], seen[..., 0] >= 0
        weight = self.weight[self.select, self._row, self._column]
        above = np.concatenate([empty_words(1, self.width, self.lanes), self.psum[:-1]])
        fold = tag // FOLD
        wanted = fold * FOLD + self.rows[fold] - 1 - self._row  # the row that entered last stays in row 0
        self.require(~busy | (weight[..., 0] == wanted), "a weight is not in place")
        self.require(~busy | (self._row == 0) | (above[..., 0] == tag), "ifmap and psum do not meet")
        product = multiply(seen[..., 1:], weight[..., 1:], passes) * busy[..., None]
        self.count_products(fold, tag % FOLD, np.minimum(self._row, self.rows[fold] - 1))
        self.psum = above
        self.psum[..., 1:] += self.joined(product)
        self.psum[..., 0] = np.where(busy, tag, above[..., 0])
        bottom: Ints = self.psum[-1]
        return bottom

    def _shift_weights(self, top: Ints) -> None:
        """Move a column's weights down a row, as far as the first of them has come."""
        loading = self.select if self.swap == "none" else 1 - self.select
        held = self.weight[loading, self._row, self._column]
        above = np.concatenate([top[None], held[:-1]])
        age = np.where(top[:, 0] >= 0, top[:, 0] % FOLD, -1)
        arrived = self._row <= age[None, :]
        self.weight[loading, self._row, self._column] = np.where(arrived[..., None], above, held)


class OutputArray(Array):
    """Output stationary: psums stay; a column drains through the psum registers or through a chain of its own."""

    def __init__(self, shape: tuple[int, int], folds: list[Fold], *, strict: bool, separate: bool) -> None:
        super().__init__(shape, folds, strict=strict)
        self.separate = separate
        self.weight = empty_words(*shape, self.lanes)
        self.output = empty_words(*shape, self.lanes)
        self.age = np.full(self.width, self.height)  # beats since the column's latest drain began

    def step(self, left_row: Ints, top_row: Ints, passes: int) -> tuple[Ints, Ints, Ints]:
        """Step every register by one beat; return the words at the left edge, the top edge and the bottom."""
        left, top = self.left.step(left_row), self.top.step(top_row)
        seen = self.ifmap_at_elements(left)
        weight = np.concatenate([top[None], self.weight[:-1]])
        self.weight = weight.copy()
        self.weight[self._row + 1 >= self.rows[weight[..., 0] // FOLD], 0] = EMPTY
        self.require(seen[..., 0] == weight[..., 0], "ifmap and weight do not meet")
        busy = (seen[..., 0] >= 0) & (weight[..., 0] >= 0)
        fold = np.where(busy, seen[..., 0] // FOLD, -1)
        last = busy & (seen[..., 0] % FOLD == self.depth[fold] - 1)
        self.count_products(fold, self._row, seen[..., 0] % FOLD)
        product = self.joined(multiply(seen[..., 1:], weight[..., 1:], passes))
        total = self._total(fold, busy, product, seen[..., 0] % FOLD == 0)
        bottom = self._drain_apart(total, last) if self.separate else self._drain_in_place(total, busy)
        self.age = np.where((last & (self._row == self.rows[fold] - 1)).any(axis=0), 0, self.age + 1)
        return left, top, bottom

    def _total(self, fold: Ints, busy: Flags, product: Ints, first: Flags) -> Ints:
        """Return the psum registers with this beat's products added."""
        mine = fold * FOLD + self._row
        fits = self.psum[..., 0] == np.where(first, EMPTY, mine)
        self.require(~busy | fits, "a product meets another fold's psum")
        total = self.psum.copy()
        total[..., 0] = np.where(busy, mine, self.psum[..., 0])
        total[..., 1:] += product * busy[..., None]
        return total

    def _shifted(self, chain: Ints) -> tuple[Ints, Ints]:
        """Return a chain's words after a shift, empty where the last of them has passed; and what leaves below."""
        above = np.concatenate([empty_words(1, self.width, self.lanes), chain[:-1]])
        age = self.age[None, :, None]
        row = self._row[..., None]
        blank = empty_words(self.height, self.width, self.lanes)
        shifted = np.where(row > age, above, np.where(row == age, blank, chain))
        leaving = np.where(age[0] < self.height, chain[-1], blank[-1])
        return shifted, leaving

    def _drain_in_place(self, total: Ints, busy: Flags) -> Ints:
        moving = self._row >= self.age[None, :]
        self.require(~(busy & moving), "a product meets the drain")
        shifted, leaving = self._shifted(self.psum)
        self.psum = np.where(moving[..., None], shifted, total)
        return leaving

    def _drain_apart(self, total: Ints, last: Flags) -> Ints:
        shifted, leaving = self._shifted(self.output)
        self.require(~(last & (shifted[..., 0] >= 0)), "a copy overwrites an output that has to pass")
        self.output = np.where(last[..., None], total, shifted)
        self.psum = np.where(last[..., None], empty_words(1, 1, self.lanes), total)
        return leaving
