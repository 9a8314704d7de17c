"""EIE's timing law: one pass over the broadcasts, all PEs at a time (docs/model/eie.md; Han et al., ISCA 2016)."""

from typing import Any

from simulator._jit import kernel
from simulator.records import int_fields

EIE_QUEUES = int_fields("pes", "usable_slots", "inputs", "activation_rows")
"""PEs, activations a queue can hold, activations of the layer, and rows of ``pes`` lanes that the detector scans."""

EIE_OUTCOME = int_fields(
    "last_broadcast_cycle",
    "scan_end_cycle",  # the detector has seen its last row
    "last_ready_cycle",  # the slowest PE is done
    "bubbles",  # detector cycles that found nothing, the ones behind the last broadcast included
    "blocked_cycles",
    "back_pressure_pe_cycles",
)
"""What :func:`broadcast_columns` finds."""

Array = Any
Record = Any
Scalar = Any
"""An integer of the type of the array beside it."""


@kernel(inlined=True)
def _waiting_pe_cycles(ready: Array, unblocked: Scalar, start: Scalar) -> Scalar:
    """Sum the cycles that PEs stand idle in [unblocked, start): the blocked broadcast's alone."""
    waiting = 0
    for pe in range(ready.size):
        waiting += start - min(max(ready[pe], unblocked), start)
    return waiting


@kernel(inlined=True)
def _pop_column(ready: Array, work: Array, column: int, start: Scalar) -> Scalar:
    """Every PE takes a column popped no earlier than ``start``; return the latest pop."""
    latest = start
    for pe in range(ready.size):
        pop = max(ready[pe], start)
        latest = max(latest, pop)
        ready[pe] = pop + work[column, pe]
    return latest


@kernel
def broadcast_columns(
    work: Array, positions: Array, queues: Record, ready: Array, pop_latest: Array, outcome: Record
) -> None:
    """Run all broadcasts of one batch; fill ``ready`` [pes] with each PE's last cycle and ``outcome``.

    ``work`` [columns, pes] is the cycles of each column on each PE (at least 1); ``positions`` [broadcasts] are the
    non-zero activations in order, as row x pes + lane: the bias is at lane 0 of the last row. ``pop_latest``
    [broadcasts] is left holding the cycle of each activation's last pop. Cycles count from the first row's scan.
    """
    pes = queues.pes
    slots = queues.usable_slots
    row_end = pes
    last_position = -1
    broadcast_cycle = -1
    for j in range(positions.size):
        position = positions[j]
        if position >= row_end:
            skipped_rows = (position - row_end) // pes
            bubbles = skipped_rows + (1 if last_position + 1 < row_end else 0)
            row_end += (skipped_rows + 1) * pes
            outcome.bubbles += bubbles
            broadcast_cycle += bubbles
        broadcast_cycle += 1
        last_position = position
        if j >= slots:
            unblocked = pop_latest[j - slots] + 1
            if unblocked > broadcast_cycle:
                outcome.blocked_cycles += unblocked - broadcast_cycle
                outcome.back_pressure_pe_cycles += _waiting_pe_cycles(
                    ready, ready.dtype.type(broadcast_cycle + 1), ready.dtype.type(unblocked + 1)
                )
                broadcast_cycle = unblocked
        start = ready.dtype.type(broadcast_cycle + 1)
        pop_latest[j] = _pop_column(ready, work, min(position, queues.inputs), start)
    behind = (1 if last_position + 1 < row_end else 0) + queues.activation_rows - row_end // pes
    outcome.bubbles += behind
    outcome.last_broadcast_cycle = broadcast_cycle
    outcome.scan_end_cycle = broadcast_cycle + 1 + behind
    outcome.last_ready_cycle = ready.max()


@kernel
def count_row_reads(first_row: Array, last_row: Array, columns: Array, held_row: Array, rows_read: Array) -> None:
    """Add to ``rows_read`` [pes] the weight rows that each PE reads for ``columns`` in order.

    ``first_row`` and ``last_row`` [columns, pes] are where a column lies; the last is -1 where it has no entries.
    ``held_row`` [pes] is each PE's row buffer.
    """
    for j in range(columns.size):
        column = columns[j]
        for pe in range(held_row.size):  # without branches: this loop is as wide as the machine's vectors
            first, last, held = first_row[column, pe], last_row[column, pe], held_row[pe]
            stored = last >= 0
            rows_read[pe] += (last - first + (1 if first != held else 0)) * stored
            held_row[pe] = last if stored else held


@kernel
def sum_columns(counts: Array, columns: Array, totals: Array) -> None:
    """Add the ``columns`` of ``counts`` [columns, pes] to ``totals`` [pes]: what each PE has to do."""
    for j in range(columns.size):
        column = columns[j]
        for pe in range(totals.size):
            totals[pe] += counts[column, pe]
