"""The devices of a DRAM with plain objects: a table of minimum distances, and a checker that reads a command log alone.

The hardware is a table of minimum distances between two commands, by where they go (same bank, same bank group, same
rank, another rank); a command may issue when every earlier command is far enough in the past. The devices remember
every command and ask that question anew in every clock.
"""

from dataclasses import dataclass

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
