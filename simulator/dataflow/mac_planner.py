"""From a mapped multiply-accumulate layer to its steps, uses and transfers, in program order.

One step is one tile: rows x inner x cols of the matrix product, its operands in buffer slots. A tile is loaded when
it differs from the operand's newest one. Psums stay in their slot while the reduction goes on; in loop orders that
leave an unfinished psum tile, it is spilled to DRAM at full width and read back. Finished tiles pass the vector unit
(fused work), and leave.
"""

from typing import Any

from simulator._jit import kernel
from simulator.dataflow.plan_tables import PlanInputs, PlanTables
from simulator.dataflow.slots import add_load, add_transfer, newest_slot, wait_for, wait_for_producers, wait_for_rows
from simulator.dataflow.systolic_law import tile_timing
from simulator.dataflow.tiling import (
    ceil_div,
    ifmap_tile_bits,
    input_rows,
    output_tile_elements,
    part,
    row_tile_index,
    row_tiles,
    tile_number,
    tile_rows,
    weight_tile_bits,
)
from simulator.records import ARRAY, IFMAP, IS, NONE, OS, PSUM, RESIDUAL, WEIGHT, WRITE, WS

ORDER_MKC, ORDER_MCK, ORDER_KMC, ORDER_KCM, ORDER_CMK, ORDER_CKM = range(6)


