"""No local reuse, stepped cycle by cycle: a buffer, a grid of multipliers, a pipelined adder tree for each column.

Written from docs/model/no_local_reuse.md with plain Python; it computes the convolution while it counts.
"""

from itertools import product


def ranges(extent, size):
    return [range(a, min(a + size, extent)) for a in range(0, extent, size)]


class TreeChip:
    """Runs a nest tile by tile; nothing overlaps."""

    def __init__(self, nest, machine, mapping, bits, ifmap, weights):
        self.nest, self.machine, self.mapping, self.bits = nest, machine, mapping, bits
        self.ifmap, self.weights = ifmap, weights
        self.psums, self.cycle = {}, 0
        self.count = dict.fromkeys(
            ("useful", "fill", "ifmap_wait", "weight_wait", "ofmap_wait", "ifmap_words", "weight_words", "psum_reads",
             "psum_writes", "hops", "ifmap_link_words", "weight_link_words", "ofmap_words"), 0,
        )  # fmt: skip

    def run(self):
        nest, m = self.nest, self.mapping
        for _, g in product(range(nest.repeats), range(nest.G)):
            for images, rows in product(ranges(nest.N, m.n), ranges(nest.P, m.e)):
                for filters in ranges(nest.K, m.m):
                    for channels in ranges(nest.C, m.c):
                        self.load(images, rows, filters, channels)
                        self.tile(g, images, rows, filters, channels)
                    words = len(images) * len(rows) * nest.Q * len(filters)
                    self.count["ofmap_words"] += words
                    self.link(words * self.bits[2], "ofmap_wait")
        return self.psums

    def link(self, bits, why):
        left = bits
        while left > 1e-9:
            left -= self.machine.link_bits_per_cycle
            self.tick(why)
        for _ in range(self.machine.link_latency_cycles if bits else 0):
            self.tick(why)

    def tick(self, why):
        self.cycle += 1
        self.count[why] += 1

    def load(self, images, rows, filters, channels):
        nest = self.nest
        lines = {p * nest.stride_h + r * nest.dilation_h - nest.pad_h for p in rows for r in range(nest.R)}
        reach = range((nest.S - 1) * nest.dilation_w + 1)
        columns = {q * nest.stride_w + s - nest.pad_w for q in range(nest.Q) for s in reach}
        words = len(images) * len(channels)
        words *= sum(0 <= h < nest.H for h in lines) * sum(0 <= w < nest.W for w in columns)
        self.count["ifmap_link_words"] += words
        self.link(words * self.bits[0], "ifmap_wait")
        words = len(filters) * len(channels) * nest.R * nest.S
        self.count["weight_link_words"] += words
        self.link(words * self.bits[1], "weight_wait")

    def tile(self, g, images, rows, filters, channels):
        """One step a cycle goes in; its sums come out of the trees ``depth`` cycles later."""
        nest, machine = self.nest, self.machine
        levels = 0
        while 2**levels < machine.rows:
            levels += 1
        pipeline = []
        for n, p, q, r, s in product(images, rows, range(nest.Q), range(nest.R), range(nest.S)):
            for some in ranges(len(channels), machine.rows):
                for block in ranges(len(filters), machine.columns):
                    pipeline = self.advance(pipeline, "useful")
                    pipeline.append([2 + levels, self.multiply(g, (n, p, q, r, s), channels, filters, some, block)])
        while pipeline:
            pipeline = self.advance(pipeline, "fill")

    def advance(self, pipeline, why):
        self.tick(why)
        for stage in pipeline:
            stage[0] -= 1
        for _, sums in [stage for stage in pipeline if stage[0] == 0]:
            for key, value in sums.items():
                if key in self.psums:
                    self.count["psum_reads"] += 1
                self.psums[key] = self.psums.get(key, 0) + value
                self.count["psum_writes"] += 1
        return [stage for stage in pipeline if stage[0] > 0]

    def multiply(self, g, place, channels, filters, some, block):
        n, p, q, r, s = place
        nest, sums = self.nest, {}
        h = p * nest.stride_h + r * nest.dilation_h - nest.pad_h
        w = q * nest.stride_w + s * nest.dilation_w - nest.pad_w
        inside = 0 <= h < nest.H and 0 <= w < nest.W
        for i in some:
            c = channels[i]
            self.count["ifmap_words"] += 1
            value = self.ifmap[g][n][c][h][w] if inside else 0
            for j in block:
                k = filters[j]
                self.count["weight_words"] += 1
                self.count["hops"] += 2  # along the row to the multiplier, and into its tree
                sums[g, n, k, p, q] = sums.get((g, n, k, p, q), 0) + value * self.weights[g][k][c][r][s]
        return sums
