"""Skipping ahead over a steady stream: exact, because the whole state of the channel is seen to come back.

While a transfer streams through one row of each of a few banks, the channel repeats itself: after some bursts its state
is what it was, all times later by one period and all bursts further on by one period. Then so it goes on, until the
stream leaves those rows, a refresh falls due, or the caller's horizon comes: everything up to there is moved in one
step. The state compared is everything a later command could depend on: see docs/model/dram.md.
"""

from typing import Any, NamedTuple

import numpy as np

from simulator._jit import kernel
from simulator.memory.dram_issue_kernel import address_bucket
from simulator.memory.dram_split import place_of
from simulator.memory.dram_state import BANK, CHANNEL, GROUP, NEVER, DramState, Record, Records
from simulator.records import Table, int_fields, table

SAME, SHIFTED, COUNTED = range(3)
"""What a field does in a steady period: stay, move on by the period (or be NEVER), or count on evenly."""

MARK = int_fields(
    "valid",
    "transfer",
    "row",
    "burst",
    "cycle",
    "offer_cycle",
    "look_burst",  # when the channel was last looked at
    "look_cycle",
    "look_interval_cycles",  # from the look before to that one
    "even_bursts",  # bursts offered since intervals began to be equal
    "looks",  # since it was remembered
    "window",  # it is remembered anew after so many looks: 1, 2, 4 ..., so that longer periods are found too
    "skipped_bursts",  # so far
)
"""The last state remembered of a channel. To remember and compare costs a microsecond: both wait for even intervals."""

_SHIFTED = {"next_cycle", "last_column_end", "read_ready", "write_ready"}
_COUNTED = {"reads", "writes", "row_hits", "dual_issues", "column_request", "hits"}
_CHECK_BURSTS = 16
"""A state is looked at every so many bursts, or every round over the banks of a stream if that is more."""


class Shadow(NamedTuple):
    """What the channels looked like at their marks, and their states as 64-bit words."""

    marks: Records  # MARK [channels]
    channel_words: Table  # int64 [channels, words]: a view of the state
    group_words: Table  # int64 [groups, words]
    bank_words: Table  # int64 [banks, words]
    marked_channels: Table  # the same at the mark
    marked_groups: Table
    marked_banks: Table
    marked_bank_records: Records  # a view of the line before
    entries: Table  # int64 [channels, places, 2]: burst and accept cycle of each request under way, place by place
    under_way: Table  # int32 [channels, places]: the requests themselves, listed anew at each look
    channel_rules: Table  # int64 [words]: SAME, SHIFTED or COUNTED
    group_rules: Table
    bank_rules: Table
    shape: Table  # SHAPE, one record


SHAPE = int_fields("check_bursts", "block_bits")
"""Bursts from look to look; address bits of the bursts that lie in one row of their bank (0: nothing is skipped)."""


def new_shadow(state: DramState, split: Any, *, enabled: bool) -> Shadow:  # noqa: ANN401 - a SPLIT record
    """Return the shadow of an idle ``state``; without ``enabled`` nothing is ever skipped."""
    words = [_words(part) for part in (state.channels, state.groups, state.banks)]
    marked = [part.copy() for part in words]
    places = state.waiting.shape[2] * 2 + state.queues.size // state.channels.size
    rows_apart = split.row_bits == 0 or split.row_position > split.column_position
    enabled = enabled and not state.hardware[0].rank_queues  # their order would have to move along
    shape = table(SHAPE, 1)
    shape["check_bursts"] = max(_CHECK_BURSTS, 1 << int(split.column_position))
    shape["block_bits"] = int(split.column_position + split.column_bits) if enabled and rows_apart else 0
    return Shadow(
        marks=table(MARK, state.channels.size).view(np.recarray),
        channel_words=words[0],
        group_words=words[1],
        bank_words=words[2],
        marked_channels=marked[0],
        marked_groups=marked[1],
        marked_banks=marked[2],
        marked_bank_records=marked[2].reshape(-1).view(BANK).view(np.recarray),
        entries=np.zeros((state.channels.size, places, 2), dtype=np.int64),
        under_way=np.zeros((state.channels.size, places), dtype=np.int32),
        channel_rules=_rules(CHANNEL),
        group_rules=_rules(GROUP),
        bank_rules=_rules(BANK),
        shape=shape,
    )


def _words(part: Records) -> Table:
    return np.asarray(part).view(np.int64).reshape(part.size, -1)


