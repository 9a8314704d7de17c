"""Buffer slots and transfers of the tape: who waits for whom.

Slots are recycled in order: the load that needs a slot names the step that last used it. At a layer boundary a slot
that fits beside the previous layer's slots waits only for the layer before that one; any other waits for the previous
layer's last step, and in a buffer that psums share also for its last store. So no buffer ever holds more than its
capacity.
"""

from typing import Any

import numpy as np

from simulator._jit import kernel
from simulator.dataflow.plan_tables import IN_BUFFER, IN_DRAM, MAX_SLOTS, PlanInputs, PlanTables
from simulator.dataflow.tiling import ceil_div, largest_tiles, slots_used
from simulator.records import COPY_WORK, IFMAP, MAC_WORK, NONE, PSUM, READ, RESIDUAL, VECTOR_WORK, WEIGHT, WRITE

BITS_PER_BYTE = 8
BUFFERS = 3
OPERANDS = 4


@kernel
def _slot_bits(plan: PlanTables, inputs: PlanInputs) -> Any:  # noqa: ANN401
    """Return the bits of one slot of each operand for the layer at the cursor."""
    bits = np.zeros(OPERANDS, np.int64)
    work = inputs.works[plan.cursor[0].layer]
    mapping = inputs.mappings[plan.cursor[0].layer]
    if work.kind == MAC_WORK:
        bits[IFMAP], bits[WEIGHT], bits[PSUM], bits[RESIDUAL] = largest_tiles(work, mapping)
    elif work.kind == VECTOR_WORK:
        bits[IFMAP] = ceil_div(work.input_bits - work.resident_input_bits, mapping.chunks)
        if work.ofmap_in_dram == 1:
            bits[PSUM] = ceil_div(work.ofmap_elements, mapping.chunks) * work.ofmap_bits
    return bits


@kernel
def begin_layer(plan: PlanTables, inputs: PlanInputs, index: int) -> None:
    """Put the planner at layer ``index``; a copy needs no slots and leaves the buffers to the layer before."""
    cursor = plan.cursor[0]
    cursor.layer = index
    if inputs.works[index].kind != COPY_WORK:
        _hand_over(plan, inputs)
    for operand in range(OPERANDS):
        cursor.loads[operand] = 0
        cursor.tile[operand] = NONE
        cursor.tile_transfer[operand] = NONE
        cursor.tile_source[operand] = NONE
    cursor.wait_step = NONE
    cursor.stored_outputs = 0
    span = plan.spans[index]
    span.core = inputs.cores[index]
    span.first_step = cursor.steps
    span.first_transfer = cursor.transfers
    span.first_store = cursor.stores
    span.first_final = cursor.finals


@kernel
def _hand_over(plan: PlanTables, inputs: PlanInputs) -> None:
    """Let every slot of the layer learn whom its first tile must wait for."""
    cursor = plan.cursor[0]
    bits = _slot_bits(plan, inputs)
    space = inputs.space[0]
    free = np.zeros(BUFFERS, np.int64)
    footprint = np.zeros(BUFFERS, np.int64)
    for buffer in range(BUFFERS):
        free[buffer] = space.capacity_bits[buffer] - cursor.footprint_bits[buffer]
    for operand in range(OPERANDS):
        slots = space.slots[space.home[IFMAP if operand == RESIDUAL else operand]]
        cursor.slots[operand] = slots_used(inputs.works[cursor.layer], inputs.mappings[cursor.layer], slots, operand)
    for slot in range(MAX_SLOTS):
        for operand in range(OPERANDS):
            if slot >= cursor.slots[operand]:
                continue
            home = space.home[IFMAP if operand == RESIDUAL else operand]
            fresh = bits[operand] <= free[home]
            if fresh:
                free[home] -= bits[operand]
            footprint[home] += bits[operand]
            store = cursor.older_store if fresh else cursor.last_store
            cursor.slot_step[operand, slot] = cursor.older_step if fresh else cursor.last_step
            cursor.slot_use[operand, slot] = NONE
            cursor.slot_drain[operand, slot] = store if home == space.home[PSUM] else NONE
            if operand == PSUM:
                cursor.slot_store[slot] = store
                cursor.slot_kept[slot] = cursor.older_kept if fresh else cursor.last_kept
    for buffer in range(BUFFERS):
        cursor.footprint_bits[buffer] = footprint[buffer]


@kernel(borrows=True)
def end_layer(plan: PlanTables, index: int, kept: bool) -> None:
    """Close layer ``index``: the next layers' slots wait for its last step and store.

    ``kept``: its outputs stay in the buffer, and leave the psum slots when the vector unit is through with them.
    """
    cursor = plan.cursor[0]
    span = plan.spans[index]
    span.steps = cursor.steps - span.first_step
    span.transfers = cursor.transfers - span.first_transfer
    span.stores = cursor.stores - span.first_store
    span.finals = cursor.finals - span.first_final
    plan.counters[index].steps = span.steps
    plan.counters[index].transfers = span.transfers
    if span.steps > 0:
        cursor.older_step = cursor.last_step
        cursor.last_step = cursor.steps - 1
        cursor.older_store = cursor.last_store
        cursor.older_kept = cursor.last_kept
        if span.stores > 0:
            cursor.last_store = plan.stores[cursor.stores - 1]
        if kept:
            cursor.last_kept = cursor.last_step


