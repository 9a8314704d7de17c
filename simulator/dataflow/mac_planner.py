"""From a mapped multiply-accumulate layer to its steps, uses and transfers, in program order.

One step is one tile: rows x inner x cols of the matrix product, its operands in buffer slots. A tile is loaded when
it differs from the operand's newest one. Psums stay in their slot while the reduction goes on; in loop orders that
leave an unfinished psum tile, it is spilled to DRAM at full width and read back. Finished tiles pass the vector unit
(fused work), and leave.
"""

from typing import Any

from simulator._jit import kernel
from simulator.dataflow.plan_tables import PlanInputs, PlanTables
from simulator.dataflow.slots import (
    add_load,
    add_transfer,
    newest_slot,
    newest_source,
    source_of_rows,
    wait_for,
    wait_for_producers,
    wait_for_rows,
)
from simulator.dataflow.tile_step import add_step
from simulator.dataflow.tiling import (
    ceil_div,
    ifmap_tile_bits,
    input_rows,
    output_tile_elements,
    row_tile_index,
    row_tiles,
    tile_number,
    weight_tile_bits,
)
from simulator.records import ARRAY, IFMAP, IS, NONE, OS, PSUM, RESIDUAL, WEIGHT, WRITE

ORDER_MKC, ORDER_MCK, ORDER_KMC, ORDER_KCM, ORDER_CMK, ORDER_CKM = range(6)
_M, _K, _C = range(3)
_INNERMOST_FIRST = ((_C, _K, _M), (_K, _C, _M), (_C, _M, _K), (_M, _C, _K), (_K, _M, _C), (_M, _K, _C))


