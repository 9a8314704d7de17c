"""EIE stepped cycle by cycle, from the drawing in docs/model/eie.md.

Entries are lists of (row, code, zeros before) so that the oracle also computes the product and checks what it is told.
"""

from dataclasses import dataclass, field


@dataclass
class Ring:
    """A queue of ``depth`` slots; depth 1 is a register with a valid bit."""

    depth: int
    slots: list = field(default_factory=list)
    read: int = 0
    write: int = 0
    valid: bool = False

    def __post_init__(self):
        self.slots = [None] * self.depth

    def full(self):
        return self.valid if self.depth == 1 else (self.write + 1) % self.depth == self.read

    def empty(self):
        return not self.valid if self.depth == 1 else self.write == self.read

    def push(self, item):
        self.slots[self.write] = item
        self.write = (self.write + 1) % self.depth
        self.valid = True

    def pop(self):
        item = self.slots[self.read]
        self.read = (self.read + 1) % self.depth
        self.valid = False
        return item


@dataclass
class Pe:
    """One PE: its columns, its queue, what it works on and where its cycles went."""

    columns: list  # of lists of entries, the last one the bias's where there is one
    queue: Ring
    entries_per_row: int
    pending: list = field(default_factory=list)  # cycles left of the column at work: entries, or [None] if empty
    held_row: int = -1
    row_reads: int = 0
    pointer_reads: int = 0
    done: int = 0
    spent: dict = field(default_factory=lambda: dict.fromkeys(("useful", "padding", "empty_column"), 0))
    idle: list = field(default_factory=list)  # cycles
    last_busy: int = -1

    def address(self, column):
        return sum(len(entries) for entries in self.columns[:column])

    def take(self, cycle):
        """Pop if free; spend one cycle on the column at work. Returns whether the PE had something to do."""
        if not self.pending and not self.queue.empty():
            column = self.queue.pop()
            self.pointer_reads += 1
            start = self.address(column)
            self.pending = [(start + i, entry) for i, entry in enumerate(self.columns[column])] or [None]
        if not self.pending:
            self.idle.append(cycle)
            return False
        item = self.pending.pop(0)
        self.last_busy = cycle
        if not self.pending:
            self.done += 1
        if item is None:
            self.spent["empty_column"] += 1
            return True
        address, code = item
        self.spent["useful" if code else "padding"] += 1
        row = address // self.entries_per_row
        if row != self.held_row:
            self.row_reads += 1
            self.held_row = row
        return True


@dataclass
class Detector:
    """Scans rows of lanes; a row is loaded before cycle 0."""

    rows: list  # of lists of column numbers or None, one for each lane
    row: int = 0
    pointer: int = -1

    def step(self, any_full):
        """Return ("broadcast", column), ("blocked", None), ("bubble", None) or ("done", None)."""
        if self.row == len(self.rows):
            return "done", None
        lanes = self.rows[self.row]
        found = next((lane for lane in range(self.pointer + 1, len(lanes)) if lanes[lane] is not None), None)
        if found is None:
            self._next_row()
            return "bubble", None
        if any_full:
            return "blocked", None
        column = lanes[found]
        self.pointer = found
        if found == len(lanes) - 1:
            self._next_row()
        return "broadcast", column

    def _next_row(self):
        self.row += 1
        self.pointer = -1


def activation_rows(nonzero, pes, bias_column=None):
    """The rows that the detector scans: the column number where an activation is not zero."""
    rows = []
    for first in range(0, len(nonzero), pes):
        lanes = [first + lane if first + lane < len(nonzero) and nonzero[first + lane] else None for lane in range(pes)]
        rows.append(lanes)
    if bias_column is not None:
        rows.append([bias_column] + [None] * (pes - 1))
    return rows


def run_eie(memories, nonzero, *, depth, entries_per_row=8, has_bias=False):
    """Step a layer; ``memories`` [pe][column] are lists of codes, 0 for padding. Returns a dict of counts."""
    pes = len(memories)
    units = [Pe(columns, Ring(depth), entries_per_row) for columns in memories]
    detector = Detector(activation_rows(nonzero, pes, len(nonzero) if has_bias else None))
    did = []  # of the detector, cycle by cycle
    cycle = broadcasts = 0
    while detector.row < len(detector.rows) or any(unit.done < broadcasts for unit in units):
        action, column = detector.step(any(unit.queue.full() for unit in units))
        if action != "done":
            did.append(action)
        for unit in units:  # sees what was written up to the cycle before
            unit.take(cycle)
        if action == "broadcast":
            broadcasts += 1
            for unit in units:
                unit.queue.push(column)
        cycle += 1
    total = max(len(did), max(unit.last_busy for unit in units) + 2) + 6
    return {
        "cycles": total,
        "broadcasts": broadcasts,
        "bubbles": did.count("bubble"),
        "blocked_cycles": did.count("blocked"),
        "pointer_reads": sum(unit.pointer_reads for unit in units),
        "weight_row_reads": sum(unit.row_reads for unit in units),
        "pe_cycles": _split(units, did, total),
        "pe_entries": [unit.spent["useful"] + unit.spent["padding"] for unit in units],
    }


def _split(units, did, total):
    """Name each PE's cycles one at a time; what nothing names is fill."""
    split = dict.fromkeys(("useful", "padding", "empty_column", "back_pressure", "starvation", "imbalance"), 0)
    end = max(unit.last_busy for unit in units)
    for unit in units:
        for name, cycles in unit.spent.items():
            split[name] += cycles
        for cycle in unit.idle:
            if unit.last_busy < cycle <= end:
                split["imbalance"] += 1
            elif 0 < cycle < unit.last_busy:
                split["back_pressure" if did[cycle - 1] == "blocked" else "starvation"] += 1
        split["starvation"] += max(0, len(did) - (end + 2))  # only the detector still scans
    split["fill"] = total * len(units) - sum(split.values())
    return split
