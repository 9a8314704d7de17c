"""An N:M multiprocessor from the drawing in docs/model/sparse_engines.md: blocks cut by hand, stations stepped."""

from tests.oracle import tandem_oracle


def kept_of(inner, n, m):
    """Places of the reduction that are stored: the first n of every m."""
    return [i for i in range(inner) if i % m < n]


def steps_of(inner, n, m, block_inner):
    """(kept places, activations that they choose from) of each step."""
    kept = kept_of(inner, n, m)
    steps, begin = [], 0
    for first in range(0, len(kept), block_inner):
        chosen = kept[first : first + block_inner]
        # groups are finished one place after the other: the m places of a group belong to its n kept ones evenly
        end = inner if first + block_inner >= len(kept) else (first + block_inner) * m // n
        end = min(end, inner)  # a last group that is cut short has fewer places than m
        steps.append((chosen, range(begin, end)))
        begin = end
    return steps


def run(sizes, n, m, hardware):
    """Return (cycles, busy cycles of each multiprocessor)."""
    rows, inner, cols = sizes
    place_bits = (m - 1).bit_length() if n < m else 0
    blocks = [
        (range(r, min(r + hardware.block_rows, rows)), range(c, min(c + hardware.block_cols, cols)))
        for r in range(0, rows, hardware.block_rows)
        for c in range(0, cols, hardware.block_cols)
    ]
    totals, busy = [], []
    for processor in range(hardware.multiprocessors):
        fetch, multiply, store = [], [], []
        for block_rows, block_cols in blocks[processor :: hardware.multiprocessors]:
            steps = steps_of(inner, n, m, hardware.block_inner)
            for number, (kept, activations) in enumerate(steps):
                weight_bytes = -(-len(block_rows) * len(kept) * (hardware.value_bits + place_bits) // 8)
                activation_bytes = -(-len(activations) * len(block_cols) * hardware.value_bits // 8)
                fetch.append(-(-(weight_bytes + activation_bytes) // hardware.operand_bytes_per_cycle))
                multiply.append(-(-len(block_rows) * len(kept) * len(block_cols) // hardware.macs_per_cycle))
                result_bytes = -(-len(block_rows) * len(block_cols) * hardware.output_bits // 8)
                last = number == len(steps) - 1
                store.append(-(-result_bytes // hardware.operand_bytes_per_cycle) if last else 0)
        if fetch:
            left = tandem_oracle.run([fetch, multiply, store], [hardware.buffers, 2], [-1] * len(fetch), -1)
            totals.append(left[-1][-1])
        busy.append(sum(multiply))
    return max(totals), busy
