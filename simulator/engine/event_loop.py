"""The event loop: steps in order on each core, transfers in order in their queues, one shared memory.

A core's steps are private and in order, so their times follow as soon as all they wait for is known; only the memory is
shared, so only its events are taken in time order. Ties go to completions before submissions, then to the lower queue;
grants of a shared port come last (docs/model/cores.md). Reading: docs/model/engine.md; the oracle is
``tests/oracle/engine_oracle.py``.

A step may start before the cycle in which the engine learns of it, because an operand that it needs late may arrive
after its start. Nobody outside the core relies on its times before ``known_cycle``: so nothing is ever submitted to
the memory before what the memory has simulated.
"""

from typing import Any, NamedTuple

from simulator._jit import kernel
from simulator.memory.bandwidth import NEVER, BandwidthMemory, advance, next_event, submit
from simulator.memory.codec import encoded_cycle
from simulator.records import (
    CAUSE_DEPENDENCY,
    CAUSE_IFMAP,
    CAUSE_OFMAP_SLOT,
    CAUSE_PSUM,
    CAUSE_VECTOR,
    CAUSE_WEIGHT,
    LATE_CODEC,
    LATE_DATA,
    LATE_QUEUE,
    LATE_SLOT,
    NONE,
    PSUM,
    READ,
    UNKNOWN_CYCLE,
    VECTOR,
    WEIGHT,
    WRITE,
    Table,
    int_fields,
)

CORE = int_fields(
    "first_step",
    "next_step",
    "end_step",
    "free_cycle",  # the core takes its next step
    "vector_free_cycle",
    "known_cycle",  # every operand of the steps before next_step is on chip
    "encoder_free_cycle",
    "decoder_free_cycle",  # over a DRAM
)
"""How far a core has come in its steps, which lie together in the tape."""

PROGRESS = int_fields(
    "steps_begun",
    "transfers_done",
    "now_cycle",  # of the last thing that happened
    "stuck_cycle",  # where a deadlock was found, or UNKNOWN_CYCLE
)

SUBMIT, ADVANCE, FINISHED = range(3)


class RunTables(NamedTuple):
    """The tape and the state of a run."""

    steps: Table
    uses: Table
    transfers: Table
    afters: Table
    order: Table  # int64: transfer ids, queue by queue
    queues: Table  # int64 [queues, 3]: next, end (positions in order), cycle of the last submission
    cores: Table  # CORE, one record each
    progress: Table  # PROGRESS, one record


@kernel(inlined=True)
def run_tape(run: RunTables, memory: BandwidthMemory) -> None:
    """Run the tape to its end, or leave the cycle of a deadlock in ``progress.stuck_cycle``."""
    action = SUBMIT
    while action != FINISHED:
        action, cycle, queue = next_action(run, next_event(memory))
        if action == SUBMIT:
            index = take_head(run, queue, cycle)
            submit(memory, cycle, run.transfers[index], index)
        elif action == ADVANCE:
            run.progress[0].transfers_done += advance(memory, cycle, run.transfers)


@kernel(inlined=True)
def next_action(run: RunTables, due: int) -> tuple[int, int, int]:
    """Start what can start; return (what the memory must do next, cycle, queue) where ``due`` is its next event."""
    progress = run.progress[0]
    start_known_steps(run)
    queue, cycle = earliest_head(run)
    if queue != NONE and cycle < due:
        progress.now_cycle = cycle
        return SUBMIT, cycle, queue
    if due < NEVER:
        progress.now_cycle = due
        return ADVANCE, due, NONE
    if progress.steps_begun < run.steps.shape[0] or progress.transfers_done < run.order.shape[0]:
        progress.stuck_cycle = progress.now_cycle
    return FINISHED, progress.now_cycle, NONE


@kernel(inlined=True)
def start_known_steps(run: RunTables) -> None:
    """Start, in order on each core, every step whose constraints are all known."""
    for i in range(run.cores.shape[0]):
        core = run.cores[i]
        while core.next_step < core.end_step and _start_step(run, core, core.next_step):
            core.next_step += 1
            run.progress[0].steps_begun += 1


@kernel(inlined=True)
def _cause_of(operand: int) -> int:
    """Return the cause that waiting for an operand counts as: a residual is a second ifmap."""
    if operand == WEIGHT:
        return CAUSE_WEIGHT
    return CAUSE_PSUM if operand == PSUM else CAUSE_IFMAP


@kernel(inlined=True)
def _cause_of_source(operand: int) -> int:
    """Return the cause that waiting for an earlier step's outputs counts as."""
    return CAUSE_OFMAP_SLOT if operand == PSUM else CAUSE_DEPENDENCY