@kernel(borrows=True)
def following(order: int, at: tuple[int, int, int], counts: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return the tile after ``at`` = (m, k, c) in loop order ``order``, and after the last the first; no division.

    ``counts`` = tiles in (m, k, c).
    """
    m, k, c = at
    for axis in _INNERMOST_FIRST[order]:
        if axis == _M:
            m = m + 1 if m + 1 < counts[_M] else 0
            turns = m > 0
        elif axis == _K:
            k = k + 1 if k + 1 < counts[_K] else 0
            turns = k > 0
        else:
            c = c + 1 if c + 1 < counts[_C] else 0
            turns = c > 0
        if turns:
            break
    return m, k, c


@kernel(borrows=True)
def _revisit_distance(order: int, counts: tuple[int, int, int]) -> int:
    """Return how many steps lie between two visits of one psum tile: 1 where it stays."""
    if order == ORDER_MCK:
        return counts[1]
    if order == ORDER_KCM:
        return counts[0]
    if order >= ORDER_CMK:
        return counts[0] * counts[1]
    return 1


@kernel(borrows=True)
def plan_mac_layer(plan: PlanTables, inputs: PlanInputs, index: int) -> None:
    """Put layer ``index`` on the tape."""
    work = inputs.works[index]
    mapping = inputs.mappings[index]
    counts = (row_tiles(work, mapping), ceil_div(work.K, mapping.K), ceil_div(work.C, mapping.C))
    groups = ceil_div(work.G, mapping.G)
    tiles = counts[0] * counts[1] * counts[2]
    span = plan.spans[index]
    span.row_outer = 1 if mapping.order <= ORDER_MCK and groups == 1 and work.sequence_steps == 1 else 0
    span.row_tiles = counts[0]
    span.tile_N = mapping.N
    span.tile_P = mapping.P
    span.p_tiles = ceil_div(work.P, mapping.P)
    span.q_tiles = ceil_div(work.Q, mapping.Q)
    if _revisit_distance(mapping.order, counts) > 1 and counts[2] > 1:
        span.row_outer = 0  # spills are among the stores
    _wait_for_drain(plan, inputs, index)
    for t in range(work.sequence_steps):
        at, g = (0, 0, 0), 0
        for _ in range(groups * tiles):
            _plan_tile(plan, inputs, (t, at[0], g, at[1], at[2]), counts)
            at = following(mapping.order, at, counts)
            if at == (0, 0, 0):
                g += 1
            if t == 0:
                plan.cursor[0].wait_step = NONE  # only the first tile waits for the drain
        plan.cursor[0].wait_step = plan.cursor[0].steps - 1


@kernel(borrows=True)
def _wait_for_drain(plan: PlanTables, inputs: PlanInputs, index: int) -> None:
    """Let the layer's first step wait until the array has drained, where its dataflow or beat changes."""
    cursor = plan.cursor[0]
    if cursor.last_step == NONE or plan.steps[cursor.last_step].resource != ARRAY:
        return
    before = plan.steps[cursor.last_step]
    same_flow = inputs.mappings[before.layer].dataflow == inputs.mappings[index].dataflow
    if same_flow and inputs.works[before.layer].passes == inputs.works[index].passes:
        return
    before.shadow_free_cycles = NONE
    cursor.wait_step = cursor.last_step


@kernel(borrows=True)
def _plan_tile(
    plan: PlanTables, inputs: PlanInputs, at: tuple[int, int, int, int, int], counts: tuple[int, int, int]
) -> None:
    """Put one tile on the tape: loads, step, spill or store; ``at`` = (t, m, g, k, c)."""
    cursor = plan.cursor[0]
    work = inputs.works[cursor.layer]
    mapping = inputs.mappings[cursor.layer]
    distance = _revisit_distance(mapping.order, counts)
    final = at[4] == counts[2] - 1
    cursor.number = tile_number(at, counts, ceil_div(work.G, mapping.G))
    _load_operands(plan, inputs, at, counts)
    new_tile = at[4] == 0 or distance > 1
    opened = _open_psum(plan, inputs, at, distance, final) if new_tile else (NONE, NONE)
    step = add_step(plan, inputs, at, counts)
    outputs = plan.tile[0].rows * plan.tile[0].groups * plan.tile[0].cols
    residual = _load_residual(plan, inputs, outputs) if final and work.residual_bits > 0 else NONE
    _add_uses(plan, inputs, step, (opened[0], opened[1], residual), final)
    if not final and distance == 1:
        return
    bits = _stored_bits(plan, work, outputs) if final else outputs * work.psum_bits
    plan.steps[step].psum_bits = outputs * work.psum_bits
    if final:
        _finish_tile(plan, inputs, step, (outputs, bits))
    word_bits = inputs.space[0].word_bits[inputs.space[0].home[PSUM]]
    plan.counters[cursor.layer].psum_read_words += ceil_div(outputs * work.psum_bits, word_bits)
    if not final or work.ofmap_in_dram == 1:
        _store_tile(plan, step, bits, final)


@kernel(borrows=True)
def _finish_tile(plan: PlanTables, inputs: PlanInputs, step: int, sizes: tuple[int, int]) -> None:
    """Let finished outputs pass the vector unit; ``sizes`` = (psums, bits of the ofmap).

    On the way into the buffer each stored element takes a lane for a cycle, so resident outputs leave in order.
    """
    cursor = plan.cursor[0]
    work = inputs.works[cursor.layer]
    space = inputs.space[0]
    counters = plan.counters[cursor.layer]
    plan.finals[cursor.finals] = step
    cursor.finals += 1
    operations = _share(work.operations, sizes[0], work)
    counters.vector_operations += operations
    plan.steps[step].vector_cycles = ceil_div(operations, space.vector_lanes)
    if work.ofmap_resident == 1:
        passed = max(operations, ceil_div(sizes[1], work.ofmap_bits), 1)
        plan.steps[step].vector_cycles = ceil_div(passed, space.vector_lanes)
        counters.resident_write_words += ceil_div(sizes[1], space.word_bits[space.home[IFMAP]])
        cursor.slot_store[newest_slot(plan, PSUM)] = NONE
        cursor.slot_kept[newest_slot(plan, PSUM)] = step


@kernel(borrows=True)
def _store_tile(plan: PlanTables, step: int, bits: int, final: bool) -> None:
    """Drain the newest psum slot to DRAM: finished outputs, or a spill."""
    cursor = plan.cursor[0]
    counters = plan.counters[cursor.layer]
    store = add_transfer(plan, PSUM, WRITE, bits)
    plan.transfers[store].data_step = step
    cursor.slot_store[newest_slot(plan, PSUM)] = store
    cursor.slot_kept[newest_slot(plan, PSUM)] = NONE
    if final:
        counters.ofmap_dram_bytes += plan.transfers[store].payload_bytes
    else:
        counters.psum_dram_write_bytes += plan.transfers[store].payload_bytes


@kernel(borrows=True)
def _share(total: int, outputs: int, work: Any) -> int:  # noqa: ANN401
    """Return a tile's part of a layer total, by its share of the psums (rounded up)."""
    everything = work.sequence_steps * work.N * work.P * work.Q * work.G * work.K
    return int(-(-(float(total) * outputs) // everything)) if total > 0 else 0


@kernel(borrows=True)
def _stored_bits(plan: PlanTables, work: Any, outputs: int) -> int:  # noqa: ANN401
    """Return the ofmap bits a finished tile writes: an element a psum, or its share where psums are scattered."""
    everything = work.sequence_steps * work.N * work.P * work.Q * work.G * work.K
    if everything == work.ofmap_elements:
        return outputs * work.ofmap_bits
    cursor = plan.cursor[0]
    before = int(float(work.ofmap_elements) * cursor.stored_outputs / everything)
    cursor.stored_outputs += outputs
    after = int(float(work.ofmap_elements) * cursor.stored_outputs / everything)
    if cursor.stored_outputs == everything:
        after = work.ofmap_elements
    return (after - before) * work.ofmap_bits


@kernel(borrows=True)
def _load_operands(
    plan: PlanTables, inputs: PlanInputs, at: tuple[int, int, int, int, int], counts: tuple[int, int, int]
) -> None:
    """Load the weight and ifmap tiles that are not the newest in their buffers.

    Weights first: they seldom wait for a layer before, and must not queue behind an ifmap that does.
    """
    cursor = plan.cursor[0]
    work = inputs.works[cursor.layer]
    mapping = inputs.mappings[cursor.layer]
    _, m, g, k, c = at
    tile = (g * counts[1] + k) * counts[2] + c
    if tile != cursor.tile[WEIGHT]:
        cursor.tile[WEIGHT] = tile
        _bring_weight(plan, inputs, (g, k, c))
    tile = (m * ceil_div(work.G, mapping.G) + g) * counts[2] + c
    if work.ifmap_on_chip == 0 and tile != cursor.tile[IFMAP]:
        cursor.tile[IFMAP] = tile
        _bring_ifmap(plan, inputs, (m, g, c))


@kernel(borrows=True)
def _bring_ifmap(plan: PlanTables, inputs: PlanInputs, at: tuple[int, int, int]) -> None:
    """Load the ifmap tile at (m, g, c), or find where it is resident."""
    cursor = plan.cursor[0]
    work = inputs.works[cursor.layer]
    mapping = inputs.mappings[cursor.layer]
    space = inputs.space[0]
    n, p, _ = row_tile_index(work, mapping, at[0])
    last_image = min(work.N, (n + 1) * mapping.N) - 1
    row_end = input_rows(work, mapping, p)[1]
    if work.ifmap_resident == 1:
        cursor.tile_source[IFMAP] = source_of_rows(plan, inputs, last_image, row_end)
        return
    bits = ifmap_tile_bits(work, mapping, at)
    load = add_load(plan, IFMAP, bits)
    wait_for_rows(plan, inputs, load, last_image, row_end)
    counters = plan.counters[cursor.layer]
    counters.ifmap_dram_bytes += plan.transfers[load].payload_bytes
    counters.ifmap_write_words += ceil_div(bits, space.word_bits[space.home[IFMAP]])


@kernel(borrows=True)
def _bring_weight(plan: PlanTables, inputs: PlanInputs, at: tuple[int, int, int]) -> None:
    """Load the weight tile at (g, k, c); of a resident operand only the parameters that come with it."""
    cursor = plan.cursor[0]
    work = inputs.works[cursor.layer]
    space = inputs.space[0]
    bits = weight_tile_bits(work, inputs.mappings[cursor.layer], at)
    if work.weight_resident == 1:
        cursor.tile_source[WEIGHT] = newest_source(plan, inputs, 1)
        cursor.tile_transfer[WEIGHT] = NONE
        if bits == 0:
            return
    load = add_load(plan, WEIGHT, bits)
    wait_for_producers(plan, inputs, load, WEIGHT)
    counters = plan.counters[cursor.layer]
    counters.weight_dram_bytes += plan.transfers[load].payload_bytes
    counters.weight_write_words += ceil_div(bits, space.word_bits[space.home[WEIGHT]])


@kernel(borrows=True)
def _open_psum(
    plan: PlanTables, inputs: PlanInputs, at: tuple[int, int, int, int, int], distance: int, final: bool
) -> tuple[int, int]:
    """Take the next psum slot, reading a spilled tile back; ``final``: this visit finishes the tile.

    Return the transfer that must be done and the step whose outputs must have left, or NONE for either.
    """
    cursor = plan.cursor[0]
    work = inputs.works[cursor.layer]
    space = inputs.space[0]
    slot = cursor.loads[PSUM] % cursor.slots[PSUM]
    drained, kept = cursor.slot_store[slot], cursor.slot_kept[slot]
    if at[4] == 0:
        cursor.loads[PSUM] += 1
        return drained, kept
    bits = output_tile_elements(work, inputs.mappings[cursor.layer], (at[1], at[2], at[3])) * work.psum_bits
    load = add_load(plan, PSUM, bits)
    # the slot is free when its drain is done, not when a step ends; but outputs that stay leave with their step
    plan.transfers[load].free_step = kept
    plan.transfers[load].free_use = NONE
    since = distance  # tiles visited since this one was spilled; each was stored, but for finished ones that stay
    if final and work.ofmap_in_dram == 0:
        since -= (cursor.steps - plan.spans[cursor.layer].first_step) % distance
    wait_for(plan, load, plan.stores[cursor.stores - since])
    if drained != NONE:
        wait_for(plan, load, drained)
    counters = plan.counters[cursor.layer]
    counters.psum_dram_read_bytes += plan.transfers[load].payload_bytes
    counters.psum_write_words += ceil_div(bits, space.word_bits[space.home[PSUM]])
    return load, NONE


@kernel(borrows=True)
def _load_residual(plan: PlanTables, inputs: PlanInputs, outputs: int) -> int:
    """Load the second operand of a fused addition for a finished tile; return the transfer, NONE where resident."""
    cursor = plan.cursor[0]
    work = inputs.works[cursor.layer]
    space = inputs.space[0]
    counters = plan.counters[cursor.layer]
    bits = outputs * work.residual_bits
    words = ceil_div(bits, space.word_bits[space.home[IFMAP]])
    counters.ifmap_read_words += words
    if work.residual_resident == 1:
        cursor.tile_source[RESIDUAL] = newest_source(plan, inputs, 2)
        return NONE
    load = add_load(plan, RESIDUAL, bits)
    wait_for_producers(plan, inputs, load, 2)
    counters.residual_dram_bytes += plan.transfers[load].payload_bytes
    counters.ifmap_write_words += words
    return load


@kernel(borrows=True)
def _use(plan: PlanTables, operand: int, waits: tuple[int, int], offsets: tuple[int, int]) -> int:
    """Append a use that waits for (transfer, source step), at (need, free) cycles from the step's start."""
    cursor = plan.cursor[0]
    index = cursor.uses
    cursor.uses += 1
    use = plan.uses[index]
    use.operand = operand
    use.transfer, use.source_step = waits
    use.need_cycles, use.free_cycles = offsets
    return index


@kernel(borrows=True)
def _add_uses(plan: PlanTables, inputs: PlanInputs, step: int, brought: tuple[int, int, int], final: bool) -> None:
    """Append the step's operands.

    ``brought`` = (transfer and step that free a new psum tile's slot, load of the residual); NONE where there is none.
    """
    cursor = plan.cursor[0]
    work = inputs.works[cursor.layer]
    hardware = inputs.hardware[inputs.mappings[cursor.layer].dataflow]
    record = plan.steps[step]
    timing = plan.timing[0]
    record.first_use = cursor.uses
    drained, kept, residual = brought
    stationary = NONE if hardware.dataflow == OS else (IFMAP if hardware.dataflow == IS else WEIGHT)
    for operand in (WEIGHT, IFMAP):
        need = -record.setup_cycles if operand == stationary else 0
        free = timing.last_start_cycles if operand == stationary else timing.operand_free_cycles
        waits = (cursor.tile_transfer[operand], cursor.tile_source[operand])
        use = _use(plan, operand, waits, (need, free + record.bus_cycles))
        if cursor.loads[operand] > 0:
            slot = newest_slot(plan, operand)
            cursor.slot_step[operand, slot] = step
            cursor.slot_use[operand, slot] = use - record.first_use
    if drained != NONE or kept != NONE:
        first_write = timing.first_output_cycles if hardware.dataflow == OS else hardware.rows * plan.tile[0].passes
        _use(plan, PSUM, (drained, kept), (first_write, 0))
    if final and work.residual_bits > 0:
        free = record.latency_cycles + record.bus_cycles
        waits = (residual, cursor.tile_source[RESIDUAL])
        use = _use(plan, RESIDUAL, waits, (record.first_output_cycles, free))
        if residual != NONE:
            slot = newest_slot(plan, RESIDUAL)
            cursor.slot_step[RESIDUAL, slot] = step
            cursor.slot_use[RESIDUAL, slot] = NONE  # held until the vector unit is through with the tile
    record.uses = cursor.uses - record.first_use
