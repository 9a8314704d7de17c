"""What skipping ahead remembers of a channel, and what each word of its state does in a steady period. No kernels.

The rules say of every word whether it stays, moves on with the time or counts on: see docs/model/dram.md.
"""

from typing import Any, NamedTuple

import numpy as np

from simulator.memory.dram_look_kernel import LOOKS_KEPT, MARK
from simulator.memory.dram_state import BANK, CHANNEL, CONTROLLER_WORDS, GROUP, Records
from simulator.records import NONE, Table, int_fields, table

SAME, SHIFTED, COUNTED, FREE = range(4)
"""What a field does in a steady period: stay, move on by the period, count on evenly, or hold the number of a request
record, which says nothing."""

_SHIFTED = {"next_cycle", "last_column_end", "read_ready", "write_ready"}
_COUNTED = {"reads", "writes", "row_hits", "dual_issues", "hits", "moves", "accepts"}
_FREE = {"read_hit", "write_hit", "heads", "tails"}
_CHECK_BURSTS = 4
"""A channel is looked at every so many bursts, or every round over the banks of a stream if that is more."""

ACCEPTS_KEPT = 1024
"""Bursts of a channel whose accept cycle is kept: more than are ever under way in one row of each bank."""

SHAPE = int_fields("check_bursts", "block_bits", "group_word", "bank_word")
"""Bursts from look to look; address bits of the bursts that lie in one row of their bank (0: nothing is skipped); where
the groups and the banks of a channel begin."""


class Shadow(NamedTuple):
    """What the channels looked like at their marks, and their states as 64-bit words."""

    marks: Records  # MARK [channels]
    signs: Table  # int64 [channels, 3, looks]: rings of SIGNS and LIKENESSES, and what is KNOWN
    accepts: Table  # int64 [channels, bursts]: when the last bursts offered were accepted, a ring by local burst
    words: Table  # int64 [channels, words]: a view of the state
    marked: Records  # CHANNEL [channels]: the same at the mark
    marked_words: Table  # a view of the line before
    entries: Table  # int64 [channels, places, 2]: burst and accept cycle of each request under way, place by place
    under_way: Table  # int32 [channels, places]: the requests themselves, as listed last
    controller_masks: Table  # int64 [3, words]: which words are compared, which of them shift, which move on
    group_masks: Table  # the same of all groups
    bank_masks: Table  # and of all banks
    shape: Table  # SHAPE, one record


def new_shadow(channels: Records, split: Any, *, enabled: bool) -> Shadow:  # noqa: ANN401 - a SPLIT record
    """Return the shadow of idle ``channels``; without ``enabled`` nothing is ever skipped."""
    hardware = channels[0]
    marked = np.zeros(channels.size, CHANNEL).view(np.recarray)
    places = int(hardware.waiting_depth * 2 + hardware.queue_depth * hardware.banks_per_channel)
    rows_apart = split.row_bits == 0 or split.row_position > split.column_position
    enabled = enabled and not hardware.rank_queues  # their order would have to move along
    shape = table(SHAPE, 1)
    shape["check_bursts"] = max(_CHECK_BURSTS, 1 << int(split.column_position))
    shape["block_bits"] = int(split.column_position + split.column_bits) if enabled and rows_apart else 0
    fields: Any = CHANNEL.fields
    shape["group_word"], shape["bank_word"] = fields["groups"][1] // 8, fields["banks"][1] // 8
    marks = table(MARK, channels.size).view(np.recarray)
    marks["quiet_cycle"] = NONE  # cycle 0 is not said to be quiet
    return Shadow(
        marks=marks,
        signs=np.zeros((channels.size, 3, LOOKS_KEPT), dtype=np.int64),
        accepts=np.zeros((channels.size, ACCEPTS_KEPT), dtype=np.int64),
        words=_words(channels),
        marked=marked,
        marked_words=_words(marked),
        entries=np.zeros((channels.size, places, 2), dtype=np.int64),
        under_way=np.zeros((channels.size, places), dtype=np.int32),
        controller_masks=_masks(rules_of(CHANNEL)[:CONTROLLER_WORDS]),
        group_masks=_masks(np.tile(rules_of(GROUP), int(hardware.groups_per_channel))),
        bank_masks=_masks(np.tile(rules_of(BANK), int(hardware.banks_per_channel))),
        shape=shape,
    )


def _words(part: Records) -> Table:
    return np.asarray(part).view(np.int64).reshape(part.size, -1)


def _masks(rules: Table) -> Table:
    """Return the rules as masks, so that words are compared without a branch."""
    return np.where([np.isin(rules, (SAME, SHIFTED)), rules == SHIFTED, np.isin(rules, (SHIFTED, COUNTED))], -1, 0)


def rules_of(layout: np.dtype[np.void]) -> Table:
    """Return the rule of every word of ``layout``."""
    rules = np.full(layout.itemsize // 8, SAME, dtype=np.int64)
    for name, (_, offset) in ((name, part[:2]) for name, part in (layout.fields or {}).items()):
        word = offset // 8
        if name in _FREE:
            rules[word : word + layout[name].itemsize // 8] = FREE
        elif name in _COUNTED or name.startswith(("lost_", "held_")) or (layout == BANK and name == "precharge_ready"):
            rules[word] = COUNTED
        elif name in _SHIFTED and layout != BANK:  # those of a bank are of its row: activates alone move them
            rules[word] = SHIFTED
    return rules
