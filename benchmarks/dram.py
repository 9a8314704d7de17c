"""Requests per second of the DRAM: DMA streams, random requests, and the oracle that steps every clock."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from simulator._jit import kernel
from simulator.memory.dma import Descriptor, descriptor_table
from simulator.memory.dram_join_kernel import part_all
from simulator.memory.dram_kernel import advance as advance_trace
from simulator.memory.dram_library import load_dram
from simulator.memory.dram_memory import DramMemory, advance, new_dram_memory, next_event, submit
from simulator.memory.dram_run import dram_trace, request_records
from simulator.memory.dram_state import NEVER, new_state
from simulator.records import TRANSFER, WRITE, Table, table

MIB = 1 << 20
DOUBLE_BUFFERED = 2


@kernel
def drive(memory: DramMemory, transfers: Table, under_way: int) -> None:
    """Keep ``under_way`` transfers in the memory until all are done, as an engine with so many buffers would."""
    submitted, completed, now = 0, 0, 0
    while completed < transfers.shape[0]:
        while submitted < transfers.shape[0] and submitted - completed < under_way:
            submit(memory, now, transfers[submitted], submitted)
            submitted += 1
        now = next_event(memory)
        completed += advance(memory, now, transfers)


def dma_rate(name: str, descriptors: list[Descriptor], *, naive: bool = False, repeats: int = 3) -> float:
    """Return bursts served per processor second [1/s] for ``descriptors`` one after another on the preset ``name``.

    ``naive``: every burst of every channel is stepped.
    """
    config, records = load_dram(name), descriptor_table(descriptors)

    def once() -> tuple[float, int]:
        memory = new_dram_memory(
            config, records, clock_hz=config.clock_hz, capacity=DOUBLE_BUFFERED, skip=not naive, twins=not naive
        )
        transfers = table(TRANSFER, len(descriptors))
        start = time.process_time()
        drive(memory, transfers, DOUBLE_BUFFERED)
        seconds = time.process_time() - start
        part_all(memory)
        return seconds, int((memory.channels.reads + memory.channels.writes).sum())

    return _best(once, repeats)


def random_rate(name: str, requests: int, repeats: int = 3) -> float:
    """Return uniform random reads served per processor second [1/s] by the trace engine."""
    config = load_dram(name)
    bursts = config.organization.capacity_bytes // config.organization.request_bytes
    addresses = np.random.default_rng(0).integers(0, bursts, requests) * config.organization.request_bytes
    trace = dram_trace({"addr": addresses, "is_write": np.zeros(requests, dtype=bool)})

    def once() -> tuple[float, int]:
        state = new_state(config, request_records(config, trace), drain_writes=True)
        start = time.process_time()
        advance_trace(state, NEVER)
        return time.process_time() - start, requests

    return _best(once, repeats)


def oracle_rate(name: str, requests: int) -> float:
    """Return sequential reads served per processor second [1/s] by the oracle of the tests."""
    from tests.oracle.dram_oracle import run_oracle

    config = load_dram(name)
    trace: Any = [(index * config.organization.request_bytes, False, 0) for index in range(requests)]

    def once() -> tuple[float, int]:
        start = time.process_time()
        run_oracle(config, trace)
        return time.process_time() - start, requests

    return _best(once, 1)


def _best(once: Callable[[], tuple[float, int]], repeats: int) -> float:
    """Return the best rate of ``repeats`` runs, after one that compiles."""
    if repeats > 1:
        once()
    return max(served / max(seconds, 1e-9) for seconds, served in (once() for _ in range(repeats)))


def dram_rates(*, quick: bool = False) -> dict[str, float]:
    """Return requests per second [1/s] by what was run; the oracle's rate is among them."""
    tiles = 4 if quick else 32
    rates = {}
    for name in ("ddr4_2400", "lpddr5_6400", "hbm2"):
        whole = [Descriptor(index * MIB, MIB) for index in range(tiles)]
        small = [Descriptor(index * MIB, MIB // 32) for index in range(8 * tiles)]
        stored = [Descriptor(index * MIB, MIB, direction=WRITE) for index in range(tiles)]
        rates[f"{name}_reads_1MiB"] = dma_rate(name, whole)
        rates[f"{name}_reads_1MiB_stepped"] = dma_rate(name, whole, naive=True)
        rates[f"{name}_reads_32KiB"] = dma_rate(name, small)
        rates[f"{name}_writes_1MiB"] = dma_rate(name, stored)
        rates[f"{name}_random"] = random_rate(name, 2000 if quick else 100_000)
    rates["ddr4_2400_oracle"] = oracle_rate("ddr4_2400", 20 if quick else 500)
    return rates
