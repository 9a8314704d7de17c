"""Running a tape over a memory: the timeline, and where the time went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simulator.dataflow.tape import Tape
from simulator.engine.accounting import LAYER_TIME, account
from simulator.engine.event_loop import CORE, PROGRESS, RunTables, prepare, run_tape
from simulator.engine.last_level import new_last_level_port, run_tape_with_last_level
from simulator.engine.sharing import share_out
from simulator.errors import SimulationError
from simulator.memory.bandwidth import NEVER, new_memory
from simulator.records import OPERAND_NAMES, RESOURCE_NAMES, UNKNOWN_CYCLE, WRITE, Table, table

COMMAND_NAMES = ("activates", "precharges", "reads", "writes")
COMMANDS_OF_ENERGY = {
    "activate": ("activates",),
    "io": ("reads", "writes"),
    "read": ("reads",),
    "write": ("writes",),
}
"""Commands that each part of the DRAM's energy is shared out by; background and refresh go by time."""
LOST_FIELDS = {
    "starvation": "lost_starvation",
    "row_conflict": "lost_row",
    "tfaw": "lost_activation",
    "refresh": "lost_refresh",
    "tccd_l": "lost_tccd",
    "turnaround": "lost_turnaround",
}


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
    commands : recarray of COMMANDS, optional
        What the DRAM did for each layer (:mod:`simulator.engine.dram_loop`), where its commands were simulated.
    dram_energy_pj : dict, optional
        Of the whole run, by command; None without currents [pJ].
    refreshes : int
        Refresh commands of the whole run.
    burst_cycles : int
        DRAM cycles for which a burst holds a channel's data bus.
    share_cycles : float, optional
        Cycles of the machine that these layers answer for, where the run had others beside them (:meth:`part`); None:
        all of it.
    """

    layers: Table
    total_cycles: int
    dram_busy_cycles: int
    commands: Table | None = None
    dram_energy_pj: Mapping[str, float] | None = None
    refreshes: int = 0
    burst_cycles: int = 0
    share_cycles: float | None = None

    def part(self, works: Table) -> "Timeline":
        """Return the timeline of some works of a run of several networks, with their shares of time and energy."""
        shares, energy_pj = self.shares_of_time(), self.dram_energy_pj
        mine = replace(
            self,
            layers=self.layers[works],
            commands=None if self.commands is None else self.commands[works],
            share_cycles=float(shares[works].sum()),
        )
        if self.commands is None or energy_pj is None:
            return mine
        return replace(mine, dram_energy_pj=self._energy_of(works, shares))

    def _energy_of(self, works: Table, shares: Table) -> dict[str, float]:
        """Return the DRAM energy of some works: by their commands, and by their share of time what no command takes."""
        assert self.commands is not None
        assert self.dram_energy_pj is not None
        found = {}
        for name, energy_pj in self.dram_energy_pj.items():
            weight = shares
            if name in COMMANDS_OF_ENERGY:
                weight = np.sum([self.commands[kind] for kind in COMMANDS_OF_ENERGY[name]], axis=0)
            found[name] = energy_pj * float(weight[works].sum()) / max(1.0, float(weight.sum()))
        return found

    def shares_of_time(self) -> Table:
        """Return the cycles of each work's window [works]; of several cores its part of the run by its window."""
        cycles = self.layers["cycles"]
        windows = int(cycles.sum())
        whole = self.total_cycles if self.share_cycles is None else self.share_cycles
        return cycles if windows in (0, whole) else cycles * (whole / windows)

    def command_energy_pj(self, cycles: Table) -> Table | None:
        """Return the DRAM energy of each layer by its commands, background and refresh by ``cycles`` [layers], in pJ.

        None where commands or currents are not known.
        """
        if self.commands is None or self.dram_energy_pj is None:
            return None
        share = cycles / max(1.0, float(cycles.sum()))
        energy = (self.dram_energy_pj["background"] + self.dram_energy_pj["refresh"]) * share
        for name, kinds in COMMANDS_OF_ENERGY.items():
            count = np.sum([self.commands[kind] for kind in kinds], axis=0)
            energy = energy + self.dram_energy_pj[name] * (count / max(1, int(count.sum())))
        return np.asarray(energy)

    def commands_of(self, works: Sequence[int]) -> dict[str, Any] | None:
        """Return what the DRAM did for some works, as a result shows it; None where its commands were not simulated.

        ``limiter`` is ``dram_bus`` if the channels moved data for longer than any one constraint kept their buses idle,
        else the name of that constraint.
        """
        if self.commands is None:
            return None
        mine = self.commands[list(works)]
        counts = {name: int(mine[name].sum()) for name in mine.dtype.names or ()}
        columns = counts["reads"] + counts["writes"]
        lost = {name: counts[field] for name, field in LOST_FIELDS.items()}
        worst = max(lost, key=lambda name: lost[name])
        found: dict[str, Any] = {"row_hit_rate": counts["row_hits"] / columns if columns else None}
        found["limiter"] = worst if lost[worst] > self.burst_cycles * columns else "dram_bus"
        return found | {name: counts[name] for name in COMMAND_NAMES} | {"lost_cycles": lost}


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
    machine = space[0]
    refuse_endless(tape, space)
    tables = new_run(tape)
    memory = new_memory(
        float(machine.dram_bytes_per_cycle),
        int(machine.dram_latency_cycles),
        int(machine.dram_word_bytes),
        (tables.queues[:, 1] - tables.queues[:, 0]).tolist(),
    )
    if tape.last_level is None:
        run_tape(tables, memory)
    else:
        run_tape_with_last_level(tables, memory, new_last_level_port(tape), tape.last_level.on_chip)
    latency_cycles = int(machine.dram_latency_cycles)
    layers = account_run(tables, tape, latency_cycles, latency_cycles)
    return Timeline(layers, total_cycles_of(layers), int(memory.port[0].busy_cycles))