@kernel(inlined=True)
def _start_step(run: RunTables, core: Any, index: int) -> bool:  # noqa: ANN401
    """Fill the step's times if all it waits for is known; else say no."""
    step = run.steps[index]
    known, cause, latest, second, blamed = _constraints(run, core, step)
    if not known:
        return False
    occupied = max(core.free_cycle, latest)
    step.idle_cycles = occupied - core.free_cycle
    step.cause = cause if step.idle_cycles > 0 else NONE
    step.late_transfer = blamed if step.idle_cycles > 0 else NONE
    step.gain_cycles = occupied - max(core.free_cycle, second)
    step.occupied_cycle = occupied
    step.start_cycle = max(occupied, _setup_end(run, core, index))
    step.exposed_fill_cycles = step.start_cycle - occupied
    step.free_cycle = step.start_cycle + step.issue_cycles + step.bus_cycles
    done = step.start_cycle + step.latency_cycles + step.bus_cycles
    if step.resource == VECTOR:
        core.vector_free_cycle = step.free_cycle
    elif step.vector_cycles > 0:
        begin = max(core.vector_free_cycle, step.start_cycle + step.first_output_cycles)
        done = max(done, begin + step.vector_cycles)
        core.vector_free_cycle = done
    step.output_cycle = done
    core.free_cycle = step.free_cycle
    core.known_cycle = max(core.known_cycle, _operands_done(run, step))
    step.known_cycle = core.known_cycle
    return True


@kernel(inlined=True)
def _operands_done(run: RunTables, step: Any) -> int:  # noqa: ANN401
    """Return when the last of the step's transfers is done, those that it needs late included."""
    done = 0
    for i in range(step.first_use, step.first_use + step.uses):
        if run.uses[i].transfer != NONE:
            done = max(done, run.transfers[run.uses[i].transfer].done_cycle)
    return done


@kernel(inlined=True)
def _setup_end(run: RunTables, core: Any, index: int) -> int:  # noqa: ANN401
    """Return when the first fold's stationary operand is in the array, loaded as early as array and data allow."""
    step = run.steps[index]
    if step.setup_cycles == 0:
        return 0
    begin = core.free_cycle
    if index > core.first_step:
        before = run.steps[index - 1]
        if step.shadow_free_cycles != NONE and before.shadow_free_cycles != NONE:
            begin = before.start_cycle + before.shadow_free_cycles
    for i in range(step.first_use, step.first_use + step.uses):
        use = run.uses[i]
        if use.need_cycles >= 0:
            continue
        if use.source_step != NONE:
            begin = max(begin, run.steps[use.source_step].output_cycle)
        if use.transfer != NONE:
            begin = max(begin, run.transfers[use.transfer].done_cycle)
        elif step.wait_step != NONE:  # a recurrent operand: that step writes it
            begin = max(begin, run.steps[step.wait_step].output_cycle)
    return int(begin + step.setup_cycles)


@kernel(inlined=True)
def _rank(found: tuple[int, int, int, int], cycle: int, reason: int, blamed: int) -> tuple[int, int, int, int]:
    """Return (latest cycle, second latest, cause of the latest, its transfer) with one more constraint."""
    latest, second, cause, transfer = found
    if cycle > latest or (cycle == latest and reason < cause):
        return cycle, latest, reason, blamed
    return latest, max(second, cycle), cause, transfer


@kernel(inlined=True)
def _constraints(run: RunTables, core: Any, step: Any) -> tuple[bool, int, int, int, int]:  # noqa: ANN401
    """Return (all known, cause of the latest, its cycle, second latest cycle, transfer of the latest or NONE)."""
    found = (-1, -1, NONE, NONE)
    for i in range(step.first_use, step.first_use + step.uses):
        use = run.uses[i]
        if use.source_step != NONE:
            cycle = run.steps[use.source_step].output_cycle
            if cycle == UNKNOWN_CYCLE:  # no earlier step: it can never be known
                return False, NONE, 0, 0, NONE
            found = _rank(found, cycle - max(0, use.need_cycles), _cause_of_source(use.operand), NONE)
        if use.transfer == NONE:
            continue
        transfer = run.transfers[use.transfer]
        if transfer.done_cycle == UNKNOWN_CYCLE:
            return False, NONE, 0, 0, NONE
        reason = _cause_of(use.operand)
        if use.operand == PSUM and transfer.direction != READ:
            reason = CAUSE_OFMAP_SLOT
        found = _rank(found, transfer.done_cycle - max(0, use.need_cycles), reason, use.transfer)
    if step.wait_step != NONE:
        cycle = run.steps[step.wait_step].output_cycle
        if cycle == UNKNOWN_CYCLE:
            return False, NONE, 0, 0, NONE
        found = _rank(found, cycle, CAUSE_DEPENDENCY, NONE)
    if step.resource == VECTOR:
        found = _rank(found, core.vector_free_cycle, CAUSE_VECTOR, NONE)
    latest, second, cause, blamed = found
    return True, cause, latest, second, blamed


