"""Record layouts that cross between rooms: the tape, the hardware that runs it, and the counters it leaves.

Kernels see these records and scalars only. A table is a ``numpy.recarray``, so ``table[i].field`` reads the same
compiled and interpreted (``NUMBA_DISABLE_JIT=1``). All cycles, bytes, bits and counts are int64.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[Any]

WS, OS, IS = 0, 1, 2
DATAFLOW_NAMES = ("ws", "os", "is")

IFMAP, WEIGHT, PSUM, RESIDUAL = 0, 1, 2, 3
OPERAND_NAMES = ("ifmap", "weight", "psum", "residual")

READ, WRITE = 0, 1

ARRAY, VECTOR = 0, 1
RESOURCE_NAMES = ("array", "vector")

NONE = -1

# Why a step waited: the constraint satisfied last; ties go to the first in this order.
CAUSE_WEIGHT, CAUSE_IFMAP, CAUSE_PSUM, CAUSE_OFMAP_SLOT, CAUSE_DEPENDENCY, CAUSE_VECTOR, CAUSE_HOST = range(7)
CAUSE_NAMES = ("weight", "ifmap", "psum", "ofmap_slot", "dependency", "vector", "host")

# What made the transfer behind that constraint late.
LATE_NONE, LATE_QUEUE, LATE_SLOT, LATE_BUS, LATE_LATENCY, LATE_DATA, LATE_OTHER_CORE, LATE_CODEC = range(8)
LATE_SCRATCHPAD = 8
LATE_NAMES = ("none", "queue_order", "slot", "dram_bus", "latency", "data", "other_core", "codec", "scratchpad")
ONE_CORE_LATE_NAMES = tuple(name for name in LATE_NAMES if name not in ("none", "other_core", "scratchpad"))
DRAM_LATE_NAMES = ("bus", "row_conflict", "tfaw", "refresh", "tccd_l", "turnaround", "starvation")
"""What held the data buses of the DRAM: bursts, a constraint of docs/model/dram.md, or nothing to move."""


def int_fields(*names: str) -> np.dtype[Any]:
    """Return a record layout of int64 fields."""
    return np.dtype([(name, np.int64) for name in names])


SYSTOLIC_HARDWARE = int_fields(
    "rows", "columns", "dataflow", "weight_shadow", "swap_wavefront", "drain_separate", "skew_in_array"
)
"""A systolic array as docs/model/systolic.md draws it; flags are 0 or 1."""

GEMM_TILE = int_fields("rows", "inner", "cols", "groups", "group_packing", "pack", "passes", "next_inner", "inner_pack")
"""One tile whose operands are on chip: ``groups`` products of rows x inner x cols. ``group_packing`` groups share a
fold (WS), ``pack`` products a PE and beat, ``passes`` beats a product; ``next_inner`` is the next tile's inner (OS
drain), or 0. ``inner_pack`` neighbours of the reduction share a PE and beat (0: one, as 1)."""

TILE_TIMING = int_fields(
    "setup_cycles",  # load of the first fold, before the tile's start
    "issue_cycles",  # from the start until the array takes a loaded fold of the next tile
    "latency_cycles",  # from the start until the last output is in the ofmap buffer
    "useful_cycles",
    "fill_cycles",
    "drain_cycles",
    "last_start_cycles",  # start of the last fold: the next tile's shadow load may begin
    "first_output_cycles",  # from the start until the first finished output
    "operand_free_cycles",  # from the start until the streamed operand's buffer slot is free
    "folds",
    "ifmap_reads",  # words at the array's edge
    "weight_reads",
    "psum_reads",
    "psum_writes",
    "issued_macs",  # products computed, packing zeros included
)
"""What a tile costs on the array."""

STEP = int_fields(
    "layer",
    "core",
    "resource",
    "setup_cycles",
    "shadow_free_cycles",  # offset at which the next step's setup may begin
    "issue_cycles",
    "bus_cycles",  # occupancy beyond issue, because an operand bus is slower than the array
    "latency_cycles",
    "useful_cycles",
    "fill_cycles",
    "drain_cycles",
    "imbalance_cycles",
    "first_output_cycles",
    "vector_cycles",  # fused vector work on this step's outputs; 0 where none
    "psum_bits",  # of the psum tile that leaves its slot after this step; 0 where it stays
    "first_use",
    "uses",
    "wait_step",  # step whose outputs must be complete before this one starts, or NONE
    "occupied_cycle",
    "start_cycle",
    "free_cycle",  # the resource takes the next step
    "output_cycle",  # last output written, vector work included
    "known_cycle",  # its operands and those of all steps before are on chip: others may rely on its times
    "cause",
    "late_transfer",  # the transfer behind that cause, or NONE
    "late_because",  # what most of the gap waited for
    "idle_cycles",
    "gain_cycles",
    "exposed_fill_cycles",  # setup that nothing hid: counted as fill
)
"""A tile's turn on an array or vector unit of a core; ``wait_step`` is of the same core. The steps of a tape come core
by core. The last eleven fields are the engine's answer."""

