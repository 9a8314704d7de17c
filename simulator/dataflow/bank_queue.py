"""Products scattered over accumulator banks with short queues: who waits for which bank (docs/model/sparse_engines.md).

A step issues activations x weights at once; each product goes to its bank's queue, and each bank takes one a cycle.
Neighbouring output channels lie in neighbouring banks, and neighbouring places a step's weights apart: the products of
neighbours never meet.
"""

from typing import Any

import numpy as np

from simulator._jit import kernel
from simulator.records import int_fields

ACTIVATION = int_fields("y", "x", "bank")
"""A non-zero activation's place in its PE's tile, and its share of its products' banks."""

WEIGHT = int_fields("r", "s", "bank")
"""A non-zero weight's place in the kernel, and its share: a product's two shares sum to its bank, modulo the banks."""

SCATTER = int_fields(
    "lanes_activations",  # I: activations of a step
    "lanes_weights",  # F: weights of a step
    "banks",
    "queue_entries",  # of each bank
    "first_row",  # of the tile, in the plane
    "first_column",
    "plane_rows",  # outputs outside of it are dropped
    "plane_columns",
)
"""The scatter network of a PE, and the tile before it."""

SCATTERED = int_fields("steps", "stall_cycles", "tail_cycles", "products", "dropped", "activation_words")
"""Steps, cycles they waited for a bank, cycles until the last queue is empty, products, those of no output, and vectors
of activations read: each once, where the channel has weights."""

Array = Any
Record = Any


@kernel(inlined=True)
def _scatter(activations: Array, weights: Array, scatter: Record, hits: Array) -> int:
    """Count the products that each bank gets in ``hits[0]``, list these banks in ``hits[1]``; return how many."""
    hit = 0
    for a in range(activations.size):
        row = scatter.first_row + activations[a].y
        column = scatter.first_column + activations[a].x
        for w in range(weights.size):
            inside_rows = 0 <= row - weights[w].r < scatter.plane_rows
            inside_columns = 0 <= column - weights[w].s < scatter.plane_columns
            if inside_rows and inside_columns:
                bank = activations[a].bank + weights[w].bank
                if bank >= scatter.banks:
                    bank -= scatter.banks
                if hits[0, bank] == 0:
                    hits[1, hit] = bank
                    hit += 1
                hits[0, bank] += 1
    return hit


@kernel(inlined=True)
def _issue(hits: Array, hit: int, free_cycle: Array, cycle: int, entries: int) -> int:
    """Wait until every bank that is hit has room, and queue the products; return the cycle. Clears ``hits``.

    An empty queue takes any number of products.
    """
    start = cycle
    for i in range(hit):
        bank = hits[1, i]
        start = max(start, free_cycle[bank] - max(0, entries - hits[0, bank]))
    for i in range(hit):
        bank = hits[1, i]
        free_cycle[bank] = max(free_cycle[bank], start + 1) + hits[0, bank]
        hits[0, bank] = 0
    return start


@kernel(inlined=True)
def _total(hits: Array, hit: int) -> int:
    products = 0
    for i in range(hit):
        products += hits[0, hits[1, i]]
    return products


@kernel
def scatter_channel(
    activations: Array, weights: Array, scatter: Record, hits: Array, free_cycle: Array, outcome: Record
) -> None:
    """Multiply all ``activations`` with all ``weights`` of a channel; add to ``outcome``.

    ``hits`` [2, banks] is zeroed scratch; ``free_cycle`` [banks] is when each bank's queue is empty, counted from the
    group's first cycle, and moves along. A step waits until every bank it hits has room (or is empty), and its
    products enter the queues in the cycle in which it issues; a bank takes one a cycle from the next cycle on.
    """
    step_activations, step_weights = scatter.lanes_activations, scatter.lanes_weights
    for first_a in range(0, activations.size, step_activations):
        some_activations = activations[first_a : first_a + step_activations]
        outcome.activation_words += weights.size > 0
        for first_w in range(0, weights.size, step_weights):
            some_weights = weights[first_w : first_w + step_weights]
            hit = _scatter(some_activations, some_weights, scatter, hits)
            products = some_activations.size * some_weights.size
            outcome.products += products
            outcome.dropped += products - _total(hits, hit)
            cycle = outcome.steps + outcome.stall_cycles
            outcome.stall_cycles += _issue(hits, hit, free_cycle, cycle, scatter.queue_entries) - cycle
            outcome.steps += 1


@kernel
def scatter_group(
    activations: Array, activation_begin: Array, weights: Array, weight_begin: Array, scatter: Array, outcome: Array
) -> None:
    """Run one group of outputs on every PE; fill ``outcome`` [pes].

    ``activations`` of all PEs and channels one behind the other, from ``activation_begin`` [pes, channels + 1];
    ``weights`` of the group from ``weight_begin`` [channels + 1]; ``scatter`` [pes].
    """
    for pe in range(outcome.size):
        free_cycle, hits = np.zeros(scatter[pe].banks, np.int64), np.zeros((2, scatter[pe].banks), np.int64)
        for channel in range(weight_begin.size - 1):
            some = activations[activation_begin[pe, channel] : activation_begin[pe, channel + 1]]
            kernels = weights[weight_begin[channel] : weight_begin[channel + 1]]
            scatter_channel(some, kernels, scatter[pe], hits, free_cycle, outcome[pe])
        end = outcome[pe].steps + outcome[pe].stall_cycles
        outcome[pe].tail_cycles = max(0, free_cycle.max() - end)
