"""Products scattered over accumulator banks with short queues: who waits for which bank (docs/model/sparse_engines.md).

A step issues activations x weights at once; each product goes to its bank's queue, and each bank takes one a cycle.
Neighbouring output channels lie in neighbouring banks, and neighbouring places a step's weights apart: the products of
neighbours never meet.
"""

from typing import Any

import numpy as np

from simulator._jit import kernel
from simulator.records import int_fields

ACTIVATION = int_fields("y", "x")
"""A non-zero activation's place in its PE's tile."""

WEIGHT = int_fields("k", "r", "s")
"""A non-zero weight: output channel of its group, and place in the kernel."""

SCATTER = int_fields(
    "lanes_activations",  # I: activations of a step
    "lanes_weights",  # F: weights of a step
    "banks",
    "queue_entries",  # of each bank
    "kernel_rows",
    "kernel_columns",
    "tile_columns",  # of the accumulators' plane: activations' columns + kernel_columns - 1
    "first_row",  # of the tile, in the plane
    "first_column",
    "plane_rows",  # outputs outside of it are dropped
    "plane_columns",
)
"""The scatter network of a PE, and the tile before it."""

SCATTERED = int_fields("steps", "stall_cycles", "tail_cycles", "products", "dropped")
"""Steps, cycles they waited for a bank, cycles until the last queue is empty, products, and those of no output."""

Array = Any
Record = Any


@kernel(inlined=True)
def _waits(hits: Array, free_cycle: Array, cycle: int, entries: int) -> int:
    """Return the cycles until every bank that is hit has room: an empty queue takes any number of products."""
    wait = 0
    for bank in range(hits.size):
        if hits[bank] > 0:
            queued = free_cycle[bank] - cycle
            wait = max(wait, queued - max(0, entries - hits[bank]))
    return wait


@kernel(inlined=True)
def _scatter(activations: Array, weights: Array, scatter: Record, hits: Array) -> int:
    """Count the products that each bank gets; return how many belong to no output."""
    dropped = 0
    for a in range(activations.size):
        for w in range(weights.size):
            row = activations[a].y + scatter.kernel_rows - 1 - weights[w].r
            column = activations[a].x + scatter.kernel_columns - 1 - weights[w].s
            inside_rows = 0 <= row + scatter.first_row - scatter.kernel_rows + 1 < scatter.plane_rows
            inside_columns = 0 <= column + scatter.first_column - scatter.kernel_columns + 1 < scatter.plane_columns
            if inside_rows and inside_columns:
                place = row * scatter.tile_columns + column
                hits[(place * scatter.lanes_weights + weights[w].k) % scatter.banks] += 1
            else:
                dropped += 1
    return dropped


@kernel
def scatter_channel(
    activations: Array, weights: Array, scatter: Record, hits: Array, free_cycle: Array, outcome: Record
) -> None:
    """Multiply all ``activations`` with all ``weights`` of a channel; add to ``outcome``.

    ``hits`` [banks] is zeroed scratch; ``free_cycle`` [banks] is when each bank's queue is empty, counted from the
    group's first cycle, and moves along. A step waits until every bank it hits has room (or is empty), and its
    products enter the queues in the cycle in which it issues; a bank takes one a cycle from the next cycle on.
    """
    step_activations, step_weights = scatter.lanes_activations, scatter.lanes_weights
    for first_a in range(0, activations.size, step_activations):
        some_activations = activations[first_a : first_a + step_activations]
        for first_w in range(0, weights.size, step_weights):
            some_weights = weights[first_w : first_w + step_weights]
            outcome.dropped += _scatter(some_activations, some_weights, scatter, hits)
            outcome.products += some_activations.size * some_weights.size
            cycle = outcome.steps + outcome.stall_cycles
            wait = _waits(hits, free_cycle, cycle, scatter.queue_entries)
            cycle += wait
            for bank in range(hits.size):
                if hits[bank] > 0:
                    free_cycle[bank] = max(free_cycle[bank], cycle + 1) + hits[bank]
                    hits[bank] = 0
            outcome.steps += 1
            outcome.stall_cycles += wait


@kernel
def scatter_group(
    activations: Array, activation_begin: Array, weights: Array, weight_begin: Array, scatter: Array, outcome: Array
) -> None:
    """Run one group of outputs on every PE; fill ``outcome`` [pes].

    ``activations`` of all PEs and channels one behind the other, from ``activation_begin`` [pes, channels + 1];
    ``weights`` of the group from ``weight_begin`` [channels + 1]; ``scatter`` [pes].
    """
    for pe in range(outcome.size):
        free_cycle, hits = np.zeros(scatter[pe].banks, np.int64), np.zeros(scatter[pe].banks, np.int64)
        for channel in range(weight_begin.size - 1):
            some = activations[activation_begin[pe, channel] : activation_begin[pe, channel + 1]]
            kernels = weights[weight_begin[channel] : weight_begin[channel + 1]]
            scatter_channel(some, kernels, scatter[pe], hits, free_cycle, outcome[pe])
        end = outcome[pe].steps + outcome[pe].stall_cycles
        outcome[pe].tail_cycles = max(0, free_cycle.max() - end)
