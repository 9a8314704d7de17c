"""When a stream is worth a look: the signs of its channel have begun to repeat. Knows no requests.

To remember the state of a channel and to compare it costs as much as some bursts, so neither is done before a cheap
sign of the state has been that of a period before, twice in a row, or the channel looks as in the period that came back
last.
"""

from simulator._jit import kernel
from simulator.memory.dram_state import NEVER, QUEUED, Record, unsigned
from simulator.records import Table, int_fields

MARK = int_fields(
    "valid",
    "transfer",
    "row",
    "burst",
    "cycle",
    "offer_cycle",
    "old_accept",  # a request accepted by this cycle could have had its command before: how long before says nothing
    "under_way",  # requests, when the state was compared last
    "quiet_cycle",  # the channel completes no transfer up to here, whatever else is submitted
    "first_accept",  # of the requests that the period moves on, when the first was accepted
    "marked_look",  # the look after which the state was remembered
    "due_look",  # the look at which the state is compared: one period after the mark
    "looks",  # so far
    "look_cycle",  # when the channel was last looked at
    "period_looks",  # after which the signs repeat; 0: they do not
    "known_looks",  # the period of the state that came back last
    "is_known",  # whether the channel looks as it did in that period
    "marked_as_known",  # whether that is why its state is remembered
    "alike",  # looks in a row whose sign was that of a period before
    "factor",  # the period tried is so many times that of the signs: 1, 2, 4 ...
    "skipped_bursts",  # so far
    "failures",  # comparisons in a row that failed
    "rest_looks",  # looks left out from here on
    "next_rest_looks",  # and after the failures to come
)
"""The last state remembered of a channel, and its looks."""

LOOKS_KEPT = 64
"""Signs kept of a channel: the ring of the longest period, and of the one before."""

SIGNS, LIKENESSES, KNOWN = range(3)
"""What is kept of a channel: the signs of its last looks, the same but for the banks, those of its last period."""

LONGEST_PERIOD_LOOKS = 32

_WEIGHTS = (
    *(0x1F83D9ABFB3, 0x15BE0CD1917, 0x1BB67AE8585, 0x13C6EF372FF, 0x1A54FF53A5F, 0x110E527FADF, 0x19B05688C2B),
    *(0x1D1310BA699, 0x18DFB5AC98D, 0x1C97C50DD3F, 0x1F728EB6587),
)
"""What is part of a sign counts by a weight of its own: odd, and so large that parts do not add up to others."""

_LONGEST = 1 << 16
"""A wait counts as no longer than this [cycles]: no sign is beyond 64 bits."""

_FEW_LOOKS = 2

_FEW_FAILURES, _SHORTEST_REST, _LONGEST_REST = 6, 64, 1024
"""Where no state comes back though its sign does, a channel is left alone for longer and longer."""


@kernel(inlined=True)
def likeness_of(mark: Record, channel: Record) -> int:
    """Return a number that a channel has again when it goes on in other banks and rows as it did before."""
    likeness = min(channel.cycle - mark.look_cycle, _LONGEST) * _WEIGHTS[0]
    likeness += min(channel.next_cycle - channel.cycle, _LONGEST) * _WEIGHTS[1]
    likeness += (channel.next_bank - channel.turn) * _WEIGHTS[2]
    likeness += channel.reads_waiting * _WEIGHTS[3] + channel.writes_waiting * _WEIGHTS[4]
    likeness += channel.draining * _WEIGHTS[5]
    if channel.offer_cycle == NEVER:
        likeness += _WEIGHTS[6]
    if channel.next_bank >= 0:
        bank = channel.banks[unsigned(channel.next_bank)]
        likeness += bank.counts[QUEUED] * _WEIGHTS[7]
        likeness += max(bank.precharge_ready - channel.cycle, -_LONGEST) * _WEIGHTS[8]
    return int(likeness)


@kernel(inlined=True)
def sign_of(likeness: int, channel: Record) -> int:
    """Return a number that a channel has again whenever its whole state is the same but for the time and the bursts."""
    return int(likeness + channel.turn * _WEIGHTS[9] + channel.queued * _WEIGHTS[10])


