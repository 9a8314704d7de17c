"""Cnvlutin stepped cycle by cycle, from the drawing in docs/model/sparse_engines.md."""


def window_bricks(activations, top, left, kernel, brick):
    """Bricks of one window in order (r, s, channels); None where they lie outside the plane."""
    channels, height, width = len(activations), len(activations[0]), len(activations[0][0])
    for r in range(kernel[0]):
        for s in range(kernel[1]):
            y, x = top + r, left + s
            for first in range(0, channels, brick):
                if 0 <= y < height and 0 <= x < width:
                    yield [(c, r, s, activations[c][y][x]) for c in range(first, min(first + brick, channels))]
                else:
                    yield None


def walk(queues, kernels, idle_filters, spent):
    """Step one window until all lanes are through; returns (cycles, sums)."""
    cycle, totals = 0, [0] * len(kernels)
    while any(queues):
        cycle += 1
        spent["imbalance"] += idle_filters * len(queues)
        for queue in queues:
            if not queue:
                spent["imbalance"] += len(kernels)
                continue
            item = queue.pop(0)
            spent["useful" if item else "empty_column"] += len(kernels)
            if item:
                c, r, s, value = item
                totals = [total + value * kernel[c][r][s] for total, kernel in zip(totals, kernels, strict=True)]
    return cycle, totals


def run(activations, weights, kernel, stride, padding, *, filters, lanes, brick, stages):
    """``activations`` [c][y][x], ``weights`` [k][c][r][s]; returns (cycles, outputs, multipliers' cycles by cause)."""
    spent = dict.fromkeys(("useful", "empty_column", "imbalance", "fill"), 0)
    height, width = len(activations[0]), len(activations[0][0])
    rows = range(-padding[0], height + padding[0] - kernel[0] + 1, stride[0])
    columns = range(-padding[1], width + padding[1] - kernel[1] + 1, stride[1])
    cycle = 0
    sums = {}
    for first in range(0, len(weights), filters):
        at_work = weights[first : first + filters]
        for top, left in ((y, x) for y in rows for x in columns):
            queues = [[] for _ in range(lanes)]
            for number, values in enumerate(window_bricks(activations, top, left, kernel, brick)):
                if values is not None:
                    queues[number % lanes] += [item for item in values if item[3]] or [None]
            cycles, totals = walk(queues, at_work, filters - len(at_work), spent)
            cycle += cycles
            sums |= {(first + i, top, left): total for i, total in enumerate(totals)}
    spent["fill"] = (stages - 1) * filters * lanes
    return cycle + stages - 1, sums, spent
