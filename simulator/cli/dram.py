"""``simulator dram``: a request trace through a DRAM system by itself."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cli.outputs import check_file, refuse_source
from simulator.cli.progress import simulating
from simulator.cli.screen import console, print_pairs
from simulator.documents import write_atomically
from simulator.errors import SimulatorError
from simulator.report.quantities import count, percent, significant, with_prefix
from simulator.units import PJ_PER_J

if TYPE_CHECKING:
    from simulator.memory.dram_run import DramResult, DramTrace


def run_dram(config: Path, trace: Path, output: Path | None, *, quiet: bool) -> None:
    """Run ``trace`` on the DRAM that ``config`` describes; print what it did, and write it as JSON.

    Raises
    ------
    SimulatorError
        A file that cannot be read or makes no sense.
    """
    if output is not None:
        check_file(output, "--json")
        refuse_source(output, "--json", [config, trace])
    with simulating(trace.name, work="dram", quiet=quiet):
        from simulator.memory.dram_run import load_dram_trace, run_trace

        requests = load_dram_trace(trace)
        result = run_trace(config, requests)
    data = result.to_dict()
    if output is not None:
        write_atomically(output, json.dumps(data, allow_nan=False) + "\n", SimulatorError)
    if quiet:
        return
    print_pairs(console(), [("requests", _requests(requests)), *_findings(result)])


def _requests(trace: "DramTrace") -> str:
    return f"{count(trace.addresses.size)} ({count(int(trace.is_write.sum()))} writes)"


def _findings(result: "DramResult") -> Iterator[tuple[str, str]]:
    columns = result.command_counts["read"] + result.command_counts["write"]
    achieved, peak = result.achieved_bytes_per_cycle, result.peak_bytes_per_cycle
    hits = f"{count(result.row_hits)} of {count(columns)} column commands"
    yield "makespan", f"{count(result.makespan_cycles)} cycles of the DRAM's clock"
    yield "row hits", f"{hits} ({percent(result.row_hits, columns)} %)"
    yield "bandwidth", f"{significant(achieved)} of {significant(peak)} B/cycle ({percent(achieved, peak)} %)"
    yield "limiter", result.limiter
    yield "lost", ", ".join(f"{name} {count(cycles)}" for name, cycles in result.lost_cycles.items()) + " bus cycles"
    yield "read latency", _latencies(result.read_latency_cycles)
    if result.energy_pj is not None:
        parts = ", ".join(f"{name} {with_prefix(pj / PJ_PER_J, 'J')}" for name, pj in result.energy_pj.items())
        yield "energy", parts


def _latencies(latency_cycles: dict[str, float]) -> str:
    named = ", ".join(f"{name} {significant(cycles)}" for name, cycles in latency_cycles.items())
    return f"{named} cycles" if named else "no reads"
