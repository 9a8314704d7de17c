"""A PE of Eyeriss v2 stepped cycle by cycle, from the drawing in docs/model/eyeriss_v2.md."""


def compressed_column(column, count_bits):
    """Entries (row, value) of one column; a padding entry has row None. ``count_bits`` None: no padding."""
    entries, zeros = [], 0
    for row, value in enumerate(column):
        if not value:
            zeros += 1
            continue
        while count_bits is not None and zeros >= 2**count_bits:
            entries.append((None, 0))
            zeros -= 2**count_bits
        entries.append((row, value))
        zeros = 0
    return entries


class Pipeline:
    """Issue at the first stage, done behind the last."""

    def __init__(self, stages):
        self.slots = [None] * stages

    def clock(self, item):
        self.slots = [item, *self.slots[:-1]]

    def busy(self):
        return any(slot is not None for slot in self.slots)


def step_pass(weights, activations, lanes, stages, count_bits):
    """One pass: weights [outputs][channels], activations [pixels][channels]; returns (cycles, sums, macs, padding)."""
    channels = len(weights[0])
    columns = [compressed_column([row[c] for row in weights], count_bits) for c in range(channels)]
    sums = [[0] * len(weights) for _ in activations]
    todo = [(p, c) for p, pixel in enumerate(activations) for c in range(channels) if pixel[c] and columns[c]]
    pipeline = Pipeline(stages)
    cycles = macs = padding = 0
    rest = []
    while todo or rest or pipeline.busy():
        if not rest and todo:
            pixel, channel = todo.pop(0)
            rest = list(columns[channel])
        word, rest = rest[:lanes], rest[lanes:]
        pipeline.clock((pixel, channel, word) if word else None)
        for row, value in word:
            if row is None:
                padding += 1
            else:
                macs += 1
                sums[pixel][row] += value * activations[pixel][channel]
        cycles += pipeline.busy()
    return cycles, sums, macs, padding
