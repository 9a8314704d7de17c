"""Cambricon-X stepped cycle by cycle, from the drawing in docs/model/sparse_engines.md."""


class Pe:
    """Works on one output: the weights of the segment that is before it, and a sum."""

    def __init__(self, lanes):
        self.lanes = lanes
        self.waiting = []  # (input, weight) not yet taken
        self.total = 0

    def present(self, row, segment):
        self.waiting = [(i, row[i]) for i in segment if row[i]] if row is not None else []

    def take(self, inputs):
        word, self.waiting = self.waiting[: self.lanes], self.waiting[self.lanes :]
        self.total += sum(weight * inputs[i] for i, weight in word)
        return len(word)


def run(weights, inputs, pes, lanes, candidates, stages):
    """``weights`` [outputs][inputs], ``inputs`` [positions][inputs]; returns (cycles, sums, PE cycles by cause)."""
    spent = dict.fromkeys(("useful", "padding", "empty_column", "imbalance", "fill"), 0)
    cycle = 0
    sums = []
    for values in inputs:
        sums.append([])
        for first in range(0, len(weights), pes):
            rows = weights[first : first + pes]
            units = [Pe(lanes) for _ in range(pes)]
            for begin in range(0, len(values), candidates):
                segment = range(begin, min(begin + candidates, len(values)))
                for i, unit in enumerate(units):
                    unit.present(rows[i] if i < len(rows) else None, segment)
                nothing = not any(unit.waiting for unit in units)
                while nothing or any(unit.waiting for unit in units):
                    cycle += 1
                    for unit in units:
                        busy = bool(unit.waiting)
                        taken = unit.take(values)
                        spent["useful"] += taken
                        spent["padding" if busy else "empty_column" if nothing else "imbalance"] += lanes - taken
                    nothing = False
            sums[-1] += [unit.total for unit in units[: len(rows)]]
    spent["fill"] = (stages - 1) * pes * lanes
    return cycle + stages - 1, sums, spent