@kernel(inlined=True)
def earliest_head(run: RunTables) -> tuple[int, int]:
    """Return (queue, cycle) of the first transfer that can be submitted, or (NONE, 0)."""
    best, best_cycle = NONE, 0
    for q in range(run.queues.shape[0]):
        if run.queues[q, 0] == run.queues[q, 1]:
            continue
        cycle = _head_ready(run, run.transfers[run.order[run.queues[q, 0]]], run.queues[q, 2])
        if cycle != UNKNOWN_CYCLE and (best == NONE or cycle < best_cycle):
            best, best_cycle = q, cycle
    return best, best_cycle


@kernel(inlined=True)
def _head_ready(run: RunTables, transfer: Any, queue_cycle: int) -> int:  # noqa: ANN401
    """Return when the head of a queue can be submitted, or UNKNOWN_CYCLE; note what it waited for last."""
    ready, late = queue_cycle, LATE_QUEUE
    if transfer.free_step != NONE:
        cycle = _slot_free(run, transfer)
        if cycle == UNKNOWN_CYCLE:
            return UNKNOWN_CYCLE
        if cycle > ready:
            ready, late = cycle, LATE_SLOT
    data = _data_ready(run, transfer)
    if data == UNKNOWN_CYCLE:
        return UNKNOWN_CYCLE
    if data > ready:
        ready, late = data, LATE_DATA
    if transfer.codec_cycles > 0 and transfer.direction == WRITE:
        cycle = encoded_cycle(run.cores[transfer.queue], transfer, data)
        if cycle > ready:
            ready, late = cycle, LATE_CODEC
    transfer.late_because = late
    return int(ready)


@kernel(inlined=True)
def _data_ready(run: RunTables, transfer: Any) -> int:  # noqa: ANN401
    """Return when what the transfer stores or reads exists (0: from the start), or UNKNOWN_CYCLE."""
    ready = 0
    if transfer.data_step != NONE:
        if not _has_begun(run, transfer.data_step):
            return UNKNOWN_CYCLE
        ready = max(run.steps[transfer.data_step].output_cycle, run.steps[transfer.data_step].known_cycle)
    for i in range(transfer.first_after, transfer.first_after + transfer.afters):
        cycle = run.transfers[run.afters[i]].done_cycle
        if cycle == UNKNOWN_CYCLE:
            return UNKNOWN_CYCLE
        ready = max(ready, cycle)
    return int(ready)


@kernel(inlined=True)
def _has_begun(run: RunTables, step: int) -> bool:
    """Say whether the times of a step are known."""
    return bool(step < run.cores[run.steps[step].core].next_step)


@kernel(inlined=True)
def _slot_free(run: RunTables, transfer: Any) -> int:  # noqa: ANN401
    """Return when the step that last used the transfer's slot lets it go, or UNKNOWN_CYCLE."""
    if not _has_begun(run, transfer.free_step):
        return UNKNOWN_CYCLE
    step = run.steps[transfer.free_step]
    if transfer.free_use == NONE:
        return int(max(step.output_cycle, step.free_cycle, step.known_cycle))
    return int(max(step.start_cycle + run.uses[step.first_use + transfer.free_use].free_cycles, step.known_cycle))


@kernel(inlined=True)
def take_head(run: RunTables, queue: int, cycle: int) -> int:
    """Take the head of ``queue``, which is submitted at ``cycle``; return its index."""
    index = run.order[run.queues[queue, 0]]
    run.queues[queue, 0] += 1
    run.queues[queue, 2] = cycle
    transfer = run.transfers[index]
    transfer.submit_cycle = cycle
    if transfer.codec_cycles > 0 and transfer.direction == WRITE:
        core = run.cores[transfer.queue]
        core.encoder_free_cycle = encoded_cycle(core, transfer, _data_ready(run, transfer))
    return int(index)


@kernel(inlined=True)
def prepare(run: RunTables) -> None:
    """Mark every time of the tape as unknown."""
    run.progress[0].stuck_cycle = UNKNOWN_CYCLE
    for i in range(run.steps.shape[0]):
        run.steps[i].output_cycle = UNKNOWN_CYCLE
    for i in range(run.transfers.shape[0]):
        run.transfers[i].done_cycle = UNKNOWN_CYCLE
        run.transfers[i].submit_cycle = UNKNOWN_CYCLE
        run.transfers[i].begin_cycle = UNKNOWN_CYCLE
        run.transfers[i].arrived_cycle = UNKNOWN_CYCLE
