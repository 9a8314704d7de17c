"""Skipping ahead over a steady stream: exact, because the whole state of the channel is seen to come back.

While a transfer streams through one row of each of a few banks, the channel repeats itself: after some bursts its state
is what it was, all times later by one period and all bursts further on by one period. Then so it goes on, until the
stream leaves those rows, a refresh falls due, or the caller's horizon comes: everything up to there is moved in one
step. The state compared is everything a later command could depend on: see docs/model/dram.md.
"""

from simulator._jit import kernel
from simulator.memory.dram_look_kernel import keep_period, look, note_failure, note_success, period_to_try
from simulator.memory.dram_queue_kernel import address_bucket
from simulator.memory.dram_shadow import ACCEPTS_KEPT, Shadow
from simulator.memory.dram_split import place_of
from simulator.memory.dram_state import NEVER, QUEUED, READS, WANTS_NEVER, WRITES, Record, Records, unsigned
from simulator.memory.dram_wants_kernel import renew_wants
from simulator.records import Table

_FEWEST_LOOKS_LEFT = 4
"""A stream about to leave its rows is not looked at any more."""


@kernel(borrows=True)
def same_words(now: Table, marked: Table, masks: Table, first: int, period_cycles: int) -> bool:
    """Tell whether the words from ``first`` on, one for each column of ``masks``, have done what the rules say."""
    compared, shifted = masks[0], masks[1]
    wrong = 0
    for word in range(masks.shape[1]):
        at = unsigned(first + word)
        wrong |= (now[at] - marked[at] - (period_cycles & shifted[word])) & compared[word]
    return wrong == 0


@kernel(inlined=True)
def bank_is_steady(channel: Record, number: int, before: Record, mark_cycle: int, period_cycles: int) -> bool:
    """Tell whether a bank serves hits alone, of a row ready before the mark, its precharge limit in step with them."""
    bank = channel.banks[number]
    if channel.want_activate[number] != WANTS_NEVER or channel.want_precharge[number] != WANTS_NEVER:
        return False
    if bank.counts[QUEUED] > 0 and max(bank.read_ready, bank.write_ready) > mark_cycle:
        return False
    moved = bank.precharge_ready - before.precharge_ready
    if bank.hits == before.hits:
        return bool(moved == 0)
    return bool(before.hits > 0 and moved == period_cycles)


@kernel(inlined=True)
def list_requests(under_way: Table, channel: Record, requests: Records) -> int:
    """List the requests under way, bank by bank: its queue, its waiting reads and writes; return how many."""
    listed = 0
    for busy in range(channel.busy_banks):
        bank = channel.banks[channel.busy[busy]]
        for place in (QUEUED, READS, WRITES):
            at = bank.heads[place]
            for _ in range(bank.counts[place]):
                under_way[listed] = at
                listed += 1
                at = requests[at].next
    return listed


@kernel(inlined=True)
def old_accept(channel: Record) -> int:
    """Return a cycle such that of a request accepted by then, no later command depends on when it was.

    It is held against the limits of its bank group and, where it is blamed for idle cycles of the bus, against the
    last burst (:func:`simulator.memory.dram_timing_kernel.charge_lost_cycles`). Both lie after the last column command,
    whose cycle this is or one before, but for the two cycles in which a request is taken.
    """
    return int(channel.last_column_end + channel.burst_cycles - max(channel.read_delay, channel.write_delay) - 2)


@kernel(borrows=True)
def set_mark(shadow: Shadow, channel: Record, requests: Records, split: Record, index: int) -> None:
    """Remember the state of a channel."""
    mark, shape, under_way = shadow.marks[index], shadow.shape[0], shadow.under_way[index]
    for place in range(list_requests(under_way, channel, requests)):
        request = requests[under_way[place]]
        shadow.entries[index, place, 0] = request.address >> split.burst_bits
        shadow.entries[index, place, 1] = request.accept
    now, marked = shadow.words[index], shadow.marked_words[index]
    copy_words(now, marked, 0, shadow.controller_masks.shape[1])
    copy_words(now, marked, shape.group_word, shadow.group_masks.shape[1])
    copy_words(now, marked, shape.bank_word, shadow.bank_masks.shape[1])
    mark.transfer = channel.transfer
    mark.row = channel.row
    mark.burst = channel.burst
    mark.cycle = channel.cycle
    mark.offer_cycle = channel.offer_cycle
    mark.old_accept = old_accept(channel)
    mark.valid = 1


@kernel(inlined=True)
def both_old(mark: Record, before_accept: int, accept: int, period_cycles: int) -> bool:
    """Tell whether two requests, one at the mark and one a period later, came so long ago that it says nothing."""
    return bool(before_accept <= mark.old_accept and accept <= mark.old_accept + period_cycles)


