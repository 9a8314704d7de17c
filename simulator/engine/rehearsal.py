"""One transfer over each kind of memory, so that the engine's kernels are compiled before there is a tape to run."""

from dataclasses import replace

import numpy as np

from simulator.dataflow.plan_tables import LAYER_SPAN
from simulator.dataflow.tape import LastLevel, Tape
from simulator.engine.boxes import Descriptors
from simulator.engine.event_run import run_commands
from simulator.engine.run import run
from simulator.memory.dma import Descriptor, descriptor_table
from simulator.memory.dram_library import load_dram
from simulator.records import COUNTERS, MEMORY_SPACE, NONE, STEP, TRANSFER, USE, Table, table

CLOCK_HZ = 1e9
PAYLOAD_BYTES = 64


def rehearse_bandwidth_run() -> int:
    """Read 64 bytes over a memory of 64 bytes a cycle and a latency of 10; return the cycles it takes.

    Examples
    --------
    >>> rehearse_bandwidth_run()
    11
    """
    return run(_one_read(), _plain_memory()).total_cycles


def rehearse_shared_run() -> int:
    """Do the same with a scratchpad that cores share, which the read passes by; return the cycles it takes.

    Examples
    --------
    >>> rehearse_shared_run()
    11
    """
    return run(_beside_a_scratchpad(_one_read()), _plain_memory()).total_cycles


def rehearse_event_run() -> int:
    """Read 64 bytes from an idle DDR4-2400 channel; return the cycles of a 1 GHz core it takes.

    Examples
    --------
    >>> 30 < rehearse_event_run() < 60  # tRCD 13.3 ns, CL 13.3 ns, burst 3.3 ns, and the controller's own cycles
    True
    """
    return _run_over_commands(_one_read())


def rehearse_shared_event_run() -> int:
    """Do the same with a scratchpad that cores share, which the read passes by.

    Examples
    --------
    >>> rehearse_shared_event_run() == rehearse_event_run()
    True
    """
    return _run_over_commands(_beside_a_scratchpad(_one_read()))


def _run_over_commands(read: Tape) -> int:
    pieces = descriptor_table([Descriptor(base_byte=0, row_bytes=PAYLOAD_BYTES)])
    run_commands(read, Descriptors(pieces, np.array([0, 1], np.int64)), load_dram("ddr4_2400"), CLOCK_HZ)
    return int(read.transfers[0].done_cycle)


def _plain_memory() -> Table:
    space = table(MEMORY_SPACE, 1)
    space[0].dram_bytes_per_cycle, space[0].dram_latency_cycles, space[0].dram_word_bytes = PAYLOAD_BYTES, 10, 1
    return space


def _beside_a_scratchpad(tape: Tape) -> Tape:
    level = LastLevel(PAYLOAD_BYTES, 1, 1, np.zeros(1, np.int64), np.full(1, NONE))
    return replace(tape, last_level=level)


def _one_read() -> Tape:
    transfers, spans = table(TRANSFER, 1), table(LAYER_SPAN, 1)
    transfers[0].payload_bytes = PAYLOAD_BYTES
    transfers[0].free_step = transfers[0].data_step = NONE
    spans[0].transfers = 1
    return Tape(
        steps=table(STEP, 0),
        uses=table(USE, 0),
        transfers=transfers,
        afters=np.zeros(0, np.int64),
        order=np.zeros(1, np.int64),
        spans=spans,
        counters=table(COUNTERS, 1),
    )
