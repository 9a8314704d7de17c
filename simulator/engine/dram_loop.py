"""The event loop over a command-level DRAM: the same steps, queues and slots as over a bandwidth.

A transfer is one or a few descriptors, handed to the memory at once, and done when the last of them is. What the
channels did since the last completion is counted for the layer of the transfer that completes.
"""

from typing import NamedTuple

from simulator._jit import kernel
from simulator.engine.event_loop import ADVANCE, FINISHED, SUBMIT, RunTables, next_action, take_head
from simulator.memory import bandwidth
from simulator.memory.bandwidth import BandwidthMemory
from simulator.memory.codec import decode
from simulator.memory.dram_feed_kernel import DramMemory, run_channel
from simulator.memory.dram_join_kernel import part_all
from simulator.memory.dram_memory import begin_drain, last_burst, next_event, next_stop, settle, submit
from simulator.memory.dram_state import COUNTS, COUNTS_WORD
from simulator.memory.dram_twins_kernel import count_of
from simulator.records import NONE, UNKNOWN_CYCLE, Table, int_fields

COMMANDS = int_fields(*COUNTS)
"""What the channels did for a layer: commands, idle cycles of their data buses by the constraint that ended last."""

PIECE_TIMES = int_fields("begin_cycle", "done_cycle")
"""Of one descriptor, in cycles of the core."""

PORT_STATE = int_fields(
    "under_way",  # transfers submitted and not done
    "empty",  # a transfer without bytes, done as soon as it is submitted, or NONE
    "empty_cycle",
    "last_layer",  # of the transfer that completed last
    "drained_cycle",  # DRAM cycle in which the last posted write left
    "latency_cycles",  # core cycles from the first burst's acceptance to its data, as the decoder counts them
    "stretches",  # of STRETCH, complete
    "since_cycle",  # begin of the stretch under way
    "was_idle",  # 1: nothing was under way before it began
)

NAMES_BEFORE = 3
STRETCH = int_fields("begin_cycle", "end_cycle", "was_idle", *COUNTS)
"""What the channels did from one completion to the next, in core cycles, while transfers were under way; ``was_idle``:
it began with a submission."""


class DramPort(NamedTuple):
    """A DRAM and the descriptors of the tape's transfers."""

    dram: DramMemory
    spans: Table  # int64 [transfers + 1]: first descriptor of each transfer
    pieces: Table  # PIECE_TIMES, one a descriptor
    under_way: Table  # int64 [transfers]: ids, the first ``under_way`` count
    state: Table  # PORT_STATE, one record
    layers: Table  # int64 [layers, fields of COMMANDS]
    counted: Table  # int64 [fields of COMMANDS]: what has been given to layers
    stretches: Table  # int64 [transfers + 1, fields of STRETCH]; the last is for what no transfer waits for


class Scratchpad(NamedTuple):
    """What cores share: a port, and which transfers pass it instead of the DRAM."""

    port: BandwidthMemory
    on_chip: Table  # int64 [transfers]: 1 for those


@kernel(borrows=True)
def run_tape_on_dram(run: RunTables, port: DramPort, shared: Scratchpad | None) -> None:
    """Run the tape to its end, or leave the cycle of a deadlock in ``progress.stuck_cycle``; drain posted writes.

    Where nothing is ``shared``, what is only done for it is not compiled.
    """
    dram, state = port.dram, port.state[0]
    state.empty = NONE
    action = SUBMIT
    while action != FINISHED:
        due = _next_event(port)
        if shared is not None:
            due = min(due, bandwidth.next_event(shared.port))
        action, cycle, queue = next_action(run, due)
        if action == SUBMIT:
            index = take_head(run, queue, cycle)
            if shared is not None and shared.on_chip[index] == 1:
                bandwidth.submit(shared.port, cycle, run.transfers[index], index)
            else:
                _submit(run, port, index, cycle)
        elif action == ADVANCE:
            goes_on = state.empty == NONE
            run.progress[0].transfers_done += _complete_empty(run, port)
            if shared is not None:
                run.progress[0].transfers_done += bandwidth.advance(shared.port, cycle, run.transfers)
            while goes_on:  # as simulator.memory.dram_memory.advance: one level of calls less to compile
                due, until_cycle = next_stop(dram, cycle)
                for channel in range(dram.channels.shape[0]):
                    run_channel(dram, channel, until_cycle)
                completed, goes_on = settle(dram, cycle, due, until_cycle, port.pieces)
                if completed > 0:
                    run.progress[0].transfers_done += _complete(run, port)
    _drain(run, port)


