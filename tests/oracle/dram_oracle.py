"""A DRAM system that steps every clock with plain objects: slow and obvious, written from the description of the
hardware and of its controller, never from the kernels. Also a checker that reads a command log alone.

The hardware is a table of minimum distances between two commands, by where they go (same bank, same bank group, same
rank, another rank); a command may issue when every earlier command is far enough in the past. The oracle remembers
every command and asks that question anew in every clock.
"""

from dataclasses import dataclass, field

WINDOWED = "ACT"


@dataclass(frozen=True)
class Place:
    rank: int
    group: int
    bank: int

    def distance_name(self, other):
        if self.rank != other.rank:
            return "rank"
        if self.group != other.group:
            return "other"
        return "same" if self.bank != other.bank else "bank"


def timing_table(config):
    """Return {(earlier, later, where): cycles}; where is bank, same (group), other (group), rank. From JEDEC terms."""
    timing, organization = config.timing, config.organization
    burst = organization.burst_cycles
    reading, writing = timing.al_cycles + timing.cl_cycles, timing.al_cycles + timing.cwl_cycles
    has_groups = organization.bank_groups > 1
    long = {name: getattr(timing, f"{name}_{'l' if has_groups else 's'}_cycles") for name in ("tccd", "twtr", "trrd")}
    short = {name: getattr(timing, f"{name}_s_cycles") for name in ("tccd", "twtr", "trrd")}
    bus_turn = reading - writing + burst + timing.trtrs_cycles
    table = {}
    for where, step in (("bank", long), ("same", long), ("other", short)):
        table["RD", "RD", where] = table["WR", "WR", where] = max(burst, step["tccd"])
        table["RD", "WR", where] = bus_turn
        table["WR", "RD", where] = writing + burst + step["twtr"]
    table["RD", "RD", "rank"] = burst + timing.trtrs_cycles
    table["WR", "WR", "rank"] = burst
    table["RD", "WR", "rank"] = bus_turn
    table["WR", "RD", "rank"] = writing + burst + timing.trtrs_cycles - reading
    table["ACT", "RD", "bank"] = timing.trcd_read_cycles - timing.al_cycles
    table["ACT", "WR", "bank"] = timing.trcd_write_cycles - timing.al_cycles
    table["ACT", "PRE", "bank"] = timing.tras_cycles
    table["ACT", "ACT", "bank"] = timing.tras_cycles + timing.trp_cycles
    table["ACT", "ACT", "same"] = long["trrd"]
    table["ACT", "ACT", "other"] = short["trrd"]
    table["RD", "PRE", "bank"] = timing.al_cycles + timing.trtp_cycles
    table["WR", "PRE", "bank"] = writing + burst + timing.twr_cycles
    for later in ("ACT", "REF"):
        table["PRE", later, "bank"] = timing.trp_cycles
        table["REF", later, "bank"] = timing.trfc_cycles
    table["RDA", "ACT", "bank"] = timing.al_cycles + burst + timing.trtp_cycles + timing.trp_cycles
    table["RDA", "REF", "bank"] = timing.al_cycles + timing.trtp_cycles + timing.trp_cycles
    table["WRA", "ACT", "bank"] = table["WRA", "REF", "bank"] = writing + burst + timing.twr_cycles + timing.trp_cycles
    for (earlier, later, where), cycles in list(table.items()):
        if earlier in ("RD", "WR") and later in ("RD", "WR"):
            table[earlier + "A", later, where] = cycles
    if organization.protocol in ("LPDDR4", "LPDDR5") or organization.protocol.startswith("GDDR"):
        for where in ("same", "other"):
            table["PRE", "PRE", where] = timing.tppd_cycles
    return table


def activate_windows(config):
    """Return [(activates, cycles)]: no more than so many activates of a rank in so many cycles."""
    windows = [(4, config.timing.tfaw_cycles)]
    if config.organization.protocol.startswith("GDDR") and config.timing.t32aw_cycles:
        windows.append((32, config.timing.t32aw_cycles))
    return windows