def new_run(tape: Tape) -> RunTables:
    """Return the state of a run that has not begun: no time of the tape is known."""
    queues, cores = np.zeros((tape.cores, 3), np.int64), table(CORE, tape.cores)
    places, steps = np.array([0, len(tape.order)]), np.array([0, len(tape.steps)])
    if tape.cores > 1:
        numbers = np.arange(tape.cores + 1)
        places = np.searchsorted(tape.transfers["queue"][tape.order], numbers)
        steps = np.searchsorted(tape.steps["core"], numbers)
    queues[:, 0], queues[:, 1] = places[:-1], places[1:]
    cores["first_step"] = cores["next_step"] = steps[:-1]
    cores["end_step"] = steps[1:]
    tables = RunTables(
        tape.steps, tape.uses, tape.transfers, tape.afters, tape.order, queues, cores, table(PROGRESS, 1)
    )
    prepare(tables)
    return tables


def account_run(tables: RunTables, tape: Tape, latency_cycles: int, port_latency_cycles: int = 0) -> Table:
    """Return the LAYER_TIME records of a run that has ended.

    Parameters
    ----------
    tables : RunTables
    tape : Tape
    latency_cycles : int
        The end of a gap that counts as latency.
    port_latency_cycles : int
        The end of a transfer in which it does not hold the port.

    Raises
    ------
    SimulationError
        It stopped before its end.
    """
    if tables.progress[0].stuck_cycle != UNKNOWN_CYCLE:
        raise SimulationError(_describe_deadlock(tables))
    layers = table(LAYER_TIME, len(tape.spans))
    if tape.cores == 1:
        account(tape.steps, tape.transfers, tape.spans, layers, latency_cycles)
        return layers
    for core in range(tape.cores):
        mine = tape.spans["core"] == core
        part = table(LAYER_TIME, int(mine.sum()))
        account(tape.steps[: tables.cores[core].end_step], tape.transfers, tape.spans[mine], part, latency_cycles)
        layers[mine] = part
    share_out(tape, layers, port_latency_cycles, latency_cycles)
    return layers