@kernel(borrows=True)
def run_tape_on_dram_and_scratchpad(run: RunTables, port: DramPort, shared: Scratchpad) -> None:
    """Do so where cores share a scratchpad: under a name of its own one can tell whether that is compiled."""
    run_tape_on_dram(run, port, shared)


@kernel(borrows=True)
def _drain(run: RunTables, port: DramPort) -> None:
    """Let posted writes leave, unless the run is stuck."""
    dram, state = port.dram, port.state[0]
    if run.progress[0].stuck_cycle != UNKNOWN_CYCLE:
        return
    part_all(dram)
    for index in range(dram.channels.shape[0]):
        begin_drain(dram.channels[index], dram.port[0].cycle)
        while dram.channels[index].writes_pending > 0:
            run_channel(dram, index, dram.channels[index].cycle + dram.channels[index].refresh_interval)
    state.drained_cycle = last_burst(dram)
    _count(port, state.last_layer, port.stretches.shape[0] - 1)


@kernel(borrows=True)
def _next_event(port: DramPort) -> int:
    """Return the cycle of the next completion, or an earlier one, or NEVER."""
    state = port.state[0]
    return int(state.empty_cycle) if state.empty != NONE else int(next_event(port.dram))


@kernel(borrows=True)
def _submit(run: RunTables, port: DramPort, index: int, cycle: int) -> None:
    """Hand the descriptors of transfer ``index`` to the memory."""
    state = port.state[0]
    first, behind = port.spans[index], port.spans[index + 1]
    run.transfers[index].begin_cycle = cycle
    if first == behind:
        state.empty, state.empty_cycle = index, cycle
        return
    for piece in range(first, behind):
        port.pieces[piece].done_cycle = UNKNOWN_CYCLE
        submit(port.dram, cycle, port.pieces[piece], piece, run.transfers[index].queue)
    if state.under_way == 0:
        state.since_cycle, state.was_idle = cycle, 1
    port.under_way[state.under_way] = index
    state.under_way += 1


@kernel(borrows=True)
def _complete_empty(run: RunTables, port: DramPort) -> int:
    """Complete the transfer without bytes that was submitted, if one was; return how many that is."""
    state = port.state[0]
    if state.empty == NONE:
        return 0
    run.transfers[state.empty].done_cycle = run.transfers[state.empty].arrived_cycle = state.empty_cycle
    state.empty = NONE
    return 1


@kernel(borrows=True)
def _complete(run: RunTables, port: DramPort) -> int:
    """Complete the transfers whose descriptors are all done; return how many."""
    state = port.state[0]
    kept, done = 0, 0
    for place in range(state.under_way):
        index = port.under_way[place]
        if _is_done(run, port, index):
            state.last_layer = run.transfers[index].layer
            done = max(done, run.transfers[index].arrived_cycle)
        else:
            port.under_way[kept] = index
            kept += 1
    completed = state.under_way - kept
    state.under_way = kept
    if completed > 0:
        _count(port, state.last_layer, _stretch(port, done))
    return int(completed)


@kernel(borrows=True)
def _is_done(run: RunTables, port: DramPort, index: int) -> bool:
    """Fill a transfer's times if all its descriptors are done; say whether they are."""
    begin, done = port.pieces[port.spans[index]].begin_cycle, 0
    for piece in range(port.spans[index], port.spans[index + 1]):
        if port.pieces[piece].done_cycle == UNKNOWN_CYCLE:
            return False
        begin = min(begin, port.pieces[piece].begin_cycle)
        done = max(done, port.pieces[piece].done_cycle)
    run.transfers[index].begin_cycle = begin
    run.transfers[index].arrived_cycle = done
    decode(run.cores[run.transfers[index].queue], run.transfers[index], begin + port.state[0].latency_cycles)
    return True


@kernel(borrows=True)
def _stretch(port: DramPort, cycle: int) -> int:
    """End a stretch at ``cycle``, unless one has ended there; return which it is. The next begins."""
    state = port.state[0]
    if state.stretches == 0 or port.stretches[state.stretches - 1, 1] < cycle:
        place = port.stretches[state.stretches]
        place[0], place[1], place[2] = state.since_cycle, cycle, state.was_idle
        state.stretches += 1
    state.since_cycle, state.was_idle = cycle, 0
    return int(state.stretches - 1)


@kernel(borrows=True)
def _count(port: DramPort, layer: int, stretch: int) -> None:
    """Give ``layer`` and ``stretch`` what the channels did since the last count."""
    for number in range(port.layers.shape[1]):
        total = count_of(port.dram.twins, COUNTS_WORD + number)
        port.layers[layer, number] += total - port.counted[number]
        port.stretches[stretch, NAMES_BEFORE + number] += total - port.counted[number]
        port.counted[number] = total
