"""Broadcasts into bounded queues: one pass over the broadcasts, all PEs at a time (docs/model/eie.md; EIE and ESE)."""

from typing import Any

from simulator._jit import kernel
from simulator.records import int_fields

QUEUES = int_fields("pes", "usable_slots", "activation_rows", "names_waits")
"""PEs, activations a queue can hold, rows of ``pes`` lanes that the detector scans, and 1 to count who waits."""

OUTCOME = int_fields(
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
    work: Array, spots: Array, queues: Record, ready: Array, pop_latest: Array, outcome: Record
) -> None:
    """Run all broadcasts of one batch; fill ``ready`` [pes] with each PE's last cycle and ``outcome``.

    ``work`` [columns, pes] is the cycles of each column on each PE (at least 1); ``spots`` [2, broadcasts] says of the
    non-zero activations, in order, where the detector finds each (row x pes + lane) and which row of ``work`` is its
    column. ``pop_latest`` [broadcasts] is left holding the cycle of each activation's last pop. Cycles count from the
    first row's scan.
    """
    pes = queues.pes
    slots = queues.usable_slots
    row_end = pes
    last_position = -1
    broadcast_cycle = -1
    for j in range(pop_latest.size):
        position = spots[0, j]
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
                if queues.names_waits:
                    outcome.back_pressure_pe_cycles += _waiting_pe_cycles(
                        ready, ready.dtype.type(broadcast_cycle + 1), ready.dtype.type(unblocked + 1)
                    )
                broadcast_cycle = unblocked
        start = ready.dtype.type(broadcast_cycle + 1)
        pop_latest[j] = _pop_column(ready, work, spots[1, j], start)
    behind = (1 if last_position + 1 < row_end else 0) + queues.activation_rows - row_end // pes
    outcome.bubbles += behind
    outcome.last_broadcast_cycle = broadcast_cycle
    outcome.scan_end_cycle = broadcast_cycle + 1 + behind
    outcome.last_ready_cycle = ready.max()
