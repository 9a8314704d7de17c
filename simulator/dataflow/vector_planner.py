"""Vector and copy layers on the tape, and the order of the DMA queue.

Vector work that is not fused behind the array runs in chunks: load, lanes, store, through the ifmap and psum buffers'
slots. A copy (a transpose or gather that moves data) is a load and a store without a step.
"""

import numpy as np

from simulator._jit import kernel
from simulator.dataflow.plan_tables import PlanInputs, PlanTables
from simulator.dataflow.slots import add_load, add_transfer, newest_slot, newest_source, wait_for, wait_for_producers
from simulator.dataflow.tiling import ceil_div
from simulator.records import IFMAP, NONE, PSUM, READ, VECTOR, WRITE, Table


@kernel(borrows=True)
def _chunk(total: int, chunks: int, index: int) -> int:
    """Return the ``index``-th of ``chunks`` nearly equal parts of ``total``."""
    whole, rest = total // chunks, total % chunks  # total * chunks may not fit 64 bits
    return whole + rest * (index + 1) // chunks - rest * index // chunks


@kernel(borrows=True)
def plan_vector_layer(plan: PlanTables, inputs: PlanInputs, index: int) -> None:
    """Put vector layer ``index`` on the tape, chunk by chunk."""
    cursor = plan.cursor[0]
    work = inputs.works[index]
    chunks = inputs.mappings[index].chunks
    for i in range(chunks):
        cursor.number = i
        resident = _chunk(work.resident_input_bits, chunks, i)
        out_bits = _chunk(work.ofmap_elements, chunks, i) * work.ofmap_bits
        load = _load_chunk(plan, inputs, (_chunk(work.input_bits - work.resident_input_bits, chunks, i), resident))
        opened = (NONE, NONE)
        if work.ofmap_in_dram == 1:
            slot = cursor.loads[PSUM] % cursor.slots[PSUM]
            opened = (cursor.slot_store[slot], cursor.slot_kept[slot])
            cursor.loads[PSUM] += 1
        step = _add_vector_step(plan, inputs, _chunk(work.operations, chunks, i))
        _add_chunk_uses(plan, inputs, load, opened)
        plan.finals[cursor.finals] = step
        cursor.finals += 1
        _leave_chunk(plan, inputs, step, out_bits)
    plan.counters[index].vector_operations += work.operations
    span = plan.spans[index]
    span.row_outer = 0
    span.row_tiles = 1


@kernel(borrows=True)
def _load_chunk(plan: PlanTables, inputs: PlanInputs, bits: tuple[int, int]) -> int:
    """Load what a chunk reads; ``bits`` = (loaded, resident in the buffer). Return the transfer, or NONE."""
    space = inputs.space[0]
    counters = plan.counters[plan.cursor[0].layer]
    word = space.word_bits[space.home[IFMAP]]
    loaded = bits[0]
    counters.ifmap_read_words += ceil_div(loaded, word) + ceil_div(bits[1], word)
    if loaded == 0 and bits[1] > 0:
        return NONE
    load = add_load(plan, IFMAP, loaded)
    wait_for_producers(plan, inputs, load, IFMAP)
    counters.ifmap_dram_bytes += plan.transfers[load].payload_bytes
    counters.ifmap_write_words += ceil_div(loaded, word)
    return load


@kernel(borrows=True)
def _add_vector_step(plan: PlanTables, inputs: PlanInputs, operations: int) -> int:
    """Append a vector step; return its id."""
    cursor = plan.cursor[0]
    index = cursor.steps
    cursor.steps += 1
    step = plan.steps[index]
    step.layer = cursor.layer
    step.core = plan.spans[cursor.layer].core
    step.resource = VECTOR
    step.issue_cycles = ceil_div(operations, inputs.space[0].vector_lanes)
    step.useful_cycles = step.issue_cycles
    step.latency_cycles = step.issue_cycles
    step.shadow_free_cycles = NONE
    step.wait_step = NONE
    step.first_use = cursor.uses
    return index