def _rules(layout: np.dtype[np.void]) -> Table:
    """Return the rule of every word of ``layout``; narrower fields share words, and none of them may change."""
    rules = np.full(layout.itemsize // 8, SAME, dtype=np.int64)
    for name, (kind, offset) in ((name, part[:2]) for name, part in (layout.fields or {}).items()):
        if kind != np.int64:
            continue
        if name in _COUNTED or name.startswith("lost_") or (layout == BANK and name == "precharge_ready"):
            rules[offset // 8] = COUNTED
        elif name in _SHIFTED and layout != BANK:  # those of a bank are of its row: activates alone move them
            rules[offset // 8] = SHIFTED
    return rules


@kernel(inlined=True)
def same_words(now: Table, marked: Table, rules: Table, first: int, behind: int, period_cycles: int) -> bool:
    """Tell whether the words of the rows from ``first`` to before ``behind`` have done what their rules say."""
    for row in range(first, behind):
        for word in range(now.shape[1]):
            moved = now[row, word] - marked[row, word]
            if rules[word] == SAME and moved != 0:
                return False
            if rules[word] == SHIFTED and moved != period_cycles and (moved != 0 or now[row, word] != NEVER):
                return False
    return True


@kernel(inlined=True)
def bank_is_steady(bank: Record, before: Record, mark_cycle: int, period_cycles: int) -> bool:
    """Tell whether a bank serves hits alone, of a row ready before the mark, its precharge limit in step with them."""
    if bank.want_activate != NEVER or bank.want_precharge != NEVER:
        return False
    if bank.count > 0 and max(bank.read_ready, bank.write_ready) > mark_cycle:
        return False
    moved = bank.precharge_ready - before.precharge_ready
    if bank.hits == before.hits:
        return bool(moved == 0)
    return bool(before.hits > 0 and moved == period_cycles)


@kernel(inlined=True)
def list_requests(shadow: Shadow, state: DramState, channel: int) -> int:
    """List the requests under way: bank queues first, then read queue and write buffer; return how many."""
    listed = 0
    for index in range(state.banks.shape[0]):
        for position in range(state.banks[index].count):
            shadow.under_way[channel, listed] = state.queues[index, position]
            listed += 1
    for position in range(state.channels[0].reads_waiting):
        shadow.under_way[channel, listed] = state.waiting[0, 0, position]
        listed += 1
    for position in range(state.channels[0].writes_waiting):
        shadow.under_way[channel, listed] = state.waiting[0, 1, position]
        listed += 1
    return listed


@kernel(inlined=True)
def copy_words(now: Table, marked: Table, first: int, behind: int) -> None:
    """Remember the words of the rows from ``first`` to before ``behind``."""
    for row in range(first, behind):
        for word in range(now.shape[1]):
            marked[row, word] = now[row, word]


@kernel(inlined=True)
def set_mark(shadow: Shadow, state: DramState, split: Record, feed: Record, channel: int) -> None:
    """Remember the state of a channel."""
    mark = shadow.marks[channel]
    for place in range(list_requests(shadow, state, channel)):
        request = state.requests[shadow.under_way[channel, place]]
        shadow.entries[channel, place, 0] = request.address >> split.burst_bits
        shadow.entries[channel, place, 1] = request.accept
    groups, banks = state.groups.shape[0], state.banks.shape[0]
    copy_words(shadow.channel_words, shadow.marked_channels, channel, channel + 1)
    copy_words(shadow.group_words, shadow.marked_groups, channel * groups, channel * groups + groups)
    copy_words(shadow.bank_words, shadow.marked_banks, channel * banks, channel * banks + banks)
    mark.transfer = feed.transfer
    mark.row = feed.row
    mark.burst = feed.burst
    mark.cycle = state.front[0].cycle
    mark.offer_cycle = state.front[0].offer_cycle
    mark.valid = 1


@kernel(inlined=True)
def is_steady(shadow: Shadow, state: DramState, split: Record, feed: Record, channel: int) -> bool:
    """Tell whether the state is the marked one, one period of time and of bursts later."""
    mark, front = shadow.marks[channel], state.front[0]
    block_bits = shadow.shape[0].block_bits
    same_rows = mark.row == feed.row and mark.burst >> block_bits == feed.burst >> block_bits
    if mark.valid == 0 or mark.transfer != feed.transfer or not same_rows:
        return False
    cycles, bursts = front.cycle - mark.cycle, feed.burst - mark.burst
    if front.offer_cycle != mark.offer_cycle + cycles and (front.offer_cycle != NEVER or mark.offer_cycle != NEVER):
        return False
    if not same_words(shadow.channel_words, shadow.marked_channels, shadow.channel_rules, channel, channel + 1, cycles):
        return False
    if not entries_moved(shadow, state, split, feed, channel, cycles, bursts):
        return False
    groups, banks = state.groups.shape[0], state.banks.shape[0]
    first = channel * groups
    if not same_words(shadow.group_words, shadow.marked_groups, shadow.group_rules, first, first + groups, cycles):
        return False
    first = channel * banks
    if not same_words(shadow.bank_words, shadow.marked_banks, shadow.bank_rules, first, first + banks, cycles):
        return False
    for index in range(banks):
        if not bank_is_steady(state.banks[index], shadow.marked_bank_records[first + index], mark.cycle, cycles):
            return False
    return True


@kernel(inlined=True)
def entries_moved(
    shadow: Shadow, state: DramState, split: Record, feed: Record, channel: int, cycles: int, bursts: int
) -> bool:
    """Tell whether every place has the request that is one period further on, or still the same one of other rows.

    The latter may only wait before a bank that served nothing meanwhile; none of its rows means none of its addresses.
    """
    first_bank = channel * state.banks.shape[0]
    block = feed.burst >> shadow.shape[0].block_bits
    for place in range(list_requests(shadow, state, channel)):
        request = state.requests[shadow.under_way[channel, place]]
        burst = request.address >> split.burst_bits
        before_burst, before_accept = shadow.entries[channel, place, 0], shadow.entries[channel, place, 1]
        served = state.banks[request.bank].hits != shadow.marked_bank_records[first_bank + request.bank].hits
        if burst >> shadow.shape[0].block_bits != block:
            if served or burst != before_burst or request.accept != before_accept:
                return False
        elif (
            burst != before_burst + bursts
            or request.accept != before_accept + cycles
            or request.number != feed.transfer
            or request.follower >= 0
            or not served
        ):
            return False
    return True


@kernel(inlined=True)
def move_words(now: Table, marked: Table, first: int, behind: int, periods: int) -> None:
    """Let every word go on for ``periods`` as it went in the period since the mark."""
    for row in range(first, behind):
        for word in range(now.shape[1]):
            now[row, word] += periods * (now[row, word] - marked[row, word])


@kernel(inlined=True)
def move_requests(shadow: Shadow, state: DramState, split: Record, channel: int, cycles: int, bursts: int) -> None:
    """Let every request of the stream stand for the one ``bursts`` further on."""
    for place in range(list_requests(shadow, state, channel)):
        request = state.requests[shadow.under_way[channel, place]]
        if (request.address >> split.burst_bits) == shadow.entries[channel, place, 0]:
            continue  # it stands still
        state.pending[0, address_bucket(request.address)] -= 1
        request.address += bursts << split.burst_bits
        state.pending[0, address_bucket(request.address)] += 1
        _, _, column = place_of(split, request.address >> split.burst_bits)
        request.column = column
        request.accept += cycles


@kernel(inlined=True)
def runs_evenly(mark: Any, state: DramState, feed: Record) -> bool:  # noqa: ANN401 - a MARK record
    """Tell whether the last bursts, as many as wait, came at an even pace: a cheap sign that a look may be worth it."""
    channel, cycle = state.channels[0], state.front[0].cycle
    interval, bursts = cycle - mark.look_cycle, feed.burst - mark.look_burst
    if interval == mark.look_interval_cycles:
        mark.even_bursts += bursts
    else:
        mark.even_bursts = 0
    mark.look_interval_cycles = interval
    mark.look_cycle = cycle
    mark.look_burst = feed.burst
    return bool(mark.even_bursts > 0 and mark.even_bursts >= channel.reads_waiting + channel.writes_waiting)


@kernel(inlined=True)
def look_again(shadow: Shadow, state: DramState, split: Record, feed: Record, channel: int) -> None:
    """Keep the mark for longer periods, or remember the state anew.

    Cycle finding with windows of doubling length: Brent, "An improved Monte Carlo factorization algorithm", BIT 1980.
    """
    mark = shadow.marks[channel]
    block_bits = shadow.shape[0].block_bits
    elsewhere = mark.transfer != feed.transfer or mark.burst >> block_bits != feed.burst >> block_bits
    if mark.valid == 0 or elsewhere or mark.row != feed.row:
        mark.window = 1
    elif mark.looks < mark.window:
        mark.looks += 1
        return
    else:
        mark.window *= 2
    mark.looks = 1
    set_mark(shadow, state, split, feed, channel)


@kernel(inlined=True)
def skip_ahead(shadow: Shadow, state: DramState, split: Record, feed: Record, channel: int, until_cycle: int) -> int:
    """Move a steady channel on, up to before ``until_cycle``; return how many bursts were offered and served so.

    Stops before the stream leaves its rows, before a refresh falls due and before the caller's horizon: at none of the
    events passed over could anything but the period have happened.
    """
    mark, front = shadow.marks[channel], state.front[0]
    if not runs_evenly(mark, state, feed):
        mark.valid = 0
        return 0
    if not is_steady(shadow, state, split, feed, channel):
        look_again(shadow, state, split, feed, channel)
        return 0
    mark.valid = 0
    cycles, bursts = front.cycle - mark.cycle, feed.burst - mark.burst
    block_end = ((feed.burst >> shadow.shape[0].block_bits) + 1) << shadow.shape[0].block_bits
    last_cycle = min(until_cycle, state.channels[0].refresh_cycle) - 1
    periods = min((min(block_end, feed.behind) - 1 - feed.burst) // bursts, (last_cycle - front.cycle) // cycles)
    if periods <= 0:
        return 0
    groups, banks = state.groups.shape[0], state.banks.shape[0]
    move_words(shadow.channel_words, shadow.marked_channels, channel, channel + 1, periods)
    move_words(shadow.group_words, shadow.marked_groups, channel * groups, channel * groups + groups, periods)
    move_words(shadow.bank_words, shadow.marked_banks, channel * banks, channel * banks + banks, periods)
    move_requests(shadow, state, split, channel, periods * cycles, periods * bursts)
    front.cycle += periods * cycles
    mark.look_cycle, mark.look_burst = front.cycle, feed.burst + periods * bursts
    if front.offer_cycle != NEVER:
        front.offer_cycle += periods * cycles
    feed.burst += periods * bursts
    mark.skipped_bursts += periods * bursts
    return int(periods * bursts)