USE = int_fields("operand", "transfer", "need_cycles", "free_cycles", "source_step")
"""An operand of a step: its data is on chip when ``transfer`` is done and ``source_step`` has written its outputs
(NONE: nothing to wait for), needed at start + need_cycles, its slot free at start + free_cycles. For PSUM,
``transfer`` or ``source_step`` (of the same core) takes the slot's earlier tile away."""

TRANSFER = int_fields(
    "queue",
    "operand",
    "direction",
    "layer",
    "tile",  # which tile of its layer's nest (tiling.tile_number), or which chunk
    "payload_bytes",
    "free_step",  # step whose use must have freed the slot, or NONE
    "free_use",  # which of its uses: offset from first_use; NONE: its whole occupancy
    "data_step",  # step whose outputs this stores, or NONE
    "first_after",
    "afters",  # transfers (in the AFTER list) that must be done: their data is read here
    "codec_cycles",  # of the encoder before a write, of the decoder behind a read; 0 for a raw tile
    "submit_cycle",
    "begin_cycle",
    "arrived_cycle",  # the memory is done; a read may still be in the decoder
    "done_cycle",
    "late_because",  # what it waited for last before it was submitted
)
"""A DMA descriptor in its queue; the last five fields are the engine's answer."""

UNKNOWN_CYCLE = -1


def table(layout: np.dtype[Any], length: int) -> Table:
    """Return ``length`` zeroed records of ``layout`` with attribute access.

    Examples
    --------
    >>> table(USE, 2)[1].transfer
    np.int64(0)
    """
    return np.zeros(length, dtype=layout).view(np.recarray)


MAC_WORK, VECTOR_WORK, COPY_WORK = 0, 1, 2
WORK_NAMES = ("mac", "vector", "copy")

WORK = int_fields(
    "kind",
    "N",
    "G",
    "K",
    "C",
    "P",
    "Q",
    "R",
    "S",
    "stride_h",
    "stride_w",
    "dilation_h",
    "dilation_w",
    "pad_h",
    "pad_w",
    "H",
    "W",
    "sequence_steps",
    "ifmap_on_chip",  # 1: the ifmap is the step before's output (recurrence) and is not loaded
    "ifmap_bits",  # stored widths
    "weight_bits",
    "psum_bits",
    "ofmap_bits",
    "residual_bits",  # 0: no residual operand
    "parameter_bits",  # biases and folded scales of the whole layer, loaded with the weights
    "ifmap_resident",  # 1: read where its producers left it in the buffer, not loaded (docs/model/residency.md)
    "weight_resident",
    "residual_resident",
    "ofmap_resident",  # 1: kept in the buffer for its readers
    "ofmap_in_dram",  # 1: stored to DRAM
    "resident_input_bits",  # vector work: the part of input_bits that is read in the buffer
    "ofmap_elements",
    "input_bits",  # vector and copy work: everything read
    "operations",  # vector-lane operations of the whole layer
    "pack",
    "passes",
    "group_packing",
    "macs",
    "inner_pack",  # neighbours of the reduction that share a PE and beat; 0 as 1
)
"""One layer bound to an accelerator: what is computed, at which widths. Vector and copy work use the last fields."""

