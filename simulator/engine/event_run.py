"""Running a tape over a command-level DRAM."""

from math import ceil

import numpy as np

from simulator.dataflow.tape import Tape
from simulator.engine.boxes import Descriptors
from simulator.engine.dram_causes import shares_of, split_bus_cycles
from simulator.engine.dram_loop import (
    COMMANDS,
    PIECE_TIMES,
    PORT_STATE,
    STRETCH,
    DramPort,
    Scratchpad,
    run_tape_on_dram,
    run_tape_on_dram_and_scratchpad,
)
from simulator.engine.event_loop import RunTables
from simulator.engine.last_level import new_last_level_port
from simulator.engine.run import Timeline, account_run, new_run, total_cycles_of
from simulator.errors import SimulationError
from simulator.memory.dram_config import DramConfig
from simulator.memory.dram_memory import new_dram_memory
from simulator.memory.dram_run import command_energy_pj
from simulator.memory.dram_state import COUNTS
from simulator.records import Table, table

MOST_UNDER_WAY = 1 << 16


def run_on_dram(
    tape: Tape, descriptors: Descriptors, dram: DramConfig, clock_hz: float, *, skip: bool = True
) -> Timeline:
    """Run ``tape`` over the DRAM system ``dram``; fill the times in its steps and transfers.

    Parameters
    ----------
    tape : Tape
    descriptors : Descriptors
        What each transfer moves.
    dram : DramConfig
    clock_hz : float
        Of the accelerator [Hz]; all times are in its cycles.
    skip : bool
        Whether steady streams are moved on at once and one of channels that do the same is simulated: the times are
        the same without, only later.

    Raises
    ------
    SimulationError
        The tape deadlocks, or has more descriptors under way than the DMA engine follows.
    WorkloadError
        A descriptor lies beyond the DRAM.
    """
    tables, port = run_commands(tape, descriptors, dram, clock_hz, skip=skip)
    memory = port.dram
    per_cycle = dram.clock_hz / clock_hz
    layers = account_run(tables, tape, read_latency_cycles(dram, clock_hz))
    split_lateness(tape, layers, port, dram, clock_hz)
    total = total_cycles_of(layers)
    makespan = max(ceil(total * per_cycle), int(port.state[0].drained_cycle))
    channels, burst = memory.channels, dram.organization.burst_cycles
    busy = int(channels.reads.sum() + channels.writes.sum()) * burst / dram.organization.channels / per_cycle
    energy_pj = command_energy_pj(dram, memory.channels, makespan)
    refreshes = int(channels.refreshes.sum())
    commands = port.layers[: len(layers)].view(COMMANDS)[:, 0].view(np.recarray)
    return Timeline(layers, total, round(busy), commands, energy_pj, refreshes, burst)


def run_commands(
    tape: Tape, descriptors: Descriptors, dram: DramConfig, clock_hz: float, *, skip: bool = True
) -> tuple[RunTables, DramPort]:
    """Fill the times in the steps and transfers of ``tape``; return the tables of the run and what the DRAM did.

    Nothing is put to the account of layers yet; parameters and errors are those of :func:`run_on_dram`.
    """
    pieces = len(descriptors.pieces)
    capacity = min(max(1, pieces), MOST_UNDER_WAY)
    memory = new_dram_memory(
        dram, descriptors.pieces, clock_hz=clock_hz, capacity=capacity, skip=skip, twins=skip, sources=tape.cores
    )
    port = DramPort(
        memory,
        descriptors.spans,
        table(PIECE_TIMES, pieces),
        np.zeros(len(tape.transfers) + 1, np.int64),
        table(PORT_STATE, 1),
        np.zeros((max(1, len(tape.spans)), len(COUNTS)), np.int64),
        np.zeros(len(COUNTS), np.int64),
        np.zeros((len(tape.transfers) + 1, len(STRETCH.names or ())), np.int64),
    )
    port.state[0].latency_cycles = read_latency_cycles(dram, clock_hz)
    tables = new_run(tape)
    if tape.last_level is None:
        run_tape_on_dram(tables, port, None)
    else:
        shared = Scratchpad(new_last_level_port(tape), tape.last_level.on_chip)
        run_tape_on_dram_and_scratchpad(tables, port, shared)
    if memory.port[0].refused:
        message = (
            f"DRAM {dram.name}: more than {capacity} descriptors are under way at once; give coarser tiles, or "
            "fidelity 'bandwidth'"
        )
        raise SimulationError(message)
    return tables, port


def split_lateness(tape: Tape, layers: Table, port: DramPort, dram: DramConfig, clock_hz: float) -> None:
    """Say of every layer's ``dram_bus`` cycles what held the data buses of the DRAM (docs/model/engine.md)."""
    organization, clocks = dram.organization, port.dram.port[0]
    stretches = port.stretches[: int(port.state[0].stretches)].view(STRETCH)[:, 0].view(np.recarray)
    shares = shares_of(
        stretches,
        organization.channels,
        organization.burst_cycles,
        int(clocks.dram_cycles) / int(clocks.core_cycles),
        _closed_read_cycles(dram),
    )
    split_bus_cycles(tape, layers, read_latency_cycles(dram, clock_hz), stretches, shares)


def read_latency_cycles(dram: DramConfig, clock_hz: float) -> int:
    """Return the core cycles of a read of a closed bank that waits for nothing."""
    return ceil(_closed_read_cycles(dram) * clock_hz / dram.clock_hz)


def _closed_read_cycles(dram: DramConfig) -> int:
    timing = dram.timing
    return timing.trcd_read_cycles + timing.read_latency_cycles + dram.organization.burst_cycles