@kernel
def decode(order: int, flat: int, counts: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return (m, k, c) of the ``flat``-th tile in loop order ``order``; ``counts`` = tiles in (m, k, c)."""
    ms, ks, cs = counts
    if order == ORDER_MKC:
        return flat // (ks * cs), (flat // cs) % ks, flat % cs
    if order == ORDER_MCK:
        return flat // (ks * cs), flat % ks, (flat // ks) % cs
    if order == ORDER_KMC:
        return (flat // cs) % ms, flat // (ms * cs), flat % cs
    if order == ORDER_KCM:
        return flat % ms, flat // (ms * cs), (flat // ms) % cs
    if order == ORDER_CMK:
        return (flat // ks) % ms, flat % ks, flat // (ms * ks)
    return flat % ms, (flat // ms) % ks, flat // (ms * ks)


@kernel
def _revisit_distance(order: int, counts: tuple[int, int, int]) -> int:
    """Return how many steps lie between two visits of one psum tile: 1 where it stays."""
    if order == ORDER_MCK:
        return counts[1]
    if order == ORDER_KCM:
        return counts[0]
    if order >= ORDER_CMK:
        return counts[0] * counts[1]
    return 1


@kernel
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
        for flat in range(groups * tiles):
            m, k, c = decode(mapping.order, flat % tiles, counts)
            _plan_tile(plan, inputs, (t, m, flat // tiles, k, c), counts)
            if t == 0:
                plan.cursor[0].wait_step = NONE  # only the first tile waits for the drain
        plan.cursor[0].wait_step = plan.cursor[0].steps - 1


@kernel
def _wait_for_drain(plan: PlanTables, inputs: PlanInputs, index: int) -> None:
    """Let the layer's first step wait until the array has drained, where its dataflow or beat changes."""
    cursor = plan.cursor[0]
    if cursor.steps == 0 or plan.steps[cursor.steps - 1].resource != ARRAY:
        return
    before = plan.steps[cursor.steps - 1]
    same_flow = inputs.mappings[before.layer].dataflow == inputs.mappings[index].dataflow
    if same_flow and inputs.works[before.layer].passes == inputs.works[index].passes:
        return
    before.shadow_free_cycles = NONE
    cursor.wait_step = cursor.steps - 1


@kernel
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
    reload = _open_psum(plan, inputs, at, distance) if new_tile else NONE
    residual = _load_residual(plan, inputs, at) if final and work.residual_bits > 0 else NONE
    step = _add_step(plan, inputs, at, counts)
    _add_uses(plan, inputs, step, (new_tile, reload, residual))
    outputs = output_tile_elements(work, mapping, (at[1], at[2], at[3]))
    if not final and distance == 1:
        return
    bits = _stored_bits(plan, work, outputs) if final else outputs * work.psum_bits
    store = add_transfer(plan, PSUM, WRITE, bits)
    plan.transfers[store].data_step = step
    cursor.slot_store[newest_slot(plan, PSUM)] = store
    counters = plan.counters[cursor.layer]
    counters.psum_read_words += ceil_div(
        outputs * work.psum_bits, inputs.space[0].word_bits[inputs.space[0].home[PSUM]]
    )
    if not final:
        counters.psum_dram_write_bytes += plan.transfers[store].payload_bytes
        return
    counters.ofmap_dram_bytes += plan.transfers[store].payload_bytes
    operations = _share(work.operations, outputs, work)
    counters.vector_operations += operations
    plan.steps[step].vector_cycles = ceil_div(operations, inputs.space[0].vector_lanes)


@kernel
def _share(total: int, outputs: int, work: Any) -> int:  # noqa: ANN401
    """Return a tile's part of a layer total, by its share of the psums (rounded up)."""
    everything = work.sequence_steps * work.N * work.P * work.Q * work.G * work.K
    return int(-(-(float(total) * outputs) // everything)) if total > 0 else 0


@kernel
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


@kernel
def _load_operands(
    plan: PlanTables, inputs: PlanInputs, at: tuple[int, int, int, int, int], counts: tuple[int, int, int]
) -> None:
    """Load the weight and ifmap tiles that are not the newest in their buffers.

    Weights first: they seldom wait for a layer before, and must not queue behind an ifmap that does.
    """
    cursor = plan.cursor[0]
    work = inputs.works[cursor.layer]
    mapping = inputs.mappings[cursor.layer]
    space = inputs.space[0]
    counters = plan.counters[cursor.layer]
    _, m, g, k, c = at
    tile = (g * counts[1] + k) * counts[2] + c
    if tile != cursor.tile[WEIGHT]:
        cursor.tile[WEIGHT] = tile
        bits = weight_tile_bits(work, mapping, (g, k, c))
        load = add_load(plan, WEIGHT, bits)
        wait_for_producers(plan, inputs, load, WEIGHT)
        counters.weight_dram_bytes += plan.transfers[load].payload_bytes
        counters.weight_write_words += ceil_div(bits, space.word_bits[space.home[WEIGHT]])
    tile = (m * ceil_div(work.G, mapping.G) + g) * counts[2] + c
    if work.ifmap_on_chip == 0 and tile != cursor.tile[IFMAP]:
        cursor.tile[IFMAP] = tile
        bits = ifmap_tile_bits(work, mapping, (m, g, c))
        load = add_load(plan, IFMAP, bits)
        n, p, _ = row_tile_index(work, mapping, m)
        last_image = min(work.N, (n + 1) * mapping.N) - 1
        wait_for_rows(plan, inputs, load, last_image, input_rows(work, mapping, p)[1])
        counters.ifmap_dram_bytes += plan.transfers[load].payload_bytes
        counters.ifmap_write_words += ceil_div(bits, space.word_bits[space.home[IFMAP]])


@kernel
def _open_psum(plan: PlanTables, inputs: PlanInputs, at: tuple[int, int, int, int, int], distance: int) -> int:
    """Take the next psum slot, reading a spilled tile back. Return the transfer that must be done, or NONE."""
    cursor = plan.cursor[0]
    work = inputs.works[cursor.layer]
    space = inputs.space[0]
    slot = cursor.loads[PSUM] % cursor.slots[PSUM]
    drained = cursor.slot_store[slot]
    if at[4] == 0:
        cursor.loads[PSUM] += 1
        return drained
    bits = output_tile_elements(work, inputs.mappings[cursor.layer], (at[1], at[2], at[3])) * work.psum_bits
    load = add_load(plan, PSUM, bits)
    plan.transfers[load].free_step = NONE  # the slot is free when its drain is done, not when a step ends
    wait_for(plan, load, plan.stores[cursor.stores - distance])
    if drained != NONE:
        wait_for(plan, load, drained)
    counters = plan.counters[cursor.layer]
    counters.psum_dram_read_bytes += plan.transfers[load].payload_bytes
    counters.psum_write_words += ceil_div(bits, space.word_bits[space.home[PSUM]])
    return load


@kernel
def _load_residual(plan: PlanTables, inputs: PlanInputs, at: tuple[int, int, int, int, int]) -> int:
    """Load the second operand of a fused addition for a finished tile; return the transfer."""
    cursor = plan.cursor[0]
    work = inputs.works[cursor.layer]
    space = inputs.space[0]
    bits = output_tile_elements(work, inputs.mappings[cursor.layer], (at[1], at[2], at[3])) * work.residual_bits
    load = add_load(plan, RESIDUAL, bits)
    wait_for_producers(plan, inputs, load, 2)
    counters = plan.counters[cursor.layer]
    counters.residual_dram_bytes += plan.transfers[load].payload_bytes
    words = ceil_div(bits, space.word_bits[space.home[IFMAP]])
    counters.ifmap_write_words += words
    counters.ifmap_read_words += words
    return load


@kernel
def _add_step(
    plan: PlanTables, inputs: PlanInputs, at: tuple[int, int, int, int, int], counts: tuple[int, int, int]
) -> int:
    """Append the array step of the tile; return its id."""
    cursor = plan.cursor[0]
    work = inputs.works[cursor.layer]
    mapping = inputs.mappings[cursor.layer]
    hardware = inputs.hardware[mapping.dataflow]
    _, m, g, k, c = at
    taps = work.R * work.S
    tile = plan.tile[0]
    tile.rows = tile_rows(work, mapping, m)
    tile.inner = part(work.C, mapping.C, c) * taps
    tile.cols = part(work.K, mapping.K, k)
    tile.groups = part(work.G, mapping.G, g)
    whole = mapping.C == work.C and mapping.K == work.K and hardware.dataflow == WS
    tile.group_packing = min(work.group_packing, tile.groups) if whole else 1
    tile.pack = work.pack
    tile.passes = work.passes
    tile.inner_pack = work.inner_pack
    tile.next_inner = part(work.C, mapping.C, c + 1 if c + 1 < counts[2] else 0) * taps
    timing = plan.timing[0]
    tile_timing(hardware, tile, timing)
    index = cursor.steps
    cursor.steps += 1
    step = plan.steps[index]
    step.layer = cursor.layer
    step.resource = ARRAY
    step.wait_step = cursor.wait_step
    step.issue_cycles = timing.issue_cycles
    step.useful_cycles = timing.useful_cycles
    step.fill_cycles = timing.fill_cycles
    step.drain_cycles = timing.drain_cycles
    step.latency_cycles = timing.latency_cycles
    step.first_output_cycles = timing.first_output_cycles
    step.vector_cycles = 0
    _add_setup(plan, inputs, step)
    _count_tile(plan, inputs, step, c > 0)
    return index


@kernel
def _add_setup(plan: PlanTables, inputs: PlanInputs, step: Any) -> None:  # noqa: ANN401
    """Hide the first fold's load behind the step before, where a shadow register allows; else it is the step's fill."""
    timing = plan.timing[0]
    hardware = inputs.hardware[inputs.mappings[plan.cursor[0].layer].dataflow]
    step.setup_cycles = timing.setup_cycles
    if hardware.weight_shadow == 1 and hardware.dataflow != OS:
        step.shadow_free_cycles = timing.last_start_cycles
    else:
        step.shadow_free_cycles = NONE


@kernel
def _count_tile(plan: PlanTables, inputs: PlanInputs, step: Any, accumulates: bool) -> None:  # noqa: ANN401
    """Add the tile's words and products to the layer's counters; a bus narrower than the edge lengthens the step."""
    timing = plan.timing[0]
    space = inputs.space[0]
    work = inputs.works[plan.cursor[0].layer]
    counters = plan.counters[plan.cursor[0].layer]
    tile = plan.tile[0]
    psum_reads = timing.psum_reads
    if accumulates:
        psum_reads += tile.groups * tile.rows * tile.cols
    counters.issued_macs += timing.issued_macs
    counters.ifmap_edge_words += timing.ifmap_reads
    counters.weight_edge_words += timing.weight_reads
    counters.psum_edge_reads += psum_reads
    counters.psum_edge_writes += timing.psum_writes
    psum_word = space.word_bits[space.home[PSUM]]
    counters.ifmap_read_words += ceil_div(timing.ifmap_reads * work.ifmap_bits, space.word_bits[space.home[IFMAP]])
    counters.weight_read_words += ceil_div(timing.weight_reads * work.weight_bits, space.word_bits[space.home[WEIGHT]])
    counters.psum_read_words += ceil_div(psum_reads * work.psum_bits, psum_word)
    counters.psum_write_words += ceil_div(timing.psum_writes * work.psum_bits, psum_word)
    busy = 0
    if space.ifmap_bus_words > 0:
        busy = max(busy, ceil_div(timing.ifmap_reads, space.ifmap_bus_words))
    if space.weight_bus_words > 0:
        busy = max(busy, ceil_div(timing.weight_reads, space.weight_bus_words))
    if space.psum_bus_words > 0:
        busy = max(busy, ceil_div(max(psum_reads, timing.psum_writes), space.psum_bus_words))
    step.bus_cycles = max(0, busy - step.issue_cycles)


@kernel
def _use(plan: PlanTables, operand: int, transfer: int, need_cycles: int, free_cycles: int) -> int:
    cursor = plan.cursor[0]
    index = cursor.uses
    cursor.uses += 1
    use = plan.uses[index]
    use.operand = operand
    use.transfer = transfer
    use.need_cycles = need_cycles
    use.free_cycles = free_cycles
    return index


@kernel
def _add_uses(plan: PlanTables, inputs: PlanInputs, step: int, psum: tuple[bool, int, int]) -> None:
    """Append the step's operands; ``psum`` = (a new psum tile, transfer its slot waits for, residual load)."""
    cursor = plan.cursor[0]
    hardware = inputs.hardware[inputs.mappings[cursor.layer].dataflow]
    record = plan.steps[step]
    timing = plan.timing[0]
    record.first_use = cursor.uses
    new_tile, slot_transfer, residual = psum
    stationary = NONE if hardware.dataflow == OS else (IFMAP if hardware.dataflow == IS else WEIGHT)
    for operand in (WEIGHT, IFMAP):
        need = -record.setup_cycles if operand == stationary else 0
        free = timing.last_start_cycles if operand == stationary else timing.operand_free_cycles
        use = _use(plan, operand, cursor.tile_transfer[operand], need, free + record.bus_cycles)
        if cursor.loads[operand] > 0:
            slot = newest_slot(plan, operand)
            cursor.slot_step[operand, slot] = step
            cursor.slot_use[operand, slot] = use - record.first_use
    if new_tile and slot_transfer != NONE:
        first_write = timing.first_output_cycles if hardware.dataflow == OS else hardware.rows * plan.tile[0].passes
        _use(plan, PSUM, slot_transfer, first_write, 0)
    if residual != NONE:
        free = record.latency_cycles + record.bus_cycles
        use = _use(plan, RESIDUAL, residual, record.first_output_cycles, free)
        slot = newest_slot(plan, RESIDUAL)
        cursor.slot_step[RESIDUAL, slot] = step
        cursor.slot_use[RESIDUAL, slot] = NONE  # held until the vector unit is through with the tile
    record.uses = cursor.uses - record.first_use