@kernel(inlined=True)
def entries_moved(shadow: Shadow, channel: Record, requests: Records, split: Record, index: int) -> bool:
    """Tell whether every place has the request that is one period further on, or still the same one of other rows.

    The first was accepted one period later than the one before, or both long ago. The latter may only wait before a
    bank that served nothing meanwhile; none of its rows means none of its addresses.
    """
    mark, block_bits, under_way = shadow.marks[index], shadow.shape[0].block_bits, shadow.under_way[index]
    cycles, bursts = channel.cycle - mark.cycle, channel.burst - mark.burst
    block = channel.burst >> block_bits
    mark.first_accept = NEVER
    mark.under_way = list_requests(under_way, channel, requests)
    for place in range(mark.under_way):
        request = requests[under_way[place]]
        burst = request.address >> split.burst_bits
        before_burst, before_accept = shadow.entries[index, place, 0], shadow.entries[index, place, 1]
        served = channel.banks[request.bank].hits != shadow.marked[index].banks[request.bank].hits
        if burst >> block_bits != block:
            if served or burst != before_burst or request.accept != before_accept:
                return False
        elif (
            burst != before_burst + bursts
            or (request.accept != before_accept + cycles and not both_old(mark, before_accept, request.accept, cycles))
            or request.number != channel.transfer
            or request.follower >= 0
            or not served
            or channel.burst - burst >= ACCEPTS_KEPT
        ):
            return False
        else:
            mark.first_accept = min(mark.first_accept, request.accept)
    return True


@kernel(borrows=True)
def is_steady(shadow: Shadow, channel: Record, requests: Records, split: Record, index: int) -> bool:
    """Tell whether the state is the marked one, one period of time and of bursts later."""
    mark, shape = shadow.marks[index], shadow.shape[0]
    same_rows = mark.row == channel.row and mark.burst >> shape.block_bits == channel.burst >> shape.block_bits
    if mark.transfer != channel.transfer or not same_rows:
        return False
    cycles = channel.cycle - mark.cycle
    if channel.offer_cycle != mark.offer_cycle + cycles and (channel.offer_cycle != NEVER or mark.offer_cycle != NEVER):
        return False
    now, marked = shadow.words[index], shadow.marked_words[index]
    if not same_words(now, marked, shadow.controller_masks, 0, cycles):
        return False
    if not same_words(now, marked, shadow.group_masks, shape.group_word, cycles):
        return False
    if not same_words(now, marked, shadow.bank_masks, shape.bank_word, cycles):
        return False
    for number in range(channel.banks_per_channel):
        if not bank_is_steady(channel, number, shadow.marked[index].banks[number], mark.cycle, cycles):
            return False
    return entries_moved(shadow, channel, requests, split, index)


@kernel(borrows=True)
def move_words(now: Table, marked: Table, masks: Table, first: int, periods: int) -> None:
    """Let the words from ``first`` on, as many as there are masks, go on for ``periods`` as in the period since."""
    moving = masks[2]
    for word in range(masks.shape[1]):
        at = unsigned(first + word)
        now[at] += periods * ((now[at] - marked[at]) & moving[word])


@kernel(borrows=True)
def copy_words(now: Table, marked: Table, first: int, words: int) -> None:
    """Remember words."""
    for word in range(first, first + words):
        marked[unsigned(word)] = now[unsigned(word)]


