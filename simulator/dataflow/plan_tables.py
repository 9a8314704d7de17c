"""Tables the planner fills: the tape, and its own bookkeeping. Layouts only."""

from typing import NamedTuple

import numpy as np

from simulator.records import Table, int_fields

MAX_SLOTS = 8
IN_BUFFER, IN_DRAM = 1, 2

CURSOR = np.dtype(
    [
        *((name, np.int64) for name in ("layer", "steps", "uses", "transfers", "afters", "stores", "finals")),
        ("loads", np.int64, (4,)),  # tiles put into each operand's slots so far in this layer
        ("tile", np.int64, (4,)),  # which tile the newest slot holds
        ("number", np.int64),  # of the tile or chunk being planned
        ("tile_transfer", np.int64, (4,)),  # the transfer that brings it
        ("slot_step", np.int64, (4, MAX_SLOTS)),  # step that last used each slot
        ("slot_use", np.int64, (4, MAX_SLOTS)),  # which of its uses; NONE: until its resource is free
        ("tile_source", np.int64, (4,)),  # the step that wrote it, where it is resident
        ("slot_store", np.int64, (MAX_SLOTS,)),  # transfer that drains each psum slot
        ("slot_kept", np.int64, (MAX_SLOTS,)),  # step whose outputs leave each psum slot for the buffer, or NONE
        ("slot_drain", np.int64, (4, MAX_SLOTS)),  # store after which a slot in the psums' buffer is free, or NONE
        ("slots", np.int64, (4,)),  # slots that this layer uses of each operand
        ("footprint_bits", np.int64, (3,)),  # of the previous layer, by buffer
        ("last_step", np.int64),  # of the previous layer
        ("last_store", np.int64),
        ("last_kept", np.int64),  # newest step whose outputs stay in the buffer
        ("older_step", np.int64),  # of the layer before that
        ("older_store", np.int64),
        ("older_kept", np.int64),
        ("wait_step", np.int64),
        ("stored_outputs", np.int64),
    ]
)
"""Where the planner stands: the next free record of each table, and who holds every buffer slot."""

LAYER_SPAN = int_fields(
    "core",
    "first_step",
    "steps",
    "first_transfer",
    "transfers",
    "first_store",  # index into the store list
    "stores",
    "first_final",  # index into the list of final steps
    "finals",
    "row_outer",  # 1: stores come row tile by row tile, so that a reader need not wait for the last
    "row_tiles",
    "tile_N",
    "tile_P",
    "p_tiles",
    "q_tiles",
)
"""What a layer put on the tape."""


class PlanTables(NamedTuple):
    """The tape and the planner's bookkeeping, preallocated; layouts in :mod:`simulator.records`."""

    steps: Table
    uses: Table
    transfers: Table
    afters: Table  # int64: ids of transfers to wait for
    stores: Table  # int64: ids of the stores, in program order
    finals: Table  # int64: ids of the steps that finish outputs, in program order
    spans: Table  # LAYER_SPAN, one a layer
    counters: Table  # COUNTERS, one a layer
    cursor: Table  # CURSOR: the core at work, then each of several cores while another is at work
    timing: Table  # TILE_TIMING, scratch
    tile: Table  # GEMM_TILE, scratch


class PlanInputs(NamedTuple):
    """What is planned: one record a layer, and who feeds whom."""

    works: Table
    mappings: Table
    hardware: Table  # SYSTOLIC_HARDWARE, one record for each dataflow, in the order of DATAFLOW_NAMES
    space: Table  # MEMORY_SPACE, one record
    producers: Table  # int64: producing works, operand by operand
    producer_spans: Table  # int64 [works, 3, 2]: begin and end in ``producers`` for ifmap, weight, residual
    aligned: Table  # int64 [works]: 1 where the ifmap is exactly its one producer's ofmap, row for row
    reads: Table  # int64, one for each of ``producers``: IN_BUFFER, IN_DRAM, or the sum where both are read
    cores: Table  # int64 [works]: the core that does each
