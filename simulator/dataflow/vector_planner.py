"""Vector and copy layers on the tape, and the order of the DMA queue.

Vector work that is not fused behind the array runs in chunks: load, lanes, store, through the ifmap and psum buffers'
slots. A copy (a transpose or gather that moves data) is a load and a store without a step.
"""

from simulator._jit import kernel
from simulator.dataflow.plan_tables import PlanInputs, PlanTables
from simulator.dataflow.slots import add_load, add_transfer, newest_slot, wait_for, wait_for_producers
from simulator.dataflow.tiling import ceil_div
from simulator.records import IFMAP, NONE, PSUM, READ, VECTOR, WRITE, Table


@kernel
def _chunk(total: int, chunks: int, index: int) -> int:
    """Return the ``index``-th of ``chunks`` nearly equal parts of ``total``."""
    whole, rest = total // chunks, total % chunks  # total * chunks may not fit 64 bits
    return whole + rest * (index + 1) // chunks - rest * index // chunks


@kernel
def plan_vector_layer(plan: PlanTables, inputs: PlanInputs, index: int) -> None:
    """Put vector layer ``index`` on the tape, chunk by chunk."""
    cursor = plan.cursor[0]
    work = inputs.works[index]
    space = inputs.space[0]
    chunks = inputs.mappings[index].chunks
    counters = plan.counters[index]
    ifmap_word = space.word_bits[space.home[IFMAP]]
    psum_word = space.word_bits[space.home[PSUM]]
    for i in range(chunks):
        cursor.number = i
        in_bits = _chunk(work.input_bits, chunks, i)
        out_bits = _chunk(work.ofmap_elements, chunks, i) * work.ofmap_bits
        load = add_load(plan, IFMAP, in_bits)
        wait_for_producers(plan, inputs, load, IFMAP)
        drained = cursor.slot_store[cursor.loads[PSUM] % cursor.slots[PSUM]]
        cursor.loads[PSUM] += 1
        step = _add_vector_step(plan, inputs, _chunk(work.operations, chunks, i), (load, drained))
        store = add_transfer(plan, PSUM, WRITE, out_bits)
        plan.transfers[store].data_step = step
        cursor.slot_store[newest_slot(plan, PSUM)] = store
        counters.ifmap_dram_bytes += plan.transfers[load].payload_bytes
        counters.ofmap_dram_bytes += plan.transfers[store].payload_bytes
        words = ceil_div(in_bits, ifmap_word)
        counters.ifmap_write_words += words
        counters.ifmap_read_words += words
        words = ceil_div(out_bits, psum_word)
        counters.psum_write_words += words
        counters.psum_read_words += words
    counters.vector_operations += work.operations
    span = plan.spans[index]
    span.row_outer = 0
    span.row_tiles = 1


@kernel
def _add_vector_step(plan: PlanTables, inputs: PlanInputs, operations: int, waits: tuple[int, int]) -> int:
    """Append a vector step that reads what ``waits[0]`` loads and writes where ``waits[1]`` drained; return its id."""
    cursor = plan.cursor[0]
    index = cursor.steps
    cursor.steps += 1
    step = plan.steps[index]
    step.layer = cursor.layer
    step.resource = VECTOR
    step.issue_cycles = ceil_div(operations, inputs.space[0].vector_lanes)
    step.useful_cycles = step.issue_cycles
    step.latency_cycles = step.issue_cycles
    step.shadow_free_cycles = NONE
    step.wait_step = NONE
    step.first_use = cursor.uses
    step.uses = 1
    use = plan.uses[cursor.uses]
    use.operand = IFMAP
    use.transfer = waits[0]
    use.free_cycles = step.issue_cycles
    cursor.uses += 1
    slot = newest_slot(plan, IFMAP)
    cursor.slot_step[IFMAP, slot] = index
    cursor.slot_use[IFMAP, slot] = 0
    if waits[1] != NONE:
        use = plan.uses[cursor.uses]
        use.operand = PSUM
        use.transfer = waits[1]
        cursor.uses += 1
        step.uses = 2
    return index


@kernel
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
    """Fill ``keys``: sorting transfers by key (stable) gives the in-order queue.

    A load goes where the running maximum of its slots' and data's steps puts it, so loads keep the order of their
    need; the store of step ``s`` goes after the loads that ``s`` enables by freeing a slot, and before those that
    read its data.
    """
    latest = -3
    for i in range(plan.cursor[0].transfers):
        transfer = plan.transfers[i]
        if transfer.data_step != NONE:
            keys[i] = 3 * transfer.data_step + 1
            continue
        if transfer.free_step != NONE:
            latest = max(latest, 3 * transfer.free_step)
        for j in range(transfer.first_after, transfer.first_after + transfer.afters):
            source = plan.transfers[plan.afters[j]]
            if source.data_step != NONE:
                latest = max(latest, 3 * source.data_step + 2)
        keys[i] = latest
