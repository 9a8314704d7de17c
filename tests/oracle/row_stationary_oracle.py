"""Row stationary, stepped cycle by cycle: PEs with spads, multicast buses, the climb of psums, the off-chip link.

Written from docs/model/row_stationary.md with plain Python objects; it computes the convolution while it counts.
"""

from collections import deque
from itertools import product


class Pe:
    """One processing element: its place, what it holds, and what it multiplies for one ofmap column."""

    def __init__(self, filters, channels, filter_row, ofmap_row, taps):
        self.filters, self.channels, self.taps = filters, channels, taps
        self.filter_row, self.ofmap_row = filter_row, ofmap_row
        self.filter_spad, self.window, self.writes = {}, {}, {"filter": 0, "ifmap": 0}
        self.partial = {}

    def take_filter(self, key, value):
        self.filter_spad[key] = value
        self.writes["filter"] += 1

    def take_ifmap(self, key, value):
        self.window[key] = value
        self.writes["ifmap"] += 1

    def work(self, image, column, nest):
        """Every product of this column, one a cycle: a list of thunks."""
        for f, c, s in product(self.filters, self.channels, self.taps):
            row = self.ofmap_row * nest.stride_h + self.filter_row * nest.dilation_h
            value = self.window[image, c, row, column * nest.stride_w + s * nest.dilation_w]
            yield f, value * self.filter_spad[f, c, self.filter_row, s]


class Bus:
    """Delivers queued blocks of words, some a cycle; a block takes whole cycles."""

    def __init__(self, words_per_cycle):
        self.rate, self.blocks, self.words, self.done = words_per_cycle, deque(), 0, 0

    def queue(self, words):
        self.blocks.append(words)

    def tick(self):
        """One cycle: move words of the block at the head; count it done when it is empty."""
        while self.blocks and self.blocks[0] == 0:
            self.blocks.popleft()
            self.done += 1
        if self.blocks:
            moved = min(self.rate, self.blocks[0])
            self.words += moved
            self.blocks[0] -= moved
        while self.blocks and self.blocks[0] == 0:
            self.blocks.popleft()
            self.done += 1


class Link:
    """The off-chip link: bits a cycle, after a latency; one transfer at a time."""

    def __init__(self, bits_per_cycle, latency):
        self.rate, self.latency, self.bits, self.left, self.wait = bits_per_cycle, latency, 0, 0, 0

    def start(self, bits):
        self.bits += bits
        self.left, self.wait = bits, self.latency if bits else 0

    @property
    def idle(self):
        return self.left <= 1e-9 and self.wait == 0

    def tick(self):
        if self.left > 1e-9:
            self.left -= self.rate
        elif self.wait:
            self.wait -= 1