@kernel(inlined=True)
def find_period(signs: Table, looks: int, sign: int) -> int:
    """Return how many looks ago the sign was the same, 0 if never.

    All that are kept are read side by side: that is cheaper than to stop at the first.
    """
    longest = min(LONGEST_PERIOD_LOOKS, looks)
    nearest = LOOKS_KEPT
    for place in range(LOOKS_KEPT):
        ago = ((looks - 1 - place) & (LOOKS_KEPT - 1)) + 1
        nearest = min(nearest, ago if signs[SIGNS, place] == sign else LOOKS_KEPT)
    return int(nearest if nearest <= longest else 0)


@kernel(borrows=True)
def keep_period(mark: Record, signs: Table) -> None:
    """Keep what a channel looked like in the period that has just been seen to come back."""
    known_looks = min(int(mark.looks - mark.marked_look), LONGEST_PERIOD_LOOKS)
    mark.known_looks = known_looks
    for ago in range(1, known_looks + 1):
        signs[KNOWN, ago] = signs[LIKENESSES, unsigned((mark.looks - ago) & (LOOKS_KEPT - 1))]


@kernel(inlined=True)
def is_known(mark: Record, signs: Table, likeness: int) -> bool:
    """Tell whether the channel looks as at some time of the period that came back last."""
    known = False
    for ago in range(1, mark.known_looks + 1):
        known |= signs[KNOWN, ago] == likeness
    return bool(known)


@kernel(inlined=True)
def look(mark: Record, signs: Table, channel: Record) -> None:
    """Note the signs of a channel, and whether they go on repeating."""
    likeness = likeness_of(mark, channel)
    sign = sign_of(likeness, channel)
    place = mark.looks & (LOOKS_KEPT - 1)
    mark.is_known = is_known(mark, signs, likeness)
    period = mark.period_looks
    if period > 0 and signs[SIGNS, unsigned((mark.looks - period) & (LOOKS_KEPT - 1))] == sign:
        mark.alike += 1
    else:
        mark.period_looks = find_period(signs, mark.looks, sign)
        mark.alike = 1 if mark.period_looks > 0 else 0
        mark.factor = 1
        mark.valid &= mark.marked_as_known
    if mark.marked_as_known and not mark.is_known:
        mark.valid = 0
    signs[SIGNS, unsigned(place)] = sign
    signs[LIKENESSES, unsigned(place)] = likeness
    mark.looks += 1
    mark.look_cycle = channel.cycle


@kernel(inlined=True)
def period_to_try(mark: Record) -> int:
    """Return the looks after which the state may come back, 0 if nothing says that it does.

    Looks that are known are sign enough; of others two in a row that repeat; after a failure, a whole period.
    """
    if mark.is_known and mark.factor == 1:
        return int(mark.known_looks)
    period = int(mark.period_looks * mark.factor)
    enough = period if mark.factor > 1 else min(period, _FEW_LOOKS)
    return period if 0 < enough <= int(mark.alike) else 0


@kernel(inlined=True)
def note_failure(mark: Record) -> None:
    """Take note that a state did not come back with its sign: try a period of twice as many looks, or rest.

    Cycle finding with windows of doubling length: Brent, "An improved Monte Carlo factorization algorithm", BIT 1980.
    """
    mark.known_looks = mark.is_known = 0
    factor, failures = int(2 * mark.factor), int(mark.failures + 1)
    mark.factor, mark.failures = factor, failures
    if failures >= _FEW_FAILURES or mark.period_looks * factor > LOOKS_KEPT:
        mark.rest_looks = mark.next_rest_looks = min(max(_SHORTEST_REST, 2 * mark.next_rest_looks), _LONGEST_REST)
        mark.failures = mark.period_looks = mark.alike = 0


@kernel(inlined=True)
def note_success(mark: Record) -> None:
    """Take note that a state came back: look on as eagerly as at first."""
    mark.failures = mark.next_rest_looks = 0
    mark.factor = 1