@kernel(inlined=True)
def accept_of(shadow: Shadow, channel: Record, index: int, burst: int) -> int:
    """Return when a burst of the stream is accepted: one yet to be offered, as many periods after one that was."""
    mark = shadow.marks[index]
    bursts = channel.burst - mark.burst
    periods = max(0, (burst - channel.burst) // bursts + 1)
    accept = shadow.accepts[index, (burst - periods * bursts) % ACCEPTS_KEPT]
    return int(accept + periods * (channel.cycle - mark.cycle))


@kernel(inlined=True)
def move_requests(shadow: Shadow, channel: Record, requests: Records, split: Record, index: int, periods: int) -> None:
    """Let every request of the stream stand for the one that is ``periods`` further on."""
    mark, under_way, block_bits = shadow.marks[index], shadow.under_way[index], shadow.shape[0].block_bits
    bursts = periods * (channel.burst - mark.burst)
    for place in range(mark.under_way):
        request = requests[under_way[place]]
        if (request.address >> split.burst_bits) == shadow.entries[index, place, 0]:
            continue  # it stands still
        channel.pending[address_bucket(request.address)] -= 1
        request.address += bursts << split.burst_bits
        channel.pending[address_bucket(request.address)] += 1
        _, _, column = place_of(split, request.address >> split.burst_bits)
        request.column = column
        request.accept = accept_of(shadow, channel, index, request.address >> split.burst_bits)
    for place in range(mark.under_way):  # only now: until here the ring was looked up
        request = requests[under_way[place]]
        burst = request.address >> split.burst_bits
        if burst >> block_bits == channel.burst >> block_bits:
            shadow.accepts[index, burst % ACCEPTS_KEPT] = request.accept


@kernel(borrows=True)
def move_on(shadow: Shadow, channel: Record, requests: Records, split: Record, index: int, periods: int) -> None:
    """Let everything in a steady channel go on for ``periods``."""
    mark, shape = shadow.marks[index], shadow.shape[0]
    cycles, bursts = periods * (channel.cycle - mark.cycle), periods * (channel.burst - mark.burst)
    now, marked = shadow.words[index], shadow.marked_words[index]
    move_words(now, marked, shadow.controller_masks, 0, periods)
    move_words(now, marked, shadow.group_masks, shape.group_word, periods)
    move_words(now, marked, shadow.bank_masks, shape.bank_word, periods)
    renew_wants(channel)
    move_requests(shadow, channel, requests, split, index, periods)
    channel.cycle += cycles
    channel.burst += bursts
    if channel.offer_cycle != NEVER:
        channel.offer_cycle += cycles
    mark.look_cycle = channel.cycle
    mark.skipped_bursts += bursts


@kernel(inlined=True)
def bursts_left(shadow: Shadow, channel: Record) -> int:
    """Return how many bursts the stream has yet to offer in its rows."""
    block_bits = shadow.shape[0].block_bits
    row_end = ((channel.burst >> block_bits) + 1) << block_bits
    return int(min(row_end, channel.behind) - channel.burst)


@kernel(inlined=True)
def move_while_steady(
    shadow: Shadow, channel: Record, requests: Records, split: Record, index: int, until_cycle: int
) -> int:
    """Move a steady channel on for as many periods as end before ``until_cycle``; return the bursts.

    No more than end in its rows and before a refresh falls due: so far it is known that it completes no transfer. Those
    whose requests stand still are not served, that of the stream has bursts left, and what is submitted lines up
    behind it.
    """
    mark = shadow.marks[index]
    cycles, bursts = channel.cycle - mark.cycle, channel.burst - mark.burst
    periods = min((bursts_left(shadow, channel) - 1) // bursts, (channel.refresh_cycle - 1 - channel.cycle) // cycles)
    mark.quiet_cycle = channel.cycle + max(periods, 0) * cycles
    periods = min(periods, (until_cycle - 1 - channel.cycle) // cycles)
    if periods <= 0:
        return 0
    move_on(shadow, channel, requests, split, index, periods)
    return int(periods * bursts)


@kernel(inlined=True)
def serves_other_rows(shadow: Shadow, channel: Record, requests: Records, split: Record) -> bool:
    """Tell whether the next column command is for a burst of other rows than those being offered: not yet steady."""
    if channel.next_bank < 0:
        return False
    bank = channel.banks[unsigned(channel.next_bank)]
    hit = max(bank.read_hit, bank.write_hit)
    if hit < 0:
        return False
    block = requests[unsigned(hit)].address >> (split.burst_bits + shadow.shape[0].block_bits)
    return bool(block != channel.burst >> shadow.shape[0].block_bits)


@kernel(borrows=True)
def skip_ahead(shadow: Shadow, channel: Record, requests: Records, split: Record, index: int, until_cycle: int) -> int:
    """Move a steady channel on, up to before ``until_cycle``; return how many bursts were offered and served so.

    Stops before the stream leaves its rows, before a refresh falls due and before the caller's horizon: at none of the
    events passed over could anything but the period have happened.
    """
    mark, check_bursts = shadow.marks[index], shadow.shape[0].check_bursts
    if bursts_left(shadow, channel) < _FEWEST_LOOKS_LEFT * check_bursts:
        return 0
    if mark.rest_looks > 0:
        mark.rest_looks -= 1
        return 0
    look(mark, shadow.signs[index], channel)
    if serves_other_rows(shadow, channel, requests, split):
        mark.valid = mark.alike = 0
        return 0
    skipped = 0
    if mark.valid:
        if mark.looks < mark.due_look:
            return 0
        mark.valid = 0
        if is_steady(shadow, channel, requests, split, index):
            note_success(mark)
            keep_period(mark, shadow.signs[index])
            skipped = move_while_steady(shadow, channel, requests, split, index, until_cycle)
        else:
            note_failure(mark)
    period = period_to_try(mark)
    if 0 < 2 * period * check_bursts <= bursts_left(shadow, channel):
        set_mark(shadow, channel, requests, split, index)
        mark.marked_look, mark.due_look = mark.looks, mark.looks + period
        mark.marked_as_known = mark.is_known
    return skipped
