"""A DRAM controller that steps every clock with plain objects: slow and obvious, written from the description of the
hardware (:mod:`tests.oracle.dram_devices`) and of the policy, never from the kernels.
"""

from dataclasses import dataclass, field

from tests.oracle.dram_devices import Devices, Place, split_address


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
        self.held = dict.fromkeys(self.lost, 0)  # of the cycles lost, those in which the burst itself was there
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
        self.held[cause] += sum(1 for age in range(idle) if clock - age > item.accepted + 2)

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
