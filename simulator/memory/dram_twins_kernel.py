"""Channels that are in the same state and get the same bursts do the same: one of them, their leader, is simulated.

At first all channels are idle and alike. A transfer whose bursts in two of them are not the same local bursts parts
them: the one that leaves takes a copy of all its leader is. Channels whose states have become the same again are
joined. Of a channel that follows another only its counts are its own: how far they are from its leader's. The drawing,
and what "the same state" leaves out, are in docs/model/dram.md.
"""

from typing import Any, NamedTuple

import numpy as np

from simulator._jit import kernel
from simulator.memory.dram_state import (
    BANK,
    CHANNEL,
    CONTROLLER_WORDS,
    COUNTED_WORDS,
    GROUP,
    QUEUED,
    READS,
    WANTS,
    WRITES,
    Record,
    Records,
)
from simulator.records import Table, int_fields, table

TWIN = int_fields(
    "leader",  # the channel that is simulated for this one; itself, where it is simulated
    "members",  # of a leader: itself and those that follow it
    "left",  # the leader that it left last
)

SAME, LIMIT, IGNORED = range(3)
"""What two words of equal states are: the same; first cycles of something, the same or both long past; whatever."""

_LIMITS = {"next_cycle", *(name for name in BANK.names or () if name.endswith("_ready"))}
_IGNORED = {"moves", "accepts", "mover", "read_hit", "write_hit", "heads", "tails"}

LAYOUT = int_fields(
    "enabled", "rank_word", "group_word", "busy_word", "bank_word", "want_word", "pending_word", "words"
)
"""Whether channels are ever joined; where the parts of a channel begin, and where it ends, in words."""


class Twins(NamedTuple):
    """Who is simulated for whom."""

    table: Table  # TWIN [channels]
    words: Table  # int64 [channels, words]: a view of the channels
    request_words: Table  # int64 [channels, words]: a view of their requests
    controller_rules: Table  # int64 [words]: SAME, LIMIT or IGNORED
    group_rules: Table
    bank_rules: Table
    layout: Table  # LAYOUT, one record


def new_twins(channels: Records, requests: Records, *, enabled: bool) -> Twins:
    """Return the twins of idle ``channels``: all alike, or with ``enabled`` false each for itself, for good."""
    count = channels.size
    twins, layout = table(TWIN, count), table(LAYOUT, 1)
    twins["leader"] = 0 if enabled else np.arange(count)
    twins["members"] = 1
    twins["members"][0] = count if enabled else 1
    fields: Any = CHANNEL.fields
    layout["enabled"] = int(enabled)
    for part in ("rank", "group", "bank"):
        layout[f"{part}_word"] = fields[f"{part}s"][1] // 8
    for part, name in (("busy", "busy"), ("want", WANTS[0]), ("pending", "pending")):
        layout[f"{part}_word"] = fields[name][1] // 8
    layout["words"] = CHANNEL.itemsize // 8
    return Twins(
        table=twins,
        words=np.asarray(channels).view(np.int64).reshape(count, -1),
        request_words=np.asarray(requests).view(np.int64).reshape(count, -1),
        controller_rules=_rules(CHANNEL)[:CONTROLLER_WORDS],
        group_rules=_rules(GROUP),
        bank_rules=_rules(BANK),
        layout=layout,
    )


