"""Running a tape over a memory: the timeline, and where the time went."""

from dataclasses import dataclass

import numpy as np

from simulator.dataflow.tape import Tape
from simulator.engine.accounting import LAYER_TIME, account
from simulator.engine.event_loop import CORE, RunTables, prepare, run_tape
from simulator.errors import SimulationError
from simulator.memory.bandwidth import NEVER, new_memory
from simulator.records import OPERAND_NAMES, UNKNOWN_CYCLE, Table, table


@dataclass(frozen=True)
class Timeline:
    """When everything happened.

    Attributes
    ----------
    layers : recarray of LAYER_TIME
        Windows that partition the core's time, and where each window went.
    total_cycles : int
        Until the last output is written.
    dram_busy_cycles : int
        Cycles in which the DRAM port moved data.
    """

    layers: Table
    total_cycles: int
    dram_busy_cycles: int


def run(tape: Tape, space: Table) -> Timeline:
    """Run ``tape`` over a bandwidth memory; fill the times in its steps and transfers.

    Parameters
    ----------
    tape : Tape
    space : recarray
        MEMORY_SPACE, one record: DRAM bandwidth [B/cycle], latency [cycles], word [bytes].

    Raises
    ------
    SimulationError
        The tape deadlocks; names the cycle, the step and what it waits for. Or its time would not fit 64 bits.
    """
    core = table(CORE, 1)
    queues = np.array([[0, len(tape.order), 0]], np.int64)
    tables = RunTables(tape.steps, tape.uses, tape.transfers, tape.afters, tape.order, queues, core)
    machine = space[0]
    memory = new_memory(
        float(machine.dram_bytes_per_cycle),
        int(machine.dram_latency_cycles),
        int(machine.dram_word_bytes),
        len(tape.order),
    )
    _refuse_endless(tape, space)
    prepare(tables)
    run_tape(tables, memory)
    if core[0].stuck_cycle != UNKNOWN_CYCLE:
        raise SimulationError(_describe_deadlock(tables))
    layers = table(LAYER_TIME, len(tape.spans))
    account(tape.steps, tape.transfers, tape.spans, layers, int(machine.dram_latency_cycles))
    total = int(layers[-1].end_cycle) if len(layers) else 0
    return Timeline(layers, total, int(memory.port[0].busy_cycles))


def _refuse_endless(tape: Tape, space: Table) -> None:
    """Refuse a run whose transfers alone, one after the other, could outlast the 64-bit clock."""
    machine = space[0]
    moved_bytes = float(tape.transfers["payload_bytes"].sum(dtype=np.float64))
    port_cycles = (moved_bytes + len(tape.order) * machine.dram_word_bytes) / machine.dram_bytes_per_cycle
    cycles = port_cycles + len(tape.order) * float(machine.dram_latency_cycles)
    if cycles > NEVER / 4:  # room for the steps between them
        message = (
            f"the run would take up to {cycles:.1e} cycles, more than 64 bits can count: {moved_bytes:.3g} bytes at "
            f"{machine.dram_bytes_per_cycle:.3g} bytes a cycle; raise dram.bandwidth_bytes_per_second, or lower "
            "clock_hz or the batch"
        )
        raise SimulationError(message)


def _describe_deadlock(run_tables: RunTables) -> str:
    """Name where the run stopped and what the next step waits for."""
    core = run_tables.core[0]
    if core.next_step == len(run_tables.steps):
        return f"deadlock at cycle {core.stuck_cycle}: transfers are left in the queue and nothing enables them"
    step = run_tables.steps[core.next_step]
    waits = [
        OPERAND_NAMES[use.operand]
        for use in run_tables.uses[step.first_use : step.first_use + step.uses]
        if use.transfer >= 0 and run_tables.transfers[use.transfer].done_cycle == UNKNOWN_CYCLE
    ]
    return (
        f"deadlock at cycle {core.stuck_cycle}: step {int(core.next_step)} of layer {int(step.layer)} waits for "
        f"{', '.join(waits) or 'nothing'}; the tape's queue order and slots contradict each other"
    )