def total_cycles_of(layers: Table) -> int:
    """Return the end of the last window."""
    return int(layers["end_cycle"].max(initial=0))


def refuse_endless(tape: Tape, space: Table) -> None:
    """Refuse a run whose transfers alone, one after the other, could outlast the 64-bit clock."""
    machine = space[0]
    moved_bytes = float(tape.transfers["payload_bytes"].sum(dtype=np.float64))
    port_cycles = (moved_bytes + len(tape.order) * machine.dram_word_bytes) / machine.dram_bytes_per_cycle
    cycles = port_cycles + len(tape.order) * float(machine.dram_latency_cycles)
    cycles += float(tape.transfers["codec_cycles"].sum(dtype=np.float64))
    if cycles > NEVER / 4:  # room for the steps between them
        message = (
            f"the run would take up to {cycles:.1e} cycles, more than 64 bits can count: {moved_bytes:.3g} bytes at "
            f"{machine.dram_bytes_per_cycle:.3g} bytes a cycle; raise dram.bandwidth_bytes_per_second, or lower "
            "clock_hz or the batch"
        )
        raise SimulationError(message)


def _describe_deadlock(tables: RunTables) -> str:
    """Name where the run stopped, what each core's next step waits for, and which tile heads each queue and why."""
    text = f"deadlock at cycle {tables.progress[0].stuck_cycle}: "
    for number, core in enumerate(tables.cores):
        if core.next_step < core.end_step:
            on_core = f" on core {number}" if len(tables.cores) > 1 else ""
            text += f"{_describe_step(tables, int(core.next_step), on_core)}; "
    for number, (position, end, _) in enumerate(tables.queues.tolist()):
        if position < end:
            text += f"DMA queue {number} stands at {_describe_head(tables, int(tables.order[position]))}; "
    return text + "the tape's queue order and slots contradict each other"


def _describe_step(tables: RunTables, number: int, on_core: str) -> str:
    step = tables.steps[number]
    uses = tables.uses[step.first_use : step.first_use + step.uses]
    waits = [
        f"its {OPERAND_NAMES[use.operand]} (transfer {use.transfer})"
        for use in uses
        if use.transfer >= 0 and tables.transfers[use.transfer].done_cycle == UNKNOWN_CYCLE
    ]
    sources = [(f"step {use.source_step} for its {OPERAND_NAMES[use.operand]}", use.source_step) for use in uses]
    for what, source in (*sources, (f"step {step.wait_step}", step.wait_step)):
        if source >= 0 and tables.steps[source].output_cycle == UNKNOWN_CYCLE:
            waits.append(what)
    where = f"{RESOURCE_NAMES[step.resource]} step {number} of layer {int(step.layer)}{on_core}"
    return f"{where} waits for {', '.join(waits) or 'nothing'}"


def _describe_head(tables: RunTables, index: int) -> str:
    transfer = tables.transfers[index]
    kind = "store" if transfer.direction == WRITE else "load"
    head = f"transfer {index}, the {OPERAND_NAMES[transfer.operand]} {kind} of tile {int(transfer.tile)} of layer "
    waits = [
        f"{what} of step {int(step)}"
        for what, step in (("the slot", transfer.free_step), ("the outputs", transfer.data_step))
        if step >= 0 and step >= tables.cores[tables.steps[step].core].next_step
    ]
    afters = tables.afters[transfer.first_after : transfer.first_after + transfer.afters].tolist()
    waits += [f"transfer {after}" for after in afters if tables.transfers[after].done_cycle == UNKNOWN_CYCLE]
    return f"{head}{int(transfer.layer)}, which waits for {', '.join(waits) or 'nothing'}"
