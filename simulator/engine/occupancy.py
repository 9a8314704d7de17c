"""Who holds how many bits of which buffer when, from the times of a run: counts only, nothing waits for them.

A loaded tile is held from the first cycle of its transfer until the last step that reads it lets its slot go; a psum
tile from its first output (or the first cycle of its reload) until it is drained; a resident tensor from its first
output until its last read.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.dataflow.tape import Tape
from simulator.records import IFMAP, NONE, PSUM, READ, RESIDUAL, VECTOR, WEIGHT

Cycles = npt.NDArray[np.int64]


class Holdings(NamedTuple):
    """Parallel int64 arrays: ``bits`` of ``buffer`` are held from cycle ``begin`` until cycle ``end``."""

    buffer: Cycles
    begin: Cycles
    end: Cycles
    bits: Cycles
    core: Cycles


def tile_holdings(tape: Tape, home: npt.ArrayLike) -> Holdings:
    """Return what tiles hold, of a tape that was run; ``home`` = buffer of ifmap, weight, psum."""
    where = np.asarray(home, np.int64)
    parts = (_loaded_tiles(tape, where), _psum_tiles(tape, int(where[PSUM])))
    return Holdings(*(np.concatenate(pair) for pair in zip(*parts, strict=True)))


def _loaded_tiles(tape: Tape, where: Cycles) -> Holdings:
    released = np.full(len(tape.transfers), NONE, np.int64)
    uses, step = tape.uses, steps_of_uses(tape)
    loaded = (uses["transfer"] != NONE) & (uses["operand"] != PSUM)
    np.maximum.at(released, uses["transfer"][loaded], releases(tape, step)[loaded])
    held = tape.transfers[released != NONE]
    homes = np.zeros(RESIDUAL + 1, np.int64)
    homes[[IFMAP, WEIGHT, RESIDUAL]] = where[[IFMAP, WEIGHT, IFMAP]]
    end = released[released != NONE]
    return Holdings(homes[held["operand"]], held["begin_cycle"], end, held["payload_bytes"] * 8, held["queue"])


def last_level_holdings(tape: Tape) -> Holdings:
    """Return what tiles hold of the scratchpad that cores share: each from its fetch until its last read is done."""
    assert tape.last_level is not None
    fetches = np.flatnonzero(tape.transfers["queue"] == tape.cores - 1)
    last_read = np.zeros(len(tape.transfers), np.int64)
    reads = np.flatnonzero(tape.last_level.on_chip == 1)
    np.maximum.at(last_read, tape.last_level.filled_by[reads], tape.transfers["done_cycle"][reads])
    held, nothing = tape.transfers[fetches], np.zeros(len(fetches), np.int64)
    return Holdings(nothing, held["submit_cycle"], last_read[fetches], held["payload_bytes"] * 8, nothing)


def steps_of_uses(tape: Tape) -> Cycles:
    """Return the step of every use."""
    return np.repeat(np.arange(len(tape.steps)), tape.steps["uses"])


def releases(tape: Tape, step: Cycles) -> Cycles:
    """Return when every use lets its operand go: a residual when the vector unit is through with the tile."""
    uses = tape.uses
    free = tape.steps["start_cycle"][step] + uses["free_cycles"]
    return np.asarray(np.where(uses["operand"] == RESIDUAL, tape.steps["output_cycle"][step], free))


def _psum_tiles(tape: Tape, home: int) -> Holdings:
    """Hold each tile from the step after the one that closed the tile before, until it is drained or written out."""
    steps = tape.steps
    closing = np.flatnonzero(steps["psum_bits"] > 0)
    first_of_layer = tape.spans["first_step"][steps["layer"][closing]]
    opening = np.maximum(np.concatenate(([0], closing[:-1] + 1))[: len(closing)], first_of_layer)
    opening = np.where(steps["resource"][closing] == VECTOR, closing, opening)
    begin = (steps["start_cycle"] + steps["first_output_cycles"])[opening]
    reloaded = np.full(len(steps), NONE, np.int64)
    back = (tape.uses["operand"] == PSUM) & (tape.uses["transfer"] != NONE)
    back[back] = tape.transfers["direction"][tape.uses["transfer"][back]] == READ
    reloaded[steps_of_uses(tape)[back]] = tape.uses["transfer"][back]
    brought = reloaded[opening] != NONE
    begin[brought] = tape.transfers["begin_cycle"][reloaded[opening][brought]]
    end = steps["output_cycle"].copy()
    stores = tape.transfers["data_step"] != NONE
    end[tape.transfers["data_step"][stores]] = tape.transfers["done_cycle"][stores]
    held = steps[closing]
    return Holdings(np.full(len(closing), home), begin, end[closing], held["psum_bits"], held["core"])


def held_over_time(holdings: Holdings, buffer: int, core: int = 0) -> tuple[Cycles, Cycles]:
    """Return (cycles, bits): from each cycle on until the next, ``buffer`` of ``core`` holds so many bits."""
    mine = (holdings.buffer == buffer) & (holdings.end > holdings.begin) & (holdings.core == core)
    edges = np.concatenate((holdings.begin[mine], holdings.end[mine]))
    change = np.concatenate((holdings.bits[mine], -holdings.bits[mine]))
    cycles, place = np.unique(edges, return_inverse=True)
    steps = np.zeros(len(cycles), np.int64)
    np.add.at(steps, place, change)
    return cycles, np.cumsum(steps)


def peaks_in(held: tuple[Cycles, Cycles], ends: Cycles) -> Cycles:
    """Return the most that was held in each window; windows are back to back from cycle 0 and end at ``ends``."""
    cycles, bits = held
    peaks = np.zeros(len(ends), np.int64)
    begin = 0
    for i, end in enumerate(ends):
        low, high = np.searchsorted(cycles, (begin, end))
        inside = bits[low:high].max(initial=0)
        before = bits[low - 1] if low > 0 else 0
        peaks[i] = max(inside, before) if end > begin else 0
        begin = end
    return peaks


def resident_holdings(tape: Tape, home: int, tensors: Cycles, readers: Cycles) -> Holdings:
    """Return what resident tensors hold.

    Parameters
    ----------
    tape : Tape
    home : int
        The buffer they are in.
    tensors : int64 array [n, 2]
        Work that writes each, and its bits.
    readers : int64 array [m, 3]
        Index into ``tensors``, work that reads it there, operand it is read as.
    """
    first = tape.steps[tape.spans["first_step"][tensors[:, 0]]]
    begin = first["start_cycle"] + first["first_output_cycles"]
    step = steps_of_uses(tape)
    inside = (tape.uses["source_step"] != NONE) & (tape.uses["operand"] != PSUM)
    last_read = np.zeros((len(tape.spans), RESIDUAL + 1), np.int64)
    read = (tape.steps["layer"][step[inside]], tape.uses["operand"][inside])
    np.maximum.at(last_read, read, releases(tape, step)[inside])
    end = begin.copy()
    np.maximum.at(end, readers[:, 0], last_read[readers[:, 1], readers[:, 2]])
    core = np.zeros(len(tensors), np.int64)  # with several cores nothing is resident
    return Holdings(np.full(len(tensors), home), begin, end, tensors[:, 1], core)