class Eyeriss:
    """The chip: runs a nest under a mapping on real numbers."""

    def __init__(self, nest, machine, mapping, bits, ifmap, weights):
        self.nest, self.machine, self.mapping, self.bits = nest, machine, mapping, bits
        self.ifmap, self.weights = ifmap, weights  # [g][n][c][h][w], [g][k][c][r][s]
        self.psums = {}
        self.cycle = self.passes = self.hops = self.psum_words = 0
        self.link = Link(machine.link_bits_per_cycle, machine.link_latency_cycles)
        self.count = dict.fromkeys(("ifmap_words", "filter_words", "filter_spad", "ifmap_spad", "link_ifmap_words"), 0)
        self.spent = dict.fromkeys(("fill", "run", "ifmap_wait", "filter_wait", "ofmap_wait", "products"), 0)

    # The order of work: which pass, with what loaded before and stored behind it.

    def schedule(self):
        nest, m = self.nest, self.mapping
        folds = -(-nest.R // self.machine.rows)
        each = -(-nest.R // folds)
        most_taps = (self.machine.ifmap_spad_words - 1) // nest.dilation_w + 1
        taps = -(-nest.S // -(-nest.S // most_taps))
        folds = list(product(pieces(nest.R, each), pieces(nest.S, taps)))
        for _, g in product(range(nest.repeats), range(nest.G)):
            for images in pieces(nest.N, m.n):
                for rows in pieces(nest.P, m.e):
                    for kept in pieces(nest.K, m.m):
                        steps = list(product(pieces(nest.C, m.q * m.r), folds))
                        for channels, fold in steps:
                            groups = pieces(len(kept), m.p * m.t)
                            for i, group in enumerate(groups):
                                filters = kept[group.start : group.stop]
                                last = i == len(groups) - 1 and (channels, fold) == steps[-1]
                                yield g, images, rows, filters, channels, fold, i == 0, kept if last else None

    def run(self):
        passes = list(self.schedule())
        self.link.start(self.filter_bits(passes[0]))
        self.wait_link("filter_wait")
        for one, following in zip(passes, [*passes[1:], None], strict=True):
            _, images, rows, _, channels, fold, new_ifmap, finished = one
            if new_ifmap:
                self.link.start(self.real_words(images, rows, channels, fold) * self.bits[0])
                self.wait_link("ifmap_wait")
            self.one_pass(one, following)
            self.wait_link("filter_wait")
            if finished:
                self.link.start(len(images) * len(rows) * self.nest.Q * len(finished) * self.bits[2])
                self.wait_link("ofmap_wait")
        return self.psums

    def filter_bits(self, one):
        _, _, _, filters, channels, fold, _, _ = one
        return len(filters) * len(channels) * len(fold[0]) * len(fold[1]) * self.bits[1]

    def wait_link(self, why):
        while not self.link.idle:
            self.link.tick()
            self.cycle += 1
            self.spent[why] += 1

    def real_words(self, images, rows, channels, fold):
        nest = self.nest
        columns = sorted(set().union(*(self.columns(q, fold[1]) for q in range(nest.Q))))
        real = [c for c in columns if 0 <= c - nest.pad_w < nest.W]
        lines = [r for r in self.lines(rows, fold[0]) if 0 <= r - nest.pad_h < nest.H]
        words = len(images) * len(channels) * len(lines) * len(real)
        self.count["link_ifmap_words"] += words
        return words

    def lines(self, rows, filter_rows):
        """Ifmap rows, padding included, that a strip needs."""
        return sorted({p * self.nest.stride_h + r * self.nest.dilation_h for p in rows for r in filter_rows})

    def columns(self, q, taps):
        """Ifmap columns the window of ofmap column ``q`` covers."""
        first = q * self.nest.stride_w + taps[0] * self.nest.dilation_w
        return set(range(first, first + (len(taps) - 1) * self.nest.dilation_w + 1))

    # One pass.

    def one_pass(self, one, following):
        g, images, rows, filters, channels, fold, _, _ = one
        self.passes += 1
        towers = self.place(rows, filters, channels, fold)
        pes = [pe for tower in towers.values() for pe in tower]
        filter_bus = Bus(self.machine.filter_bus_words)
        ifmap_bus, psum_in, psum_out = (
            Bus(self.machine.ifmap_bus_words), Bus(self.machine.psum_bus_words), Bus(self.machine.psum_bus_words)
        )  # fmt: skip
        beats = [(n, q) for n in images for q in range(self.nest.Q)]
        blocks = [self.deliver(g, pes, n, q, rows, channels, fold) for n, q in beats]
        psums = len(filters) * len(rows)
        words, deliveries = self.pour(g, pes, filters, channels, fold)
        filter_bus.queue(words if self.machine.multicast else deliveries)
        ifmap_bus.queue(blocks[0][0])
        psum_in.queue(psums)
        while filter_bus.done + ifmap_bus.done + psum_in.done < 3:
            self.tick(filter_bus, ifmap_bus, psum_in, why="fill")
        for _ in range(self.machine.pass_setup_cycles):
            self.tick(why="fill")
        self.count["filter_words"] += words  # a register holds a word until the last PE has it
        for block, _, _ in blocks[1:]:
            ifmap_bus.queue(block)
            psum_in.queue(psums)
        if following:
            self.link.start(self.filter_bits(following))
        blocks[0][1]()
        self.stream(g, towers, beats, (ifmap_bus, psum_in, psum_out), [block[1] for block in blocks], psums)
        assert ifmap_bus.words == sum(block[0] for block in blocks)
        self.count["ifmap_words"] += sum(block[2] for block in blocks)
        assert psum_in.words == psum_out.words
        self.psum_words += psum_in.words
        self.count["filter_spad"] += sum(pe.writes["filter"] for pe in pes)
        self.count["ifmap_spad"] += sum(pe.writes["ifmap"] for pe in pes)

    def stream(self, g, towers, beats, buses, arrivals, psums):
        """All columns: multiply when the column's ifmap and psums are there; let the psums climb; send them out."""
        ifmap_bus, psum_in, psum_out = buses
        pes = [pe for tower in towers.values() for pe in tower]
        waiting, climbing, running = deque(range(len(beats))), [], []
        while True:
            if waiting and not running and min(ifmap_bus.done, psum_in.done) > waiting[0]:
                running = self.start(waiting[0], beats, arrivals, pes)
            for one in [one for one in climbing if one["left"] == 0]:
                climbing.remove(one)
                self.finish(g, one)
                psum_out.queue(psums)
            if psum_out.done == len(beats):
                return
            self.multiply(running)
            for one in climbing:
                one["left"] -= 1
                self.climb(one, towers)
            self.tick(ifmap_bus, psum_in, psum_out, why="run")
            if running and not any(products for _, products in running):
                height = len(next(iter(towers.values())))
                taken = {key: [pe.partial for pe in tower] for key, tower in towers.items()}
                beat = beats[waiting.popleft()]
                climbing.append({"left": height, "height": height, "partial": taken, "beat": beat, "sums": {}})
                running = []

    def start(self, column, beats, arrivals, pes):
        """All PEs take up a column: their spads hold its window now."""
        if column:
            arrivals[column]()
        for pe in pes:
            pe.partial = {}
        return [(pe, deque(pe.work(*beats[column], self.nest))) for pe in pes]

    def multiply(self, running):
        """One product in every PE that has any left."""
        for pe, products in running:
            if products:
                f, value = products.popleft()
                pe.partial[f] = pe.partial.get(f, 0) + value
                self.spent["products"] += 1

    def climb(self, one, towers):
        """One hop up for every psum of the column: each PE on the way adds its own partial sum."""
        level = one["height"] - one["left"] - 1
        for (row, filters), tower in towers.items():
            for f in tower[level].filters:
                assert f in filters
                sums = one["sums"]
                sums[row, f] = sums.get((row, f), 0) + one["partial"][row, filters][level].get(f, 0)
                self.hops += 1

    def finish(self, g, one):
        image, column = one["beat"]
        for (row, f), value in one["sums"].items():
            key = (g, image, f, row, column)
            self.psums[key] = self.psums.get(key, 0) + value

    def tick(self, *buses, why):
        for bus in buses:
            bus.tick()
        if why == "run" and not self.link.idle:
            self.link.tick()
        self.cycle += 1
        self.spent[why] += 1

    def place(self, rows, filters, channels, fold):
        """Towers of PEs that psums climb: (ofmap row, filters) -> PEs, bottom first; each at a place of its own."""
        m, machine, towers, places = self.mapping, self.machine, {}, set()
        shares = pieces_of(filters, -(-len(filters) // m.t))
        channel_shares = pieces_of(channels, -(-len(channels) // m.r))
        height = len(fold[0])
        for number, (share, part) in enumerate(product(shares, channel_shares)):
            for i, j in product(range(height), range(len(rows))):
                pe = Pe(share, part, fold[0][i], rows[j], fold[1])
                towers.setdefault((rows[j], share), []).append(pe)
                if m.e <= machine.columns:
                    side = machine.columns // m.e
                    place = (number // side * height + i, number % side * m.e + j)
                else:
                    stack = -(-m.e // machine.columns)
                    place = ((number * stack + j // machine.columns) * height + i, j % machine.columns)
                assert place not in places
                assert place[0] < machine.rows
                assert place[1] < machine.columns
                places.add(place)
        return towers

    def pour(self, g, pes, filters, channels, fold):
        """Bring every filter word to the PEs that use it; return how many words, and how many arrivals."""
        words = deliveries = 0
        for f, c, r, s in product(filters, channels, *fold):
            words += 1
            for pe in pes:
                if f in pe.filters and c in pe.channels and r == pe.filter_row:
                    pe.take_filter((f, c, r, s), self.weights[g][f][c][r][s])
                    deliveries += 1
        return words, deliveries

    def deliver(self, g, pes, n, q, rows, channels, fold):
        """Return the words on the bus for ofmap column ``q``, what puts them into the spads, and the new words."""
        new = self.columns(q, fold[1]) - (self.columns(q - 1, fold[1]) if q else set())
        todo = list(product(channels, self.lines(rows, fold[0]), sorted(new)))
        mine = [(pe.channels, pe.ofmap_row * self.nest.stride_h + pe.filter_row * self.nest.dilation_h) for pe in pes]
        crossing = len(todo)
        if not self.machine.multicast:
            crossing = sum(c in wanted and row == line for c, row, _ in todo for wanted, line in mine)

        def put():
            for pe in pes:
                pe.window = {key: value for key, value in pe.window.items() if q and key[0] == n}
            for c, row, column in todo:
                for pe in pes:
                    mine = pe.ofmap_row * self.nest.stride_h + pe.filter_row * self.nest.dilation_h
                    if c in pe.channels and mine == row:
                        pe.take_ifmap((n, c, row, column), self.pixel(g, n, c, row, column))

        return crossing, put, len(todo)

    def pixel(self, g, n, c, row, column):
        h, w = row - self.nest.pad_h, column - self.nest.pad_w
        inside = 0 <= h < self.nest.H and 0 <= w < self.nest.W
        return self.ifmap[g][n][c][h][w] if inside else 0


def pieces(extent, size):
    """Ranges of ``size``, the last one smaller."""
    return [range(a, min(a + size, extent)) for a in range(0, extent, size)]


def pieces_of(items, size):
    return [tuple(items[i] for i in part) for part in pieces(len(items), size)]


def convolve(nest, ifmap, weights):
    """The convolution by its definition: (g, n, k, p, q) -> value."""
    found = {}
    for g, n, k, p, q in product(range(nest.G), range(nest.N), range(nest.K), range(nest.P), range(nest.Q)):
        total = 0
        for c, r, s in product(range(nest.C), range(nest.R), range(nest.S)):
            h = p * nest.stride_h + r * nest.dilation_h - nest.pad_h
            w = q * nest.stride_w + s * nest.dilation_w - nest.pad_w
            if 0 <= h < nest.H and 0 <= w < nest.W:
                total += ifmap[g][n][c][h][w] * weights[g][k][c][r][s]
        found[g, n, k, p, q] = total * nest.repeats
    return found