class Devices:
    """The DRAM devices of one channel: which row is open where, and every command of the past."""

    def __init__(self, config):
        organization = config.organization
        self.table = timing_table(config)
        self.windows = activate_windows(config)
        self.places = [
            Place(rank, group, bank)
            for rank in range(organization.ranks)
            for group in range(organization.bank_groups)
            for bank in range(organization.banks_per_group)
        ]
        self.open_row = dict.fromkeys(self.places)
        self.hits = dict.fromkeys(self.places, 0)
        self.last = {}
        self.activates = {}

    def may(self, kind, place, clock):
        plain = kind.removesuffix("A") if kind in ("RDA", "WRA") else kind
        for (earlier, at), when in self.last.items():
            distance = self.table.get((earlier, plain, at.distance_name(place)), 0)
            if clock < when + distance:
                return False
        past = self.activates.get(place.rank, [])
        return kind != WINDOWED or all(
            len(past) < count or clock >= past[-count] + cycles for count, cycles in self.windows
        )

    def limit(self, kind, place, wheres, earlier_kinds):
        """Return the first clock at which earlier commands of some kinds, at some distances, allow ``kind``."""
        return max(
            (
                when + self.table.get((earlier, kind, at.distance_name(place)), 0)
                for (earlier, at), when in self.last.items()
                if at.distance_name(place) in wheres and earlier in earlier_kinds
            ),
            default=0,
        )

    def window_limit(self, rank):
        past = self.activates.get(rank, [])
        return max((past[-count] + cycles for count, cycles in self.windows if len(past) >= count), default=0)

    def do(self, kind, place, row, clock):
        self.last[kind, place] = clock
        if kind == "ACT":
            self.activates.setdefault(place.rank, []).append(clock)
            self.open_row[place] = row
            self.hits[place] = 0
        elif kind in ("RD", "WR"):
            self.hits[place] += 1
        else:
            self.open_row[place] = None
            self.hits[place] = 0


@dataclass(eq=False)
class Transaction:
    number: int
    address: int
    is_write: bool
    place: Place
    row: int
    column: int
    riders: list = field(default_factory=list)
    accepted: int = -1


