"""The state of a DRAM system as record arrays: what the kernels see. Knows no file formats and no policy names.

One row per channel, rank, bank group and bank; channels come first, so that the banks of channel ``c`` are rows
``c * banks_per_channel`` and up. A request sits in one place at a time: offered (not yet accepted), waiting (the
read queue or the write buffer of its channel), queued (the command queue of its bank), done.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.memory.dram_config import DramConfig

NEVER = 1 << 62
"""A cycle that does not come."""

PENDING_BUCKETS = 1024
"""Buckets of the addresses under way in a channel: an empty one says without a search that there is none."""

Records = np.recarray
Record = np.record

_I8 = np.int64
_I4 = np.int32

_HARDWARE_FIELDS = (
    "channels ranks groups groups_per_channel banks_per_group banks_per_rank banks_per_channel queue_depth "
    "waiting_depth rank_queues close_page dual_command unified drains_writes write_level hit_limit inject_width "
    "read_delay write_delay burst refresh_interval refresh_ranks read_read_same read_read_other read_read_rank "
    "read_write read_write_rank write_write_same write_write_other write_write_rank write_read_same write_read_other "
    "write_read_rank read_precharge write_precharge read_auto_activate read_auto_refresh write_auto_activate "
    "activate_read activate_write activate_activate activate_same activate_other activate_precharge "
    "precharge_activate precharge_precharge refresh_activate four_activates thirty_two_activates"
)
_CHANNEL_FIELDS = (
    "turn next_cycle next_bank may_move reads_checked writes_checked reads_room writes_room draining "
    "reads_waiting writes_waiting queued moves "
    "writes_pending refresh_cycle refreshes_due refresh_rank last_column_end last_column_write "
    "last_column_rank activates precharges reads writes refreshes dual_issues row_hits forwarded merged "
    "lost_starvation lost_row lost_activation lost_refresh lost_tccd lost_turnaround column_request"
)

HARDWARE = np.dtype([(name, _I8) for name in _HARDWARE_FIELDS.split()])
"""Organisation, policy and every command-to-command distance [cycles]. ``_same``, ``_other``, ``_rank``: to the same
bank group, to another group of the rank, to another rank."""

CHANNEL = np.dtype([(name, _I8) for name in _CHANNEL_FIELDS.split()])
"""Round-robin turn, next command (cycle and bank row, -1 refresh), queues, and counts. ``*_checked``: so many of the
first waiting transactions are known to find the queue of their bank full, but for the bank ``*_room`` (-1: none).
``lost_*`` are idle cycles of
the data bus by the constraint that held the next column command last. ``column_request``: the last one issued."""

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

GROUP = np.dtype([(name, _I8) for name in ("activate_ready", "precharge_ready", "read_ready", "write_ready", "rank")])
"""Limits shared by the banks of a group, those of its rank (tFAW, tPPD) included [cycles]."""

BANK = np.dtype(
    [
        ("want_activate", _I8),
        ("want_precharge", _I8),
        ("want_read", _I8),
        ("want_write", _I8),
        ("group", _I4),
        ("rank", _I4),
        ("count", _I4),
        ("read_hit", _I4),
        ("write_hit", _I4),
        ("first_group", _I4),
        ("closed_by", _I4),
        ("opened_after", _I4),
        ("open_row", _I8),
        ("hits", _I8),
        ("activate_ready", _I8),
        ("read_ready", _I8),
        ("write_ready", _I8),
        ("precharge_ready", _I8),
        ("refresh_ready", _I8),
    ]
)
"""``*_ready``: the first cycle at which this bank's own limits allow a command; ``want_*``: the same if the bank's
queue asks for that command now, else NEVER. ``read_hit``/``write_hit``: queue position of the first entry that hits the
open row, -1 if none; ``group`` and ``first_group``: rows of the group array, its own and the first of its channel."""

REQUEST = np.dtype(
    [
        ("address", _I8),
        ("arrival", _I8),
        ("accept", _I8),
        ("done", _I8),
        ("order", _I8),
        ("row", _I4),
        ("column", _I4),
        ("bank", _I4),
        ("channel", _I4),
        ("follower", _I4),
        ("is_write", _I4),
        ("transfer", _I4),
        ("number", _I4),
    ]
)
"""``order`` counts moves into queues of ranks; ``bank`` is a row of the bank array; ``follower`` links reads of one
address that share one column command; ``transfer`` and ``number`` are slot and number of the DMA transfer that a
request belongs to, if any."""

FRONT = np.dtype(
    [("next_request", _I8), ("requests", _I8), ("closed", _I8), ("cycle", _I8), ("offer_cycle", _I8), ("logged", _I8)]
)
"""The in-order front end. ``closed``: no request will be added; ``cycle``: the last one simulated;
``offer_cycle``: the next at which a request can be offered (NEVER: none, or no room)."""

COMMAND = np.dtype(
    [("cycle", _I8), ("kind", _I4), ("channel", _I4), ("rank", _I4), ("bank", _I4), ("row", _I4), ("column", _I4)]
)
"""One line of the command log; ``bank`` is the row of the bank array, -1 for a refresh of the whole rank."""


class DramState(NamedTuple):
    """Everything a kernel needs: records only, so that a state can be copied, hashed and advanced in steps."""

    hardware: Records
    channels: Records
    ranks: Records
    groups: Records
    banks: Records
    queues: npt.NDArray[np.int32]
    """Request ids per bank [bank, position], oldest first."""
    waiting: npt.NDArray[np.int32]
    """Request ids per channel [channel, 0 read queue | 1 write buffer, position], oldest first."""
    pending: npt.NDArray[np.int32]
    """How many requests wait or are queued, per channel and :func:`address_bucket` [channel, bucket]."""
    requests: Records
    front: Records
    log: Records


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
        "ranks": organization.ranks,
        "groups": organization.bank_groups,
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
        "burst": organization.burst_cycles,
        **timing.refresh_intervals(organization.ranks, policy.refresh),
        **timing.distances(organization),
    }
    for name, value in values.items():
        hardware[name] = value
    return hardware


def new_state(config: DramConfig, requests: Records, *, drain_writes: bool, log_entries: int = 0) -> DramState:
    """Return the state at cycle 0: every bank closed, every queue empty, ``requests`` not yet offered."""
    hardware = hardware_records(config, drain_writes=drain_writes)
    shape = hardware[0]
    banks = records(int(shape.channels * shape.banks_per_channel), BANK)
    banks.open_row = banks.read_hit = banks.write_hit = -1
    for name in ("want_activate", "want_precharge", "want_read", "want_write"):
        banks[name] = NEVER
    index = np.arange(banks.size)
    banks.rank = index // shape.banks_per_rank
    banks.group = index // shape.banks_per_group
    banks.first_group = index // shape.banks_per_channel * shape.groups_per_channel
    groups = records(int(shape.channels * shape.groups_per_channel), GROUP)
    groups.rank = np.arange(groups.size) // shape.groups
    channels = records(int(shape.channels), CHANNEL)
    channels.next_cycle = NEVER
    channels.refresh_cycle = shape.refresh_interval
    channels.last_column_rank = channels.reads_room = channels.writes_room = -1
    front = records(1, FRONT)
    front.requests = requests.size
    front.closed = 1
    front.cycle = -1
    return DramState(
        hardware=hardware,
        channels=channels,
        ranks=records(int(shape.channels * shape.ranks), RANK),
        groups=groups,
        banks=banks,
        queues=np.full((banks.size, int(shape.queue_depth)), -1, dtype=np.int32),
        waiting=np.full((channels.size, 2, int(shape.waiting_depth)), -1, dtype=np.int32),
        pending=np.zeros((channels.size, PENDING_BUCKETS), dtype=np.int32),
        requests=requests,
        front=front,
        log=records(log_entries, COMMAND),
    )
