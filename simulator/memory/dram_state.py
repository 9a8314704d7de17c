"""The state of a DRAM system as record arrays: what the kernels see. Knows no file formats and no policy names.

A channel is one record that holds everything its controller knows, so that a kernel takes a pointer to it and the array
of requests, and nothing else. A request sits in one place at a time: offered (not yet accepted), waiting (the read
queue or the write buffer of its channel), queued (the command queue of its bank), done. Whoever waits or is queued
stands in a list of its bank, oldest first: ``heads``, ``tails`` and ``counts`` by ``READS``, ``WRITES``, ``QUEUED``.
"""

from typing import Any, NamedTuple

import numpy as np

from simulator.memory.dram_config import MOST_BANKS, MOST_GROUPS, MOST_RANKS, DramConfig

NEVER = 1 << 62
"""A cycle that does not come."""

PENDING_BUCKETS = 1024
"""Buckets of the addresses under way in a channel: an empty one says without a search that there is none."""

WANTS_NEVER = (1 << 31) - 1
"""The same in the 32 bits of a row of wants."""

READS, WRITES, QUEUED = range(3)
"""The lists of a bank: its waiting reads (all transactions of a unified queue), its waiting writes, its queue."""

unsigned = np.uintp
"""Makes an index of a number that is never negative there: compiled, the address is computed without asking whether it
counts from the end."""

Records = np.recarray
Record = np.record

_I8 = np.int64
_I4 = np.int32

_HARDWARE_FIELDS = (
    "channels rank_count group_count groups_per_channel banks_per_group banks_per_rank banks_per_channel queue_depth "
    "waiting_depth rank_queues close_page dual_command unified drains_writes write_level hit_limit inject_width "
    "read_delay write_delay burst_cycles refresh_interval refresh_ranks read_read_same read_read_other read_read_rank "
    "read_write read_write_rank write_write_same write_write_other write_write_rank write_read_same write_read_other "
    "write_read_rank read_precharge write_precharge read_auto_activate read_auto_refresh write_auto_activate "
    "activate_read activate_write activate_activate activate_same activate_other activate_precharge "
    "precharge_activate precharge_precharge refresh_activate four_activates thirty_two_activates"
)
_CONTROLLER_FIELDS = (
    "turn next_cycle next_bank may_move draining reads_waiting writes_waiting queued moves accepts busy_banks at_end "
    "writes_pending wants_begin refresh_cycle refreshes_due refresh_rank last_column_end last_column_write "
    "last_column_rank refreshes dual_issues forwarded merged "
    "activates precharges reads writes row_hits "
    "lost_starvation lost_row lost_activation lost_refresh lost_tccd lost_turnaround "
    "held_row held_activation held_refresh held_tccd held_turnaround"
)
COUNTS = tuple(_CONTROLLER_FIELDS[_CONTROLLER_FIELDS.index("activates") :].split())
"""Commands, and idle cycles of the data bus by the constraint that ended last: what an engine gives to its layers.
``held_*`` leave out what passed before the burst's own request could have had a command."""

COUNTS_WORD = _CONTROLLER_FIELDS.split().index(COUNTS[0])
"""The word of a channel at which they begin."""

COUNTED_WORDS = (_CONTROLLER_FIELDS.split().index("refreshes"), len(_CONTROLLER_FIELDS.split()))
"""The words of a channel, from the first to before the last, that are counts and decide nothing."""

_FEED_FIELDS = "cycle offer_cycle transfer row burst behind source_turn free_record column_request logging commands"
_BANK_FIELDS = (
    "open_row hits activate_ready read_ready write_ready precharge_ready refresh_ready group rank closed_by "
    "opened_after read_hit write_hit"
)

HARDWARE = np.dtype([(name, _I8) for name in _HARDWARE_FIELDS.split()])
"""Organisation, policy and every command-to-command distance [cycles]. ``_same``, ``_other``, ``_rank``: to the same
bank group, to another group of the rank, to another rank."""

RANK = np.dtype(
    [
        ("count", _I8),
        ("activations", _I8),
        ("open_banks", _I8),
        ("active_since", _I8),
        ("active_cycles", _I8),
        ("window", _I8, (32,)),
    ]
)
"""``count`` entries in the rank's bank queues; ``window``: the cycles of the last 32 activates, a ring indexed by
``activations``."""