class Channel:
    """One controller. ``step`` is one clock, in the order of the description."""

    def __init__(self, config, *, drain):
        self.config = config
        self.drain = drain
        self.devices = Devices(config)
        self.places = self.devices.places
        self.by_rank = config.policy.command_queues == "rank"
        self.names = list(range(config.organization.ranks)) if self.by_rank else self.places
        self.queues = {name: [] for name in self.names}
        self.reading = []
        self.writing = []
        self.turn = 0
        self.to_drain = 0
        self.due = []
        self.next_rank = 0
        self.done = {}
        self.log = []
        self.last_data = 0
        self.row_hits = 0
        self.lost = dict.fromkeys(("starvation", "row_conflict", "tfaw", "refresh", "tccd_l", "turnaround"), 0)
        self.closed_by = dict.fromkeys(self.places, "starvation")
        self.opened_after = {}
        self.bus_end = 0
        self.last_column = None

    def _queue_of(self, place):
        return self.queues[place.rank if self.by_rank else place]

    # -- what is on its way -------------------------------------------------------------------------------------
    def _on_the_way(self, address, *, is_write):
        everything = self.reading + self.writing + [item for queue in self.queues.values() for item in queue]
        return next((item for item in everything if item.address == address and item.is_write == is_write), None)

    def has_room(self, *, is_write):
        policy = self.config.policy
        side = self.writing if is_write and not policy.unified_queue else self.reading
        return len(side) < policy.transaction_queue_entries

    def take(self, item, clock):
        item.accepted = clock
        if self._on_the_way(item.address, is_write=True):
            if not item.is_write:
                self.done[item.number] = clock + 2
            return
        if not item.is_write:
            leader = self._on_the_way(item.address, is_write=False)
            if leader:
                leader.riders.append(item.number)
                return
        side = self.writing if item.is_write and not self.config.policy.unified_queue else self.reading
        side.append(item)

    # -- one clock ----------------------------------------------------------------------------------------------
    def step(self, clock, *, no_more):
        self._refresh_falls_due(clock)
        blocked = self.due[0] if self.due else None
        kind = self._refresh_command(clock) if self.due else None
        if kind == "REF":
            blocked = None
        if kind is None:
            kind = self._queue_command(clock, blocked, None)
        if kind and self.config.policy.dual_command:
            self._queue_command(clock, blocked, kind in ("RD", "WR", "RDA", "WRA"))
        self._move(no_more=no_more)

    def _refresh_falls_due(self, clock):
        ranks, interval = self.config.organization.ranks, self.config.timing.trefi_cycles
        if self.config.policy.refresh == "rank_simultaneous":
            if clock and clock % interval == 0:
                self.due += range(ranks)
        elif clock and clock % (interval // ranks) == 0:
            self.due.append(self.next_rank)
            self.next_rank = (self.next_rank + 1) % ranks

    # -- who is to blame for an idle data bus --------------------------------------------------------------------
    def _blame_activate(self, item):
        devices, place = self.devices, item.place
        own = devices.limit("ACT", place, ("bank",), ("ACT", "PRE", "REF", "RDA", "WRA"))
        shared = max(devices.limit("ACT", place, ("same", "other"), ("ACT",)), devices.window_limit(place.rank))
        if item.accepted + 2 > max(own, shared):
            self.opened_after[place] = "starvation"
        else:
            self.opened_after[place] = "tfaw" if shared > own else self.closed_by[place]

    def _blame_column(self, item, clock):
        timing, devices, place = self.config.timing, self.devices, item.place
        plain = "WR" if item.is_write else "RD"
        start = clock + timing.al_cycles + (timing.cwl_cycles if item.is_write else timing.cl_cycles)
        idle, alike = start - self.bus_end, self.last_column == (item.is_write, place.rank)
        self.bus_end, self.last_column = start + self.config.organization.burst_cycles, (item.is_write, place.rank)
        if idle <= 0:
            return
        opened = devices.limit(plain, place, ("bank",), ("ACT",)) if devices.hits[place] == 0 else 0
        shared = devices.limit(plain, place, ("bank", "same", "other", "rank"), ("RD", "WR", "RDA", "WRA"))
        if item.accepted + 2 > max(opened, shared):
            cause = "starvation"
        elif shared > opened:
            cause = "tccd_l" if alike else "turnaround"
        else:
            cause = self.opened_after[place]
        self.lost[cause] += idle

    def _issue(self, kind, place, row, column, clock):
        if kind in ("PRE", "RDA", "WRA"):
            self.closed_by[place] = "row_conflict"
        self.devices.do(kind, place, row, clock)
        self.log.append((clock, kind, place, row, column))

    def _refresh_command(self, clock):
        mine = [place for place in self.places if place.rank == self.due[0]]
        for place in mine:
            if self.devices.open_row[place] is not None and self.devices.may("PRE", place, clock):
                self._issue("PRE", place, -1, -1, clock)
                return "PRE"
        closed = all(self.devices.open_row[place] is None for place in mine)
        if closed and all(self.devices.may("REF", place, clock) for place in mine):
            for place in mine:
                self.devices.do("REF", place, -1, clock)
                self.closed_by[place] = "refresh"
            self.log.append((clock, "REF", mine[0], -1, -1))
            self.due.pop(0)
            return "REF"
        return None

    def _queue_command(self, clock, blocked_rank, not_like):
        """Issue the first ready command, banks in turn; ``not_like``: only if it is a column command is not that."""
        count = len(self.names)
        for index in [(self.turn + 1 + step) % count for step in range(count)]:
            name = self.names[index]
            if (name if self.by_rank else name.rank) == blocked_rank:
                continue
            found = self._first_ready(self.queues[name], clock)
            if not found:
                continue
            kind, item = found
            self.turn = index
            is_column = kind not in ("ACT", "PRE")
            if not_like is not None and is_column == not_like:
                return None
            if is_column:
                self._blame_column(item, clock)
                self._complete(item, kind, clock)
            elif kind == "ACT":
                self._blame_activate(item)
            self._issue(kind, item.place, item.row, item.column, clock)
            return kind
        return None

    def _first_ready(self, queue, clock):
        devices = self.devices
        for position, item in enumerate(queue):
            place, open_row = item.place, devices.open_row[item.place]
            older = [other for other in queue[:position] if other.place == place]
            if open_row is None:
                kind = "ACT"
            elif item.row == open_row:
                kind = ("WR" if item.is_write else "RD") + ("A" if self.config.policy.page == "close" else "")
            else:
                kind = "PRE"
            if not devices.may(kind, place, clock):
                continue
            if kind == "PRE":
                hits_wait = any(other.place == place and other.row == open_row for other in queue)
                served = devices.hits[place] >= self.config.policy.row_hit_limit
                if older or (hits_wait and not served):
                    continue
            if kind in ("WR", "WRA") and any(
                not other.is_write and (other.row, other.column) == (item.row, item.column) for other in older
            ):
                continue
            return kind, item
        return None

    def _complete(self, item, kind, clock):
        timing, burst = self.config.timing, self.config.organization.burst_cycles
        self.row_hits += self.devices.hits[item.place] > 0
        latency = timing.al_cycles + (timing.cwl_cycles if item.is_write else timing.cl_cycles) + burst
        self.last_data = max(self.last_data, clock + latency)
        if not item.is_write:
            for number in (item.number, *item.riders):
                self.done[number] = clock + latency
        self._queue_of(item.place).remove(item)

    def _drain_wanted(self, *, no_more):
        policy = self.config.policy
        if len(self.writing) >= policy.transaction_queue_entries:
            return True
        if any(self.queues.values()):
            return False
        at_end = self.drain and no_more and not self.reading
        return len(self.writing) > (0 if at_end else policy.write_low_level)

    def _move(self, *, no_more):
        policy = self.config.policy
        if self.to_drain == 0 and not policy.unified_queue and self._drain_wanted(no_more=no_more):
            self.to_drain = len(self.writing)
        if self.to_drain == 0:
            self._move_first_with_room(self.reading)
            return
        item = next((item for item in self.writing if self._bank_has_room(item)), None)
        if item is None:
            return
        if self._on_the_way(item.address, is_write=False):
            self.to_drain = 0
            # The published policy would wait for ever here: reads go first.
            if self._drain_wanted(no_more=no_more) and not any(self.queues.values()):
                self._move_first_with_room(self.reading)
            return
        self.to_drain -= 1
        self.writing.remove(item)
        self._queue_of(item.place).append(item)

    def _bank_has_room(self, item):
        return len(self._queue_of(item.place)) < self.config.policy.command_queue_entries

    def _move_first_with_room(self, side):
        item = next((item for item in side if self._bank_has_room(item)), None)
        if item:
            side.remove(item)
            self._queue_of(item.place).append(item)

    def is_quiet(self):
        left = 0 if self.drain else self.config.policy.write_low_level
        return not (self.reading or any(self.queues.values()) or self.to_drain or len(self.writing) > left)


def split_address(organization, address):
    """Return (channel, Place, row, column) of a byte address, one field after the other from the lowest."""
    mapping = organization.address_mapping
    sizes = {
        "ch": organization.channels,
        "ra": organization.ranks,
        "bg": organization.bank_groups,
        "ba": organization.banks_per_group,
        "ro": organization.rows,
        "co": organization.columns // organization.burst_length,
    }
    rest = address // organization.request_bytes
    values = {}
    for at in range(10, -1, -2):
        name = mapping[at : at + 2]
        values[name] = rest % sizes[name]
        rest //= sizes[name]
    group, bank = values["bg"], values["ba"]
    if organization.bank_hash == "row_xor":
        group ^= values["ro"] % sizes["bg"]
        bank ^= values["ro"] // sizes["bg"] % sizes["ba"]
    return values["ch"], Place(values["ra"], group, bank), values["ro"], values["co"]


def run_oracle(config, trace, *, drain=False, limit=200_000):
    """Step ``trace`` = [(address, is_write, arrival)] clock by clock; return (channels, done, accept)."""
    channels = [Channel(config, drain=drain) for _ in range(config.organization.channels)]
    accept = []
    for clock in range(limit):
        if len(accept) == len(trace) and all(channel.is_quiet() for channel in channels):
            done = {}
            for channel in channels:
                done |= channel.done
            return channels, done, accept
        for channel in channels:
            channel.step(clock, no_more=len(accept) == len(trace))
        for _ in range(config.inject_width):
            if len(accept) == len(trace):
                break
            address, is_write, arrival = trace[len(accept)]
            index, place, row, column = split_address(config.organization, address)
            if arrival > clock or not channels[index].has_room(is_write=is_write):
                break
            channels[index].take(Transaction(len(accept), address, is_write, place, row, column), clock)
            accept.append(clock)
    raise AssertionError("the oracle did not come to an end")


def violations(config, log):
    """Return what a command log [(cycle, kind, channel, Place, row)] does that no device allows, as text.

    Written apart from the oracle's controller: it knows the timing table and the rules of rows, nothing of queues.
    """
    table, windows = timing_table(config), activate_windows(config)
    faults, past, rows, activates = [], {}, {}, {}
    for cycle, kind, channel, place, row in log:
        targets = banks_of_rank(config.organization, place.rank) if kind == "REF" else [place]
        plain = kind.removesuffix("A") if kind in ("RDA", "WRA") else kind
        for target in targets:
            for (earlier, at), when in past.get(channel, {}).items():
                need = table.get((earlier, plain, at.distance_name(target)), 0)
                if cycle - when < need:
                    faults.append(f"{cycle}: {kind} {target} {cycle - when} < {need} after {earlier} {at}")
            faults += row_faults(kind, row, rows.get((channel, target)), cycle)
        if kind == "ACT":
            history = activates.setdefault((channel, place.rank), [])
            faults += [
                f"{cycle}: more than {count} activates in {cycles}"
                for count, cycles in windows
                if len(history) >= count and cycle - history[-count] < cycles
            ]
            history.append(cycle)
        for target in targets:
            past.setdefault(channel, {})[kind, target] = cycle
            if kind not in ("RD", "WR"):
                rows[channel, target] = row if kind == "ACT" else None
    return faults


def banks_of_rank(organization, rank):
    return [
        Place(rank, group, bank)
        for group in range(organization.bank_groups)
        for bank in range(organization.banks_per_group)
    ]


def row_faults(kind, row, open_row, cycle):
    if kind in ("ACT", "REF") and open_row is not None:
        return [f"{cycle}: {kind} with row {open_row} open"]
    if kind in ("RD", "WR", "RDA", "WRA") and open_row != row:
        return [f"{cycle}: {kind} of row {row} with row {open_row} open"]
    return []