@kernel(borrows=True)
def add_transfer(plan: PlanTables, operand: int, direction: int, bits: int) -> int:
    """Append a transfer of ``bits`` packed bits; return its id."""
    cursor = plan.cursor[0]
    index = cursor.transfers
    cursor.transfers += 1
    transfer = plan.transfers[index]
    transfer.queue = plan.spans[cursor.layer].core
    transfer.operand = operand
    transfer.direction = direction
    transfer.layer = cursor.layer
    transfer.tile = cursor.number
    transfer.payload_bytes = ceil_div(bits, BITS_PER_BYTE)
    transfer.free_step = NONE
    transfer.free_use = NONE
    transfer.data_step = NONE
    transfer.first_after = cursor.afters
    transfer.afters = 0
    if direction == WRITE:
        plan.stores[cursor.stores] = index
        cursor.stores += 1
    return index


@kernel(borrows=True)
def add_load(plan: PlanTables, operand: int, bits: int) -> int:
    """Append a load into the operand's next slot, waiting for that slot's last user; return its id."""
    cursor = plan.cursor[0]
    slot = cursor.loads[operand] % cursor.slots[operand]
    cursor.loads[operand] += 1
    index = add_transfer(plan, operand, READ, bits)
    plan.transfers[index].free_step = cursor.slot_step[operand, slot]
    plan.transfers[index].free_use = cursor.slot_use[operand, slot]
    cursor.tile_transfer[operand] = index
    if cursor.slot_drain[operand, slot] != NONE:
        wait_for(plan, index, cursor.slot_drain[operand, slot])
        cursor.slot_drain[operand, slot] = NONE
    return index


@kernel(borrows=True)
def newest_slot(plan: PlanTables, operand: int) -> int:
    """Return the slot that holds the operand's newest tile."""
    return int((plan.cursor[0].loads[operand] - 1) % plan.cursor[0].slots[operand])


@kernel(borrows=True)
def wait_for(plan: PlanTables, transfer: int, store: int) -> None:
    """Let ``transfer`` (the newest one) wait until ``store`` is done: it reads that data."""
    plan.afters[plan.cursor[0].afters] = store
    plan.cursor[0].afters += 1
    plan.transfers[transfer].afters += 1


@kernel(borrows=True)
def wait_for_producers(plan: PlanTables, inputs: PlanInputs, transfer: int, column: int) -> None:
    """Let ``transfer`` wait for the last stores of an operand's producers (column 0 ifmap, 1 weight, 2 residual)."""
    layer = plan.cursor[0].layer
    for i in range(inputs.producer_spans[layer, column, 0], inputs.producer_spans[layer, column, 1]):
        span = plan.spans[inputs.producers[i]]
        if span.stores > 0 and inputs.reads[i] != IN_BUFFER:
            wait_for(plan, transfer, plan.stores[span.first_store + span.stores - 1])


@kernel(borrows=True)
def wait_for_rows(plan: PlanTables, inputs: PlanInputs, transfer: int, image: int, row_end: int) -> None:
    """Let an ifmap load wait for its producers; for one aligned producer, only for its rows up to ``row_end``."""
    layer = plan.cursor[0].layer
    if inputs.aligned[layer] == 0:
        wait_for_producers(plan, inputs, transfer, IFMAP)
        return
    span = plan.spans[inputs.producers[inputs.producer_spans[layer, IFMAP, 0]]]
    if span.stores > 0:
        ordinal = _covering_final(span, image, row_end) if span.row_outer == 1 else span.stores - 1
        wait_for(plan, transfer, plan.stores[span.first_store + ordinal])


@kernel(borrows=True)
def newest_source(plan: PlanTables, inputs: PlanInputs, column: int) -> int:
    """Return the step that writes the last of an operand's resident data, or NONE.

    Resident outputs all pass the one vector unit, in order, so the newest step is the last to have written.
    """
    layer = plan.cursor[0].layer
    newest = NONE
    for i in range(inputs.producer_spans[layer, column, 0], inputs.producer_spans[layer, column, 1]):
        span = plan.spans[inputs.producers[i]]
        if inputs.reads[i] != IN_DRAM:
            newest = max(newest, plan.finals[span.first_final + span.finals - 1])
    return newest


@kernel(borrows=True)
def source_of_rows(plan: PlanTables, inputs: PlanInputs, image: int, row_end: int) -> int:
    """Return the step that writes the last of a resident ifmap tile; of one aligned producer, up to ``row_end``."""
    layer = plan.cursor[0].layer
    if inputs.aligned[layer] == 1:
        span = plan.spans[inputs.producers[inputs.producer_spans[layer, IFMAP, 0]]]
        if span.row_outer == 1:
            return int(plan.finals[span.first_final + _covering_final(span, image, row_end)])
    return newest_source(plan, inputs, IFMAP)


@kernel(borrows=True)
def _covering_final(span: Any, image: int, row_end: int) -> int:  # noqa: ANN401
    """Return which of a producer's finished tiles, in order, completes ``image`` up to ``row_end``."""
    p = min(span.p_tiles - 1, max(0, row_end - 1) // span.tile_P)
    m = (image // span.tile_N) * span.p_tiles * span.q_tiles + (p + 1) * span.q_tiles - 1
    return min(span.row_tiles, m + 1) * (span.finals // span.row_tiles) - 1