GROUP = np.dtype([(name, _I8) for name in ["activate_ready", "precharge_ready", "read_ready", "write_ready", "rank"]])
"""``*_ready``: limits shared by the banks of a group, those of its rank (tFAW, tPPD) included."""

BANK = np.dtype(
    [(name, _I8) for name in _BANK_FIELDS.split()]
    + [("movable", _I8, (2,)), ("counts", _I8, (3,)), ("heads", _I8, (3,)), ("tails", _I8, (3,))]
)
"""``*_ready``: the first cycle at which this bank's own limits allow a command. ``read_hit``/``write_hit``: the first
queued request that hits the open row, -1 if none; ``movable``: whether a read, a write waits for room that there is."""

COMMAND = np.dtype(
    [("cycle", _I8), ("kind", _I4), ("channel", _I4), ("rank", _I4), ("bank", _I4), ("row", _I4), ("column", _I4)]
)
"""One line of the command log; ``bank`` counts all banks of the system, -1 for a refresh of the whole rank."""

WANTS = ("want_activate", "want_precharge", "want_read", "want_write")
"""Rows of a channel, by bank: the first cycle at which a command may issue if its queue asks for it, counted from
``wants_begin``, else WANTS_NEVER."""

_WANT_PLACES = MOST_BANKS + 32  # no multiple of a memory page: the same place of the four is in four lines of a cache

_CONTROLLER = [(name, _I8) for name in _CONTROLLER_FIELDS.split()] + [("movable", _I8, (2,)), ("mover", _I8, (2,))]
_FEED = [(name, _I8) for name in _FEED_FIELDS.split()]

CHANNEL = np.dtype(
    [
        *_CONTROLLER,
        *((name, _I8) for name in _HARDWARE_FIELDS.split()),
        *_FEED,
        ("issued", COMMAND, (4,)),
        ("ranks", RANK, (MOST_RANKS,)),
        ("groups", GROUP, (MOST_GROUPS,)),
        ("busy", _I8, (MOST_BANKS,)),
        ("banks", BANK, (MOST_BANKS,)),
        *((name, _I4, (_WANT_PLACES,)) for name in WANTS),
        ("pending", _I4, (PENDING_BUCKETS,)),
    ]
)
"""Round-robin turn, next command (cycle and bank, -1 refresh), queues, and counts; then the hardware; then what feeds
the channel: the last cycle simulated, the next at which it can be offered something (NEVER: nothing, or no room), the
transfer being offered, its next row, and the local bursts of the row begun that are still to offer, from ``burst`` to
before ``behind``, the DMA queue served last. ``movable``: banks with a read, a write that waits for room that there
is, ``mover``: the last that became one; ``busy``: the first
``busy_banks`` are the banks with requests, in order; ``at_end``: nothing will be offered any more; ``lost_*``: idle
cycles of the data bus by the constraint that held the next column command last, ``held_*`` those of them in which its
request was there; ``column_request``: the last one
issued, -1 if none; ``issued``: with ``logging``, the ``commands`` of this cycle; ``pending``: how many requests wait or
are queued, by address bucket."""

CONTROLLER_WORDS = len(_CONTROLLER) + 2
"""The first words of a channel: what the controller decides by, and its counts."""

REQUEST = np.dtype(
    [
        ("address", _I8),
        ("arrival", _I8),
        ("accept", _I8),
        ("done", _I8),
        ("order", _I8),
        ("sequence", _I8),
        ("next", _I4),
        ("row", _I4),
        ("column", _I4),
        ("bank", _I4),
        ("channel", _I4),
        ("follower", _I4),
        ("is_write", _I4),
        ("transfer", _I4),
        ("number", _I4),
        ("spare", _I4),
    ]
)
"""``sequence`` counts the requests accepted, ``order`` the moves into queues; ``next``: the one behind it in its list,
-1 at the end; ``bank`` counts within the channel; ``follower`` links reads of one address that share one column
command; ``transfer`` and ``number`` are slot and number of the DMA transfer that a request belongs to, if any."""