@kernel(borrows=True)
def _add_chunk_uses(plan: PlanTables, inputs: PlanInputs, load: int, opened: tuple[int, int]) -> None:
    """Let the newest step wait for what it reads, and for its psum slot to be drained of ``opened``."""
    cursor = plan.cursor[0]
    index = cursor.steps - 1
    step = plan.steps[index]
    source = newest_source(plan, inputs, IFMAP)
    use = plan.uses[cursor.uses]
    use.operand = IFMAP
    use.transfer = load
    use.source_step = source
    use.free_cycles = step.issue_cycles
    cursor.uses += 1
    if load != NONE:
        slot = newest_slot(plan, IFMAP)
        cursor.slot_step[IFMAP, slot] = index
        cursor.slot_use[IFMAP, slot] = 0
    if opened[0] != NONE or opened[1] != NONE:
        use = plan.uses[cursor.uses]
        use.operand = PSUM
        use.transfer, use.source_step = opened
        cursor.uses += 1
    step.uses = cursor.uses - step.first_use


@kernel(borrows=True)
def _leave_chunk(plan: PlanTables, inputs: PlanInputs, step: int, bits: int) -> None:
    """Let a chunk's outputs leave: written into the buffer for later layers, stored to DRAM, or both."""
    cursor = plan.cursor[0]
    work = inputs.works[cursor.layer]
    space = inputs.space[0]
    counters = plan.counters[cursor.layer]
    if work.ofmap_resident == 1:
        counters.resident_write_words += ceil_div(bits, space.word_bits[space.home[IFMAP]])
    if work.ofmap_in_dram == 0:
        return
    plan.steps[step].psum_bits = bits
    store = add_transfer(plan, PSUM, WRITE, bits)
    plan.transfers[store].data_step = step
    cursor.slot_store[newest_slot(plan, PSUM)] = store
    cursor.slot_kept[newest_slot(plan, PSUM)] = NONE
    counters.ofmap_dram_bytes += plan.transfers[store].payload_bytes
    words = ceil_div(bits, space.word_bits[space.home[PSUM]])
    counters.psum_write_words += words
    counters.psum_read_words += words


@kernel(borrows=True)
def plan_copy_layer(plan: PlanTables, inputs: PlanInputs, index: int) -> None:
    """Put copy layer ``index`` on the tape: its data goes through the DMA engine, no step runs."""
    work = inputs.works[index]
    chunks = inputs.mappings[index].chunks
    counters = plan.counters[index]
    for i in range(chunks):
        plan.cursor[0].number = i
        load = add_transfer(plan, IFMAP, READ, _chunk(work.input_bits, chunks, i))
        wait_for_producers(plan, inputs, load, IFMAP)
        store = add_transfer(plan, PSUM, WRITE, _chunk(work.ofmap_elements, chunks, i) * work.ofmap_bits)
        wait_for(plan, store, load)
        counters.ifmap_dram_bytes += plan.transfers[load].payload_bytes
        counters.ofmap_dram_bytes += plan.transfers[store].payload_bytes
    span = plan.spans[index]
    span.row_outer = 0
    span.row_tiles = 1


@kernel
def queue_keys(plan: PlanTables, keys: Table) -> None:
    """Fill ``keys``: sorting the transfers of a core by key (stable) gives its in-order queue.

    A load goes where the running maximum of its slots' and data's steps puts it, so loads keep the order of their
    need; the store of step ``s`` goes after the loads that ``s`` enables by freeing a slot, and before those that
    read its data. Steps count in program order over all cores, so no two queues can wait for each other.
    """
    latest = np.full(plan.cursor.shape[0], -3)
    for i in range(plan.cursor[0].transfers):
        transfer = plan.transfers[i]
        if transfer.data_step != NONE:
            keys[i] = 3 * transfer.data_step + 1
            continue
        newest = latest[transfer.queue]
        if transfer.free_step != NONE:
            newest = max(newest, 3 * transfer.free_step)
        for j in range(transfer.first_after, transfer.first_after + transfer.afters):
            source = plan.transfers[plan.afters[j]]
            if source.data_step != NONE:
                newest = max(newest, 3 * source.data_step + 2)
        latest[transfer.queue] = newest
        keys[i] = newest