PART = int_fields(
    "core",
    "whole",  # which work of the network this is a part of
    "images",  # extents of the whole layer's tensors, and where this part begins in them
    "first_image",
    "ifmap_channels",
    "first_ifmap_channel",
    "ifmap_rows",
    "first_ifmap_row",
    "ofmap_channels",
    "first_ofmap_channel",
    "ofmap_rows",
    "first_ofmap_row",
    "first_input_bit",  # vector and copy work
    "first_ofmap_bit",
)
"""Which part of a layer a work is, and on which core (docs/model/cores.md); on one core, the whole of it."""

ORDER_NAMES = ("mkc", "mck", "kmc", "kcm", "cmk", "ckm")
"""Loop orders over row tiles (m), column tiles (k) and reduction tiles (c), outermost first."""

MAPPING = int_fields("feasible", "dataflow", "order", "N", "P", "Q", "G", "K", "C", "chunks", "candidates")
"""Dataflow, loop order and tile extents of one work; ``chunks`` pieces for vector and copy work."""

COST = np.dtype(
    [
        ("latency_cycles", np.float64),
        ("energy_pj", np.float64),
        ("dram_bytes", np.int64),
        ("footprint_bits", np.int64),
        ("shortfall_bits", np.int64),
        ("shortfall_buffer", np.int64),
    ]
)
"""What the mapper predicts for a mapping, and how many bits its smallest tile was short of where nothing fits."""

MEMORY_SPACE = np.dtype(
    [
        ("capacity_bits", np.int64, (3,)),  # by buffer: what tiles may use
        ("slots", np.int64, (3,)),
        ("word_bits", np.int64, (3,)),
        ("home", np.int64, (3,)),  # buffer index of ifmap, weight, psum; resident tensors are at home with the ifmaps
        ("dram_word_bytes", np.int64),
        ("dram_latency_cycles", np.int64),
        ("dram_bytes_per_cycle", np.float64),
        ("vector_lanes", np.int64),
        ("ifmap_bus_words", np.int64),  # 0: as wide as the array's edge
        ("weight_bus_words", np.int64),
        ("psum_bus_words", np.int64),
        ("shared_bus_bits", np.int64),  # 0: no operands share one
        ("on_shared_bus", np.int64, (3,)),  # by operand: ifmap, weight, psum
        ("banks", np.int64, (3,)),  # by buffer
        ("ports", np.int64, (3,)),  # accesses a bank serves in a cycle; 0: as many as are asked for
        ("dma_period_cycles", np.int64, (3,)),  # the DMA has one port of every bank once in so many cycles
        ("dram_pj_per_byte", np.float64),
        ("buffer_read_pj", np.float64, (3,)),  # per word
        ("buffer_write_pj", np.float64, (3,)),
    ]
)
"""Buffers, DRAM and vector unit of an accelerator, and the prices the mapper weighs."""

COUNTERS = int_fields(
    "issued_macs",
    "ifmap_edge_words",  # operand words across the array's edge
    "weight_edge_words",
    "psum_edge_reads",
    "psum_edge_writes",
    "ifmap_read_words",  # buffer words
    "ifmap_write_words",
    "weight_read_words",
    "weight_write_words",
    "psum_read_words",
    "psum_write_words",
    "ifmap_dram_bytes",
    "weight_dram_bytes",
    "psum_dram_read_bytes",
    "psum_dram_write_bytes",
    "ofmap_dram_bytes",
    "residual_dram_bytes",
    "resident_write_words",  # finished outputs that stay in the buffer
    "vector_operations",
    "steps",
    "transfers",
)
"""What one layer did."""