def _rules(layout: np.dtype[np.void]) -> Table:
    """Return the rule of every word of ``layout``."""
    rules = np.full(layout.itemsize // 8, SAME, dtype=np.int64)
    for name, (_, offset) in ((name, part[:2]) for name, part in (layout.fields or {}).items()):
        words = slice(offset // 8, (offset + layout[name].itemsize) // 8)
        if name in _IGNORED:
            rules[words] = IGNORED
        elif name in _LIMITS:
            rules[words] = LIMIT
    if layout == CHANNEL:
        rules[COUNTED_WORDS[0] : COUNTED_WORDS[1]] = IGNORED
    return rules


@kernel(inlined=True)
def is_simulated(twins: Twins, channel_index: int) -> bool:
    """Tell whether a channel is simulated itself."""
    return bool(twins.table[channel_index].leader == channel_index)


@kernel(borrows=True)
def count_of(twins: Twins, word: int) -> int:
    """Return the sum over the channels of one of their counts."""
    total = 0
    for index in range(twins.words.shape[0]):
        leader = twins.table[index].leader
        total += twins.words[index, word]
        if leader != index:
            total += twins.words[leader, word]
    return int(total)


@kernel(borrows=True)
def same_words(twins: Twins, one: int, other: int, first: int, rules: Table, floor_cycle: int) -> bool:
    """Tell whether the words of two channels from ``first`` on are the same, or limits before ``floor_cycle``."""
    for place in range(rules.shape[0]):
        mine, theirs = twins.words[one, first + place], twins.words[other, first + place]
        if mine != theirs and rules[place] != IGNORED and (rules[place] == SAME or max(mine, theirs) > floor_cycle):
            return False
    return True


@kernel(inlined=True)
def same_activates(channel: Record, one: Record, other: Record, floor_cycle: int) -> bool:
    """Tell whether the activates that still hold others back are the same in two ranks."""
    longest = max(channel.four_activates, channel.thirty_two_activates)
    for back in range(1, (32 if channel.thirty_two_activates > 0 else 4) + 1):
        mine = one.window[(one.activations - back) & 31] if one.activations >= back else -longest
        theirs = other.window[(other.activations - back) & 31] if other.activations >= back else -longest
        if mine != theirs and max(mine, theirs) + longest > floor_cycle:
            return False
    return one.count == other.count and one.open_banks == other.open_banks


@kernel(inlined=True)
def oldest_accept(channel: Record, requests: Records, cycle: int) -> int:
    """Return when the oldest request under way in a channel was accepted, ``cycle`` if there is none."""
    for busy in range(channel.busy_banks):
        bank = channel.banks[channel.busy[busy]]
        for place in (QUEUED, READS, WRITES):
            at = bank.heads[place]
            for _ in range(bank.counts[place]):
                cycle = min(cycle, requests[at].accept)
                at = requests[at].next
    return cycle


@kernel(inlined=True)
def same_request(one: Record, other: Record) -> bool:
    """Tell whether two requests are for one burst of one transfer, and came at the same time."""
    return bool(
        one.address == other.address
        and one.accept == other.accept
        and one.is_write == other.is_write
        and one.number == other.number
        and one.follower < 0
        and other.follower < 0
    )


@kernel(borrows=True)
def same_requests(channel: Record, requests: Records, other: Record, others: Records) -> bool:
    """Tell whether the lists of the banks of two channels hold the same requests, which entered in the same order."""
    for busy in range(channel.busy_banks):
        bank, theirs = channel.banks[channel.busy[busy]], other.banks[channel.busy[busy]]
        for place in (QUEUED, READS, WRITES):
            mine_at, their_at = bank.heads[place], theirs.heads[place]
            for _ in range(bank.counts[place]):
                one, two = requests[mine_at], others[their_at]
                if not same_request(one, two):
                    return False
                if one.sequence - channel.accepts != two.sequence - other.accepts:
                    return False
                if place == QUEUED and one.order - channel.moves != two.order - other.moves:
                    return False
                mine_at, their_at = one.next, two.next
    return True


@kernel(inlined=True)
def same_feed(one: Record, other: Record, floor_cycle: int) -> bool:
    """Tell whether two channels are about to be offered the same, at the same time."""
    return bool(
        one.transfer == other.transfer
        and one.row == other.row
        and one.burst == other.burst
        and one.behind == other.behind
        and one.source_turn == other.source_turn
        and (one.offer_cycle == other.offer_cycle or max(one.offer_cycle, other.offer_cycle) <= floor_cycle)
        and (one.cycle == other.cycle or one.may_move + other.may_move == 0)
    )


@kernel(borrows=True)
def same_state(twins: Twins, channels: Records, requests: Table, one: int, other: int, now_cycle: int) -> bool:
    """Tell whether all that two channels do from ``now_cycle`` on is the same, if they are offered the same.

    A limit that ends before the oldest request came holds no command of it back, and is no cause of a lost cycle.
    """
    channel, channel_of_other, layout = channels[one], channels[other], twins.layout[0]
    if not same_words(twins, one, other, 0, twins.controller_rules, now_cycle):
        return False
    floor_cycle = oldest_accept(channel, requests[one], now_cycle)
    if not same_feed(channel, channel_of_other, floor_cycle):
        return False
    for number in range(channel.banks_per_channel):
        first = layout.bank_word + number * twins.bank_rules.shape[0]
        if not same_words(twins, one, other, first, twins.bank_rules, floor_cycle):
            return False
    for number in range(channel.groups_per_channel):
        first = layout.group_word + number * twins.group_rules.shape[0]
        if not same_words(twins, one, other, first, twins.group_rules, floor_cycle):
            return False
    for number in range(channel.rank_count):
        if not same_activates(channel, channel.ranks[number], channel_of_other.ranks[number], floor_cycle):
            return False
    return same_requests(channel, requests[one], channel_of_other, requests[other])


@kernel(inlined=True)
def active_cycles(rank: Record) -> int:
    """Return a count of a rank's active cycles that grows with the clock alone while a bank of it is open."""
    return int(rank.active_cycles - (rank.active_since if rank.open_banks > 0 else 0))


@kernel(borrows=True)
def follow(twins: Twins, channels: Records, leader: int, channel_index: int) -> None:
    """Let a leader in the same state as another follow it, with all that follow it."""
    channel, ahead, place = channels[channel_index], channels[leader], twins.table[channel_index]
    for word in range(COUNTED_WORDS[0], COUNTED_WORDS[1]):
        apart = twins.words[channel_index, word] - twins.words[leader, word]
        for index in range(channels.shape[0]):
            if index != channel_index and twins.table[index].leader == channel_index:
                twins.words[index, word] += apart
        twins.words[channel_index, word] = apart
    for number in range(channel.rank_count):
        rank = channel.ranks[number]
        apart = active_cycles(rank) - active_cycles(ahead.ranks[number])
        for index in range(channels.shape[0]):
            if index != channel_index and twins.table[index].leader == channel_index:
                channels[index].ranks[number].active_cycles += apart
        rank.active_cycles = apart
    twins.table[leader].members += place.members
    for index in range(channels.shape[0]):
        if twins.table[index].leader == channel_index:
            twins.table[index].leader = leader


@kernel(borrows=True)
def copy_words(twins: Twins, leader: int, channel_index: int, first: int, count: int) -> None:
    """Give a channel words of its leader."""
    for word in range(first, first + count):
        twins.words[channel_index, word] = twins.words[leader, word]


@kernel(borrows=True)
def lead_itself(twins: Twins, channels: Records, channel_index: int) -> None:
    """Let a channel that follows another be simulated from here on: it becomes its leader, but for its counts."""
    leader, layout = int(twins.table[channel_index].leader), twins.layout[0]
    channel, ahead = channels[channel_index], channels[leader]
    copy_words(twins, leader, channel_index, 0, COUNTED_WORDS[0])
    for word in range(COUNTED_WORDS[0], COUNTED_WORDS[1]):
        twins.words[channel_index, word] += twins.words[leader, word]
    copy_words(twins, leader, channel_index, COUNTED_WORDS[1], layout.rank_word - COUNTED_WORDS[1])
    rank_words = (layout.group_word - layout.rank_word) // channels[0].ranks.shape[0]
    for number in range(channel.rank_count):
        apart = channel.ranks[number].active_cycles
        copy_words(twins, leader, channel_index, layout.rank_word + number * rank_words, rank_words)
        channel.ranks[number].active_cycles = ahead.ranks[number].active_cycles + apart
    copy_words(twins, leader, channel_index, layout.group_word, twins.group_rules.shape[0] * channel.groups_per_channel)
    copy_words(twins, leader, channel_index, layout.busy_word, channel.banks_per_channel)
    copy_words(twins, leader, channel_index, layout.bank_word, twins.bank_rules.shape[0] * channel.banks_per_channel)
    want_words = (layout.pending_word - layout.want_word) // len(WANTS)
    for row in range(len(WANTS)):
        copy_words(
            twins, leader, channel_index, layout.want_word + row * want_words, (channel.banks_per_channel + 1) // 2
        )
    copy_words(twins, leader, channel_index, layout.pending_word, layout.words - layout.pending_word)
    for word in range(twins.request_words.shape[1]):
        twins.request_words[channel_index, word] = twins.request_words[leader, word]
    twins.table[leader].members -= 1
    place = twins.table[channel_index]
    place.left, place.leader, place.members = leader, channel_index, 1


@kernel(borrows=True)
def follow_another(twins: Twins, channels: Records, channel_index: int, leader: int) -> None:
    """Let a channel that follows one leader follow another, which has just left that leader."""
    before = twins.table[channel_index].leader
    for word in range(COUNTED_WORDS[0], COUNTED_WORDS[1]):
        twins.words[channel_index, word] += twins.words[before, word] - twins.words[leader, word]
    for number in range(channels[leader].rank_count):
        apart = active_cycles(channels[before].ranks[number]) - active_cycles(channels[leader].ranks[number])
        channels[channel_index].ranks[number].active_cycles += apart
    twins.table[before].members -= 1
    twins.table[leader].members += 1
    twins.table[channel_index].leader = leader
