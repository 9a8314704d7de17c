"""SCNN stepped cycle by cycle, from the drawing in docs/model/sparse_engines.md; it also computes the convolution."""


class Bank:
    """Sums, and the products that wait for the adder."""

    def __init__(self, entries):
        self.entries = entries
        self.queue = []
        self.sums = {}

    def has_room(self, products):
        return not products or not self.queue or len(self.queue) + len(products) <= self.entries

    def clock(self, arriving):
        if self.queue:
            place, product = self.queue.pop(0)
            self.sums[place] = self.sums.get(place, 0) + product
        self.queue += arriving


def slices(items, step):
    return [items[i : i + step] for i in range(0, len(items), step)]


def steps_of(activations, weights, lanes):
    """Every step of a PE: (activation vector, weight vector), channel by channel."""
    return [
        (some, kernels)
        for channel in range(len(activations))
        for some in slices(activations[channel], lanes[0])
        for kernels in slices(weights[channel], lanes[1])
    ]


def run_pe(steps, kernel, lanes, columns, banks, entries, inside):
    """Step one PE through a group; returns (cycles, activation vectors, products that belong to an output, sums)."""
    units = [Bank(entries) for _ in range(banks)]
    cycle = useful = issued = 0
    while issued < len(steps) or any(unit.queue for unit in units):
        arriving = [[] for _ in units]
        if issued < len(steps):
            for y, x, value in steps[issued][0]:
                for k, r, s, weight in steps[issued][1]:
                    if inside(y - r, x - s):
                        place = (y + kernel[0] - 1 - r) * columns + x + kernel[1] - 1 - s
                        arriving[(place * lanes + k) % banks].append(((k, y - r, x - s), value * weight))
            if all(unit.has_room(products) for unit, products in zip(units, arriving, strict=True)):
                issued += 1
                useful += sum(len(products) for products in arriving)
            else:
                arriving = [[] for _ in units]
        for unit, products in zip(units, arriving, strict=True):
            unit.clock(products)
        cycle += 1
    sums = {}
    for unit in units:
        sums |= unit.sums
    vectors = {id(some) for some, _ in steps}
    return cycle, len(vectors), useful, sums


def phase_lists(values, stride, padding):
    """Non-zeros of each phase: activations [c][y][x] or a kernel's (padding 0) as (row, column, value)."""
    phases = {}
    for y, line in enumerate(values):
        for x, value in enumerate(line):
            if value:
                row, column = y + padding[0], x + padding[1]
                phase = (row % stride[0], column % stride[1])
                phases.setdefault(phase, []).append((row // stride[0], column // stride[1], value))
    return phases


def run(weights, activations, stride, padding, plan, hardware):
    """``weights`` [k][c][r][s], ``activations`` [c][y][x]; returns (group cycles by PE, useful, steps, vectors, sums).

    ``plan`` gives the tiles and groups; their timing is stepped here.
    """
    channels = [(c, py, px) for c in range(len(activations)) for py in range(stride[0]) for px in range(stride[1])]
    planes = [phase_lists(plane, stride, padding) for plane in activations]
    groups, useful, issued, read, sums = [], 0, 0, 0, {}
    for corner in plan.corners():
        for first in range(0, len(weights), plan.group_outputs):
            kernels = weights[first : first + plan.group_outputs]
            listed = []
            for c, py, px in channels:
                found = [
                    (k, r, s, w)
                    for k, kernel in enumerate(kernels)
                    for r, s, w in phase_lists(kernel[c], stride, (0, 0)).get((py, px), [])
                ]
                listed.append(sorted(found, key=lambda item: (item[1], item[2], item[0])))
            group = []
            for pe in range(hardware.pes):
                top = corner[0] + pe // hardware.pe_columns * plan.tile[0] + plan.offset[0]
                left = corner[1] + pe % hardware.pe_columns * plan.tile[1] + plan.offset[1]
                held = [
                    [
                        (y - top, x - left, value)
                        for y, x, value in planes[c].get((py, px), [])
                        if top <= y < top + plan.tile[0] and left <= x < left + plan.tile[1]
                    ]
                    for c, py, px in channels
                ]
                steps = steps_of(held, listed, (hardware.activation_lanes, hardware.weight_lanes))
                cycles, vectors, products, pe_sums = run_pe(
                    steps,
                    plan.phase_kernel,
                    hardware.weight_lanes,
                    plan.tile[1] + plan.phase_kernel[1] - 1,
                    hardware.banks,
                    hardware.bank_queue_entries,
                    lambda y, x, top=top, left=left: 0 <= y + top < plan.plane[0] and 0 <= x + left < plan.plane[1],
                )
                group.append(cycles)
                useful, issued, read = useful + products, issued + len(steps), read + vectors
                for (k, y, x), value in pe_sums.items():
                    place = (first + k, y + top, x + left)
                    sums[place] = sums.get(place, 0) + value
            groups.append(group)
    return groups, useful, issued, read, sums
