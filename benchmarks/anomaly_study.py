"""``python -m benchmarks.anomaly_study``: how often a better machine takes longer, where no law forbids it.

Draws random systolic accelerators and chains of two layers, improves one thing at a time, and writes
``reports/anomalies.md`` and ``.json``: in how many runs the improvement added cycles, and by how much at most. On one
core in bandwidth fidelity a fixed tape never gets slower (a theorem, and a test); those rows must read 0.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from numpy.random import Generator, default_rng

from benchmarks.fidelity_study import random_accelerator
from benchmarks.studies import Study, run_study
from simulator.api import simulate
from simulator.arch import Accelerator
from simulator.dataflow.binding import bind
from simulator.dataflow.core_split import over_cores
from simulator.dataflow.machine import hardware_record, space_record
from simulator.dataflow.plan_tables import PlanInputs
from simulator.dataflow.tape import build_tape
from simulator.engine.run import run
from simulator.errors import SimulatorError
from simulator.mapping.given import GivenMappings
from simulator.mapping.search import map_network
from simulator.workload import LayerGraph
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision

CORES = (1, 2, 4)
FIDELITIES = ("bandwidth", "event")
MORE_BANDWIDTH = 1.25
BANDWIDTH, SLOT, TRANSFER, ROWS = (
    "25 % more DRAM bandwidth, same tiles",
    "one more slot in every buffer, same tiles",
    "one transfer of half the bytes",
    "twice the array's rows, mapped anew",
)


@dataclass(frozen=True)
class Trial:
    """One improvement: cycles before and after."""

    change: str
    cores: int
    fidelity: str
    before_cycles: int
    after_cycles: int
    case: int = 0  # number of the accelerator drawn


def random_chain(draw: Generator) -> LayerGraph:
    """Return two convolutions of a few hundred kilobytes, the second 1 x 1."""
    eight = Precision(bits=8)
    net = GraphBuilder("chain", weight_precision=eight, activation_precision=eight)
    channels = [int(2 ** draw.uniform(3, 8)) for _ in range(3)]
    size, taps = int(draw.integers(7, 33)), int(draw.choice([1, 3]))
    image = net.conv(net.input("image", (1, channels[0], size, size)), channels[1], taps, padding=taps // 2, name="a")
    return net.build(net.conv(image, channels[2], 1, name="b"))


def with_changes(machine: Accelerator, **changes: object) -> Accelerator:
    """Return ``machine`` with some top-level fields replaced."""
    return Accelerator.model_validate({**machine.model_dump(by_alias=True), **changes})


def more_bandwidth(machine: Accelerator) -> Accelerator:
    """Return ``machine`` with a quarter more DRAM bandwidth."""
    dram = machine.dram.model_dump()
    dram["bandwidth_bytes_per_second"] *= MORE_BANDWIDTH
    return with_changes(machine, dram=dram)


def one_more_slot(machine: Accelerator) -> Accelerator:
    """Return ``machine`` with a slot more in every buffer, of the size of those it has."""
    buffers = []
    for buffer in machine.buffers:
        size = -(-buffer.capacity_bytes * (buffer.slots + 1) // buffer.slots)
        buffers.append(buffer.model_dump() | {"slots": buffer.slots + 1, "capacity_bytes": size})
    return with_changes(machine, buffers=buffers)


def twice_the_rows(machine: Accelerator) -> Accelerator:
    """Return ``machine`` with an array of twice the rows."""
    array = machine.array.model_dump()
    array["rows"] *= 2
    return with_changes(machine, array=array)


CHANGES: dict[str, tuple[Callable[[Accelerator], Accelerator], bool]] = {
    BANDWIDTH: (more_bandwidth, True),
    SLOT: (one_more_slot, True),
    ROWS: (twice_the_rows, False),
}
"""What is improved, and whether the tiles stay as they are."""


def trials_of(graph: LayerGraph, machine: Accelerator, draw: Generator) -> Iterator[Trial]:
    """Yield every improvement of one accelerator under one chain of layers."""
    cores = machine.cores
    for fidelity in FIDELITIES:
        base = simulate(graph, machine, fidelity=fidelity)
        tiles: GivenMappings = {layer.name: layer.mapping for layer in base.layers}
        before = base.total.cycles or 0
        for change, (improved, keeps_tiles) in CHANGES.items():
            mappings = tiles if keeps_tiles else None
            after = simulate(graph, improved(machine), fidelity=fidelity, mappings=mappings).total.cycles or 0
            yield Trial(change, cores, fidelity, before, after)
    yield shorter_transfer(graph, machine, draw)


def shorter_transfer(graph: LayerGraph, machine: Accelerator, draw: Generator) -> Trial:
    """Halve one transfer of the tape, drawn at random."""
    network = over_cores(bind(graph, machine), machine)
    records = (hardware_record(machine), space_record(machine))
    mapped = map_network(network, machine, records)
    feeds = (network.producers, network.producer_spans, network.aligned, network.reads, network.cores)
    tape = build_tape(PlanInputs(network.works, mapped.mappings, *records, *feeds), machine.cores)
    before = run(tape, records[1]).total_cycles
    chosen = int(draw.integers(len(tape.transfers)))
    tape.transfers["payload_bytes"][chosen] //= 2
    return Trial(TRANSFER, machine.cores, "bandwidth", before, run(tape, records[1]).total_cycles)


def study(cases: int, seed: int) -> dict[str, Any]:
    """Return for each improvement, number of cores and fidelity how many runs it lengthened."""
    draw, trials, number, ran = default_rng(seed), [], 0, 0
    while ran < cases:
        machine, graph = random_accelerator(draw, number), random_chain(draw)
        number += 1
        try:
            found = [
                replace(trial, case=number - 1)
                for cores in CORES
                for trial in trials_of(graph, with_changes(machine, cores=cores, core_split="K"), draw)
            ]
        except SimulatorError:  # nothing fits, or no DRAM preset has that bandwidth
            continue
        trials += found
        ran += 1
    return {"cases": cases, "seed": seed, "rows": rows_of(trials)}


def rows_of(trials: list[Trial]) -> list[dict[str, Any]]:
    """Add trials up: one row for each improvement, fidelity and number of cores."""
    rows = []
    for key in dict.fromkeys((trial.change, trial.fidelity, trial.cores) for trial in trials):
        mine = [trial for trial in trials if (trial.change, trial.fidelity, trial.cores) == key]
        worse = [100 * (trial.after_cycles / trial.before_cycles - 1) for trial in mine]
        longer = [percent for percent in worse if percent > 0]
        row = dict(zip(("change", "fidelity", "cores"), key, strict=True))
        row |= {"runs": len(mine), "longer": len(longer), "longer_pct": 100 * len(longer) / len(mine)}
        worst = max(zip(worse, mine, strict=True), key=lambda pair: pair[0])
        row |= {"worst_pct": max(longer, default=0.0), "worst_case": worst[1].case if longer else None}
        rows.append(row)
    order = (BANDWIDTH, SLOT, TRANSFER, ROWS)
    return sorted(rows, key=lambda row: (order.index(row["change"]), row["fidelity"], row["cores"]))


def markdown(found: dict[str, Any]) -> str:
    """Return the study as a page."""
    command = f"python -m benchmarks.anomaly_study --cases {found['cases']} --seed {found['seed']}"
    lines = [
        "# How often a better machine takes longer",
        "",
        f"`{command}` wrote this: predicted by this simulator on both sides, nothing measured.",
        "",
        f"{found['cases']} random systolic accelerators, a random chain of two convolutions each, on 1, 2 and 4 cores",
        "(split by output channels). One core in bandwidth fidelity with the same tiles is the case with a law: 0.",
        "A case is the number of the accelerator drawn; those under which nothing fits, or no DRAM preset has that",
        "bandwidth, are drawn again.",
        "",
        "| change | fidelity | cores | runs | longer | of all [%] | worst [%] | in case |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in found["rows"]:
        numbers = f"{row['runs']} | {row['longer']} | {row['longer_pct']:.1f} | {row['worst_pct']:.2f} | "
        numbers += "" if row["worst_case"] is None else str(row["worst_case"])
        lines.append(f"| {row['change']} | {row['fidelity']} | {row['cores']} | {numbers} |")
    return "\n".join(lines) + "\n"


STUDY = Study(
    "anomaly_study", __doc__, "anomalies", "pairs of an accelerator and a chain of layers", 200, study, markdown
)

if __name__ == "__main__":
    run_study(STUDY)
