"""``simulator dram``: a request trace through a DRAM system by itself."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from simulator.cli.outputs import check_file, refuse_source
from simulator.cli.progress import simulating
from simulator.cli.screen import console, print_pairs
from simulator.documents import write_atomically
from simulator.errors import SimulatorError
from simulator.memory.dram_library import load_dram
from simulator.report.quantities import count, percent, significant, with_prefix
from simulator.units import PJ_PER_J

if TYPE_CHECKING:
    from simulator.memory.dram_config import DramConfig
    from simulator.memory.dram_run import DramResult, DramTrace


class DramOutputs(NamedTuple):
    """The files to write."""

    json: Path | None
    log: Path | None


def run_dram(config: str, trace: Path, outputs: DramOutputs, *, quiet: bool) -> None:
    """Run ``trace`` on the DRAM that ``config`` names or describes; print what it did, and write what is asked for.

    Raises
    ------
    SimulatorError
        A file that cannot be read or makes no sense.
    """
    for path, option in ((outputs.json, "--json"), (outputs.log, "--log")):
        if path is not None:
            check_file(path, option)
            refuse_source(path, option, [Path(config), trace])
    if outputs.json is not None and outputs.log is not None and outputs.json.absolute() == outputs.log.absolute():
        message = f"--json {outputs.json} --log {outputs.log}: one file for two outputs; name two files"
        raise SimulatorError(message)
    system = load_dram(config)
    from simulator.memory.dram_run import load_dram_trace, run_trace

    requests = load_dram_trace(trace)  # a bad one is refused before anything is compiled
    with simulating(trace.name, work="dram", quiet=quiet):
        result = run_trace(system, requests, log_commands=outputs.log is not None)
    if outputs.json is not None:
        write_atomically(outputs.json, json.dumps(result.to_dict(), allow_nan=False) + "\n", SimulatorError)
    if outputs.log is not None:
        write_atomically(outputs.log, command_log_csv(system, result), SimulatorError)
    if quiet:
        return
    print_pairs(console(), [("requests", _requests(requests)), *_findings(result)])


def command_log_csv(config: "DramConfig", result: "DramResult") -> str:
    """Return the commands issued as CSV: cycle, command, and where it went; -1 where that says nothing."""
    from simulator.memory.dram_timing_kernel import COMMAND_NAMES

    shape = config.organization
    lines = ["cycle,command,channel,rank,bank_group,bank,row,column"]
    for entry in result.command_log if result.command_log is not None else ():
        bank = int(entry.bank) % shape.banks_per_rank
        group, place = divmod(bank, shape.banks_per_group) if entry.bank >= 0 else (-1, -1)
        where = f"{entry.channel},{int(entry['rank']) % shape.ranks},{group},{place},{entry.row},{entry.column}"
        lines.append(f"{entry.cycle},{COMMAND_NAMES[entry.kind]},{where}")
    return "\n".join(lines) + "\n"


def _requests(trace: "DramTrace") -> str:
    return f"{count(trace.addresses.size)} ({count(int(trace.is_write.sum()))} writes)"


def _findings(result: "DramResult") -> Iterator[tuple[str, str]]:
    columns = result.command_counts["read"] + result.command_counts["write"]
    achieved, peak = result.achieved_bytes_per_cycle, result.peak_bytes_per_cycle
    hits = f"{count(result.row_hits)} of {count(columns)} column commands"
    yield "makespan", f"{count(result.makespan_cycles)} cycles of the DRAM's clock"
    yield "commands", ", ".join(f"{name} {count(number)}" for name, number in result.command_counts.items())
    yield "row hits", f"{hits} ({percent(result.row_hits, columns)} %)"
    yield "bandwidth", f"{significant(achieved)} of {significant(peak)} B/cycle ({percent(achieved, peak)} %)"
    yield "limiter", result.limiter
    yield "lost", ", ".join(f"{name} {count(cycles)}" for name, cycles in result.lost_cycles.items()) + " bus cycles"
    yield "read latency", _latencies(result.read_latency_cycles)
    if result.energy_pj is not None:
        parts = {name: with_prefix(pj / PJ_PER_J, "J") for name, pj in result.energy_pj.items()}
        if columns and not result.energy_pj["io"]:  # an .ini has currents only, and they leave out the pins
            parts["io"] = "without a price"
        yield "energy", ", ".join(f"{name} {energy}" for name, energy in parts.items())


def _latencies(latency_cycles: dict[str, float]) -> str:
    named = ", ".join(f"{name} {significant(cycles)}" for name, cycles in latency_cycles.items())
    return f"{named} cycles" if named else "no reads"