FRONT = np.dtype(
    [
        *((name, _I8) for name in ("next_request", "requests", "closed", "cycle", "offer_cycle")),
        *((name, _I8) for name in ("refresh_cycle", "logged")),
    ]
)
"""The in-order front end of a trace, for all channels. ``closed``: no request will be added; ``cycle``: the last one
simulated; ``offer_cycle``: the next at which a request can be offered (NEVER: none, or no room); ``refresh_cycle``: the
next at which a refresh of any channel falls due."""


class DramState(NamedTuple):
    """Everything a trace's kernels need: records only, so that a state can be copied, hashed and advanced in steps."""

    channels: Records
    requests: Records
    front: Records
    log: Records
    work: Any  # int64 [channels]: see simulator.memory.dram_kernel.work_cycle


def records(count: int, dtype: np.dtype[np.void]) -> Records:
    """Return ``count`` zeroed records of ``dtype`` with attribute access, compiled or not.

    Examples
    --------
    >>> records(2, GROUP)[1].read_ready
    np.int64(0)
    """
    return np.zeros(count, dtype=dtype).view(np.recarray)


def hardware_records(config: DramConfig, *, drain_writes: bool) -> Records:
    """Return the one HARDWARE record of ``config``: its counts, its policy and its command distances [cycles]."""
    organization, timing, policy = config.organization, config.timing, config.policy
    hardware = records(1, HARDWARE)
    values = {
        "channels": organization.channels,
        "rank_count": organization.ranks,
        "group_count": organization.bank_groups,
        "groups_per_channel": organization.bank_groups * organization.ranks,
        "banks_per_group": organization.banks_per_group,
        "banks_per_rank": organization.banks_per_rank,
        "banks_per_channel": organization.banks_per_rank * organization.ranks,
        "queue_depth": policy.command_queue_entries,
        "waiting_depth": policy.transaction_queue_entries,
        "rank_queues": int(policy.command_queues == "rank"),
        "close_page": int(policy.page == "close"),
        "dual_command": int(policy.dual_command),
        "unified": int(policy.unified_queue),
        "drains_writes": int(drain_writes),
        "write_level": policy.write_low_level,
        "hit_limit": policy.row_hit_limit,
        "inject_width": config.inject_width,
        "burst_cycles": organization.burst_cycles,
        **timing.refresh_intervals(organization.ranks, policy.refresh),
        **timing.distances(organization),
    }
    for name, value in values.items():
        hardware[name] = value
    return hardware


def new_channels(config: DramConfig, count: int, *, drain_writes: bool) -> Records:
    """Return ``count`` idle CHANNEL records of ``config`` at cycle 0: every bank closed, every queue empty."""
    hardware = hardware_records(config, drain_writes=drain_writes)
    shape: Any = hardware[0]
    channels = records(count, CHANNEL)
    for name in HARDWARE.names or ():
        channels[name] = hardware[name][0]
    index = np.arange(int(shape.banks_per_channel))
    banks = channels["banks"][:, : index.size]
    for name in ("open_row", "read_hit", "write_hit", "heads", "tails"):
        banks[name] = -1
    for name in WANTS:
        channels[name] = WANTS_NEVER
    banks["rank"] = index // shape.banks_per_rank
    banks["group"] = index // shape.banks_per_group
    groups = np.arange(int(shape.groups_per_channel))
    channels["groups"]["rank"][:, : groups.size] = groups // shape.group_count
    channels["next_cycle"] = channels["offer_cycle"] = NEVER
    channels["refresh_cycle"] = shape.refresh_interval
    channels["last_column_rank"] = channels["column_request"] = channels["cycle"] = -1
    return channels


def new_state(config: DramConfig, requests: Records, *, drain_writes: bool, log_entries: int = 0) -> DramState:
    """Return the state of a trace's system at cycle 0, ``requests`` not yet offered."""
    channels = new_channels(config, config.organization.channels, drain_writes=drain_writes)
    channels["logging"] = int(log_entries > 0)
    front = records(1, FRONT)
    front.requests = requests.size
    front.closed = 1
    front.cycle = -1
    return DramState(
        channels=channels,
        requests=requests,
        front=front,
        log=records(log_entries, COMMAND),
        work=np.zeros(channels.size, dtype=np.int64),
    )
