"""One tile's step on the tape: what the array takes for it, what crosses its edge, and what narrow buses add."""

from typing import Any

from simulator._jit import kernel
from simulator.dataflow.plan_tables import PlanInputs, PlanTables
from simulator.dataflow.systolic_law import tile_timing
from simulator.dataflow.tiling import ceil_div, part, tile_rows
from simulator.records import ARRAY, IFMAP, NONE, OS, PSUM, WEIGHT, WS


@kernel(borrows=True)
def add_step(
    plan: PlanTables, inputs: PlanInputs, at: tuple[int, int, int, int, int], counts: tuple[int, int, int]
) -> int:
    """Append the array step of the tile; return its id."""
    cursor = plan.cursor[0]
    _time_tile(plan, inputs, at, counts)
    timing = plan.timing[0]
    index = cursor.steps
    cursor.steps += 1
    step = plan.steps[index]
    step.layer = cursor.layer
    step.core = plan.spans[cursor.layer].core
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
    _count_tile(plan, inputs, step, at[4] > 0)
    return index


@kernel(borrows=True)
def _time_tile(
    plan: PlanTables, inputs: PlanInputs, at: tuple[int, int, int, int, int], counts: tuple[int, int, int]
) -> None:
    """Fill ``timing`` for the tile, unless it is the one of a tile as large before it, as most of a layer's are."""
    cursor, tile = plan.cursor[0], plan.tile[0]
    work, mapping = inputs.works[cursor.layer], inputs.mappings[cursor.layer]
    _, m, g, k, c = at
    taps = work.R * work.S
    rows, inner = tile_rows(work, mapping, m), part(work.C, mapping.C, c) * taps
    cols, groups = part(work.K, mapping.K, k), part(work.G, mapping.G, g)
    following = part(work.C, mapping.C, c + 1 if c + 1 < counts[2] else 0) * taps
    same = tile.rows == rows and tile.inner == inner and tile.cols == cols and tile.groups == groups
    if same and tile.next_inner == following and cursor.steps > plan.spans[cursor.layer].first_step:
        return
    hardware = inputs.hardware[mapping.dataflow]
    whole = mapping.C == work.C and mapping.K == work.K and hardware.dataflow == WS
    tile.rows, tile.inner, tile.cols, tile.groups = rows, inner, cols, groups
    tile.group_packing = min(work.group_packing, groups) if whole else 1
    tile.pack, tile.passes, tile.inner_pack = work.pack, work.passes, work.inner_pack
    tile.next_inner = following
    tile_timing(hardware, tile, plan.timing[0])


@kernel(borrows=True)
def _add_setup(plan: PlanTables, inputs: PlanInputs, step: Any) -> None:  # noqa: ANN401
    """Hide the first fold's load behind the step before, where a shadow register allows; else it is the step's fill."""
    timing = plan.timing[0]
    hardware = inputs.hardware[inputs.mappings[plan.cursor[0].layer].dataflow]
    step.setup_cycles = timing.setup_cycles
    if hardware.weight_shadow == 1 and hardware.dataflow != OS:
        step.shadow_free_cycles = timing.last_start_cycles
    else:
        step.shadow_free_cycles = NONE


@kernel(borrows=True)
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
