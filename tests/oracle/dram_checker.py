"""A checker that reads a command log alone and names every JEDEC rule it breaks: the rules as a data sheet gives them,
by pairs of commands and by what is on the data bus. It knows nothing of queues, of policies, or of how commands are
chosen, and shares no table with the oracle or the kernels.

A log is [(cycle, kind, channel, Place, row)]; REF stands for its whole rank.
"""

from collections import defaultdict

POSTPONED_REFRESHES = 9  # JEDEC lets eight be put off; the interval is counted from its end


class Bank:
    def __init__(self):
        self.row = None
        self.activated = self.closed = self.read = self.written = self.ready_after_auto = None


class Checker:
    """One channel: what happened so far, and the rules broken as (cycle, rule)."""

    def __init__(self, config):
        self.timing, self.shape, self.policy = config.timing, config.organization, config.policy
        self.banks = defaultdict(Bank)
        self.activates = defaultdict(list)
        self.precharges = {}
        self.columns = []
        self.refreshes = defaultdict(list)
        self.bus = None
        self.last = {}
        self.faults = []

    def demand(self, rule, cycle, earlier, cycles):
        if earlier is not None and cycle - earlier < cycles:
            self.faults.append((cycle, rule))

    def long_or_short(self, name, same_group):
        one_group = self.shape.bank_groups == 1
        return getattr(self.timing, f"{name}_{'l' if same_group and not one_group else 's'}_cycles")

    def take(self, cycle, kind, place, row):
        column = kind in ("RD", "WR", "RDA", "WRA")
        lane = column if self.policy.dual_command else True
        self.demand("command bus", cycle, self.last.get(lane), 1)
        self.last[lane] = cycle
        if column:
            self.column(cycle, kind, place, row)
        else:
            {"ACT": self.activate, "PRE": self.precharge, "REF": self.refresh}[kind](cycle, place, row)

    def activate(self, cycle, place, row):
        timing, bank = self.timing, self.banks[place]
        if bank.row is not None:
            self.faults.append((cycle, "ACT of an open bank"))
        self.demand("tRC", cycle, bank.activated, timing.tras_cycles + timing.trp_cycles)
        self.demand("tRP", cycle, bank.closed, timing.trp_cycles)
        self.demand("auto precharge", cycle, bank.ready_after_auto, 0)
        self.demand("tRFC", cycle, (self.refreshes[place.rank] or [None])[-1], timing.trfc_cycles)
        history = self.activates[place.rank]
        for earlier, other in history[-32:]:
            if other != place:
                same = other.group == place.group
                self.demand(f"tRRD_{'L' if same else 'S'}", cycle, earlier, self.long_or_short("trrd", same))
        if len(history) >= 4:
            self.demand("tFAW", cycle, history[-4][0], timing.tfaw_cycles)
        if len(history) >= 32 and self.shape.protocol.startswith("GDDR"):
            self.demand("t32AW", cycle, history[-32][0], timing.t32aw_cycles)
        history.append((cycle, place))
        bank.row, bank.activated, bank.read, bank.written = row, cycle, None, None

    def precharge(self, cycle, place, _row):
        timing, bank = self.timing, self.banks[place]
        burst, write_latency = self.shape.burst_cycles, timing.al_cycles + timing.cwl_cycles
        if bank.row is None:
            self.faults.append((cycle, "PRE of a closed bank"))
        self.demand("tRAS", cycle, bank.activated, timing.tras_cycles)
        self.demand("tRTP", cycle, bank.read, timing.al_cycles + timing.trtp_cycles)
        self.demand("tWR", cycle, bank.written, write_latency + burst + timing.twr_cycles)
        if self.shape.protocol in ("LPDDR4", "LPDDR5") or self.shape.protocol.startswith("GDDR"):
            self.demand("tPPD", cycle, self.precharges.get(place.rank), timing.tppd_cycles)
        self.precharges[place.rank] = cycle
        bank.row, bank.closed = None, cycle

    def refresh(self, cycle, place, _row):
        timing, past = self.timing, self.refreshes[place.rank]
        for other, bank in self.banks.items():
            if other.rank == place.rank:
                if bank.row is not None:
                    self.faults.append((cycle, "REF with an open bank"))
                self.demand("tRP before REF", cycle, bank.closed, timing.trp_cycles)
        self.demand("tRFC", cycle, past[-1] if past else None, timing.trfc_cycles)
        past.append(cycle)
        self.last_refresh_is_in_time(cycle, past)

    def last_refresh_is_in_time(self, cycle, past):
        due = (len(past) + POSTPONED_REFRESHES) * self.timing.trefi_cycles
        if cycle > due:
            self.faults.append((cycle, "tREFI"))

    def column(self, cycle, kind, place, row):
        timing, bank, burst = self.timing, self.banks[place], self.shape.burst_cycles
        writes = kind.startswith("WR")
        if bank.row != row:
            self.faults.append((cycle, f"{kind} of a row that is not open"))
        trcd = timing.trcd_write_cycles if writes else timing.trcd_read_cycles
        self.demand("tRCD", cycle, bank.activated, trcd - timing.al_cycles)
        latency = timing.al_cycles + (timing.cwl_cycles if writes else timing.cl_cycles)
        for earlier, wrote, other in self.columns[-8:]:
            if other.rank == place.rank:
                same = other.group == place.group
                suffix = "L" if same else "S"
                if wrote == writes:
                    self.demand(f"tCCD_{suffix}", cycle, earlier, self.long_or_short("tccd", same))
                elif wrote:
                    data_end = earlier + timing.al_cycles + timing.cwl_cycles + burst
                    self.demand(f"tWTR_{suffix}", cycle, data_end, self.long_or_short("twtr", same))
        self.data(cycle + latency, place.rank, writes)
        self.columns.append((cycle, writes, place))
        if writes:
            bank.written = cycle
        else:
            bank.read = cycle
        if kind.endswith("A"):
            after = timing.twr_cycles + latency + burst if writes else timing.al_cycles + timing.trtp_cycles
            bank.row, bank.ready_after_auto = None, cycle + after + timing.trp_cycles

    def data(self, start, rank, writes):
        if self.bus is not None:
            end, last_rank, wrote = self.bus
            handover = self.timing.trtrs_cycles if (rank != last_rank and not (wrote and writes)) else 0
            handover = self.timing.trtrs_cycles if writes and not wrote else handover
            self.demand("turnaround" if handover else "data bus", start, end, handover)
        self.bus = (start + self.shape.burst_cycles, rank, writes)


def broken_rules(config, log):
    """Return the rules that a whole log breaks, as (cycle, rule), in its order."""
    channels = defaultdict(lambda: Checker(config))
    end = 0
    for cycle, kind, channel, place, row in log:
        channels[channel].take(cycle, kind, place, row)
        end = max(end, cycle)
    faults = [fault for checker in channels.values() for fault in checker.faults]
    for checker in channels.values():
        faults += [
            (end, "tREFI")
            for rank in range(config.organization.ranks)
            if end > (len(checker.refreshes[rank]) + 1 + POSTPONED_REFRESHES) * config.timing.trefi_cycles
        ]
    return faults
