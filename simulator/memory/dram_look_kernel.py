"""When a stream is worth a look: the signs of its channel have begun to repeat. Knows neither banks nor requests.

To remember the state of a channel and to compare it costs as much as some bursts, so neither is done before a cheap
sign of the state has been that of a period before, twice in a row.
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
    "due_look",  # the look at which the state is compared: one period after the mark
    "looks",  # so far
    "look_cycle",  # when the channel was last looked at
    "period_looks",  # after which the signs repeat; 0: they do not
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

LONGEST_PERIOD_LOOKS = 32

_SIGN_MASK = (1 << 48) - 1

_FEW_LOOKS = 2

_FEW_FAILURES, _SHORTEST_REST, _LONGEST_REST = 6, 64, 1024
"""Where no state comes back though its sign does, a channel is left alone for longer and longer."""


@kernel(inlined=True)
def mixed(sign: int, number: int) -> int:
    """Return a sign of what ``sign`` says and of one number more."""
    return (sign * 127 + number) & _SIGN_MASK


@kernel(inlined=True)
def sign_of(mark: Record, channel: Record) -> int:
    """Return a number that a channel has again whenever its whole state is the same but for the time and the bursts."""
    sign = mixed(channel.cycle - mark.look_cycle, channel.next_cycle - channel.cycle)
    sign = mixed(mixed(sign, channel.next_bank), channel.turn)
    sign = mixed(mixed(sign, channel.queued), channel.reads_waiting)
    sign = mixed(mixed(sign, channel.writes_waiting), channel.draining)
    if channel.next_bank >= 0:
        bank = channel.banks[unsigned(channel.next_bank)]
        sign = mixed(mixed(sign, bank.counts[QUEUED]), bank.precharge_ready - channel.cycle)
    return int(mixed(sign, channel.offer_cycle == NEVER))


@kernel(borrows=True)
def find_period(signs: Table, looks: int, sign: int) -> int:
    """Return how many looks ago the sign was the same, 0 if never."""
    for period in range(1, min(LONGEST_PERIOD_LOOKS, looks) + 1):
        if signs[(looks - period) % LOOKS_KEPT] == sign:
            return period
    return 0


@kernel(inlined=True)
def look(mark: Record, signs: Table, channel: Record) -> None:
    """Note the sign of a channel, and whether it goes on repeating."""
    sign = sign_of(mark, channel)
    if mark.period_looks > 0 and signs[(mark.looks - mark.period_looks) % LOOKS_KEPT] == sign:
        mark.alike += 1
    else:
        mark.period_looks = find_period(signs, mark.looks, sign)
        mark.alike = 1 if mark.period_looks > 0 else 0
        mark.factor = 1
        mark.valid = 0
    signs[mark.looks % LOOKS_KEPT] = sign
    mark.looks += 1
    mark.look_cycle = channel.cycle


@kernel(inlined=True)
def period_to_try(mark: Record) -> int:
    """Return the looks after which the state may come back, 0 if its signs do not repeat.

    Two looks in a row are sign enough at first; after a failure, a whole period.
    """
    period = int(mark.period_looks * mark.factor)
    enough = period if mark.factor > 1 else min(period, _FEW_LOOKS)
    return period if 0 < enough <= int(mark.alike) else 0


@kernel(inlined=True)
def note_failure(mark: Record) -> None:
    """Take note that a state did not come back with its sign: try a period of twice as many looks, or rest.

    Cycle finding with windows of doubling length: Brent, "An improved Monte Carlo factorization algorithm", BIT 1980.
    """
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
