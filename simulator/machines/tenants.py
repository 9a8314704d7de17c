"""Several networks at once, each on cores of its own: each is planned by itself, and all run over one memory.

docs/model/cores.md has the rules. Each network runs a second time, alone, on the same cores and with the same tiles and
addresses, so that what sharing the memory costs it is told.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from simulator.arch import Accelerator
from simulator.assembly import Run, add_up, layer_results, least_cycles, not_timed, warnings_of
from simulator.core_results import with_cores
from simulator.dataflow.binding import BoundNetwork
from simulator.dataflow.joined_tapes import join_tapes, take_answers, works_of
from simulator.dataflow.residency import Residency
from simulator.dataflow.tape import Tape
from simulator.energy import PriceList, price_list
from simulator.engine.compression import Compressed
from simulator.engine.run import Timeline, run
from simulator.engine.sharing import waited_for
from simulator.errors import ArchitectureError, MappingError, WorkloadError
from simulator.machines.contract import Outcome, Request
from simulator.machines.fidelity import descriptors_of, distance_remarks, dram_system
from simulator.machines.recording import timeline_of
from simulator.machines.residency import buffers_of
from simulator.machines.systolic import Planned, plan
from simulator.mapping.search import MappedNetwork
from simulator.memory.dram_choice import DramChoice
from simulator.records import Table
from simulator.results import LayerResult
from simulator.zeros import zeros_of


class Ran(NamedTuple):
    """All networks after their run beside each other, and each network's cycles alone."""

    joined: Tape
    timeline: Timeline
    alone_cycles: list[int]
    waited_cycles: Table  # [networks, networks]
    bandwidth_cycles: Table | None


def run_tenants(requests: Sequence[Request], cores: Sequence[int]) -> Outcome:
    """Run several networks at once on one systolic machine.

    Parameters
    ----------
    requests : sequence of Request
        With the same accelerator, DRAM and dataflow; ``timeline`` of the first counts.
    cores : sequence of int
        Of each network; together at most those of the accelerator.

    Returns
    -------
    Outcome
        ``workloads`` has of each: ``name batch cores``; ``layers``, how many of the result's are its own; ``cycles
        latency_s`` until its last output, ``alone_cycles`` with nobody else on the DRAM, ``slowdown``, the first by the
        second; ``macs``; ``dram_bytes``, ``dram_share`` of all bytes moved, ``dram_bytes_per_cycle`` while it ran;
        ``energy_pj``; ``waited_cycles``, by the name of the network that was served meanwhile [cycles, added over its
        cores]; ``zeros``.

    Raises
    ------
    SimulatorError
        No mapping fits, the array cannot run the dataflow or the widths, or the tensors do not fit the DRAM.
    """
    machine, choice = requests[0].accelerator, requests[0].dram
    if machine.last_level is not None:
        message = (
            f"accelerator {machine.name}: last_level is shared by the cores of one network; run one, or leave it out"
        )
        raise ArchitectureError(message)
    prices, names = price_list(machine), tenant_names([request.graph.name for request in requests])
    plans = [_planned(*each, prices, machine.cores) for each in zip(requests, names, cores, strict=True)]
    ran = _run_all(plans, machine, choice)
    runs = _runs(requests, plans, ran, (names, prices))
    results = [layer_results(one) for one in runs]
    layers = tuple(layer for part in results for layer in part)
    whole = _whole_run(runs, ran, plans)
    total = add_up(machine, whole.network, layers, ran.timeline.total_cycles)
    flows = plans[0].flows
    return Outcome(
        layers=layers,
        total=with_cores(total, layers, machine.cores, _least_cycles(runs)),
        buffers=_buffers(runs),
        dataflow=flows[0] if len(flows) == 1 else "auto",
        prices=prices,
        batch=runs[0].network.batch,
        not_timed=not_timed(whole.network),
        warnings=(*warnings_of(machine, whole.network, layers), *distance_remarks(layers, choice)),
        timeline=timeline_of(whole) if requests[0].timeline else None,
        dram_system=dram_system(choice, ran.timeline),
        workloads=_summaries(requests, names, runs, results, ran),
    )


def _runs(
    requests: Sequence[Request], plans: Sequence[Planned], ran: Ran, told: tuple[Sequence[str], PriceList]
) -> list[Run]:
    """Return each network's part of the run; ``told`` = names, prices."""
    names, prices = told
    first_cores = [0, *accumulate(tape.cores for tape in _tapes(plans))]
    tapes, found = take_answers(ran.joined, _tapes(plans)), []
    for i, (request, planned, works) in enumerate(zip(requests, plans, works_of(tapes), strict=True)):
        network = _named(planned.network, names[i], first_cores[i])
        timeline = ran.timeline.part(works)
        beside = None if ran.bandwidth_cycles is None else ran.bandwidth_cycles[works]
        head, tail = (request.graph, request.accelerator, network, planned.mapped), (prices, request.zeros, beside)
        found.append(Run(*head, tapes[i], timeline, *tail))
    return found


def cores_of_tenants(accelerator: str, cores: int, asked: Sequence[int | None]) -> list[int]:
    """Return how many cores each of several networks runs on.

    Parameters
    ----------
    accelerator : str
        Its name.
    cores : int
        Of the accelerator.
    asked : sequence of int or None
        None for all: an equal share of them, the first ones more where it does not come out even.

    Raises
    ------
    ArchitectureError
        No network, some with a number and some without, a number below 1, or more than there are.

    Examples
    --------
    >>> cores_of_tenants("mine", 5, [None, None])
    [3, 2]
    """
    numbers = [number for number in asked if number is not None]
    if not asked:
        raise ArchitectureError("workloads: none given; give at least one")
    if 0 < len(numbers) < len(asked) or any(number < 1 for number in numbers):
        message = f"cores of each workload = {list(asked)}: give each a whole number of at least 1, or none a number"
        raise ArchitectureError(message)
    if not numbers:
        numbers = [cores // len(asked) + (i < cores % len(asked)) for i in range(len(asked))]
    if sum(numbers) > cores or min(numbers) < 1:
        needed = max(sum(numbers), len(asked))
        message = (
            f"accelerator {accelerator}: {len(asked)} workloads on {needed} cores, and it has {cores}; give it more "
            f"(--set cores={needed}), or fewer to each"
        )
        raise ArchitectureError(message)
    return numbers


def tenant_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return names that differ: the second network of a name is its ``#2``.

    Examples
    --------
    >>> tenant_names(["lenet5", "resnet18", "lenet5"])
    ('lenet5', 'resnet18', 'lenet5#2')
    """
    before = [names[:i].count(name) for i, name in enumerate(names)]
    return tuple(f"{name}#{count + 1}" if count else name for name, count in zip(names, before, strict=True))


def _least_cycles(runs: Sequence[Run]) -> float:
    return sum(least_cycles(one, range(len(one.network.works))) for one in runs)


def _planned(request: Request, name: str, cores: int, prices: PriceList, sharers: int) -> Planned:
    """Plan one network for its own cores; a fault names it."""
    machine = request.accelerator.model_copy(update={"cores": cores})
    try:
        return plan(replace(request, accelerator=machine), prices, sharers)
    except (ArchitectureError, MappingError, WorkloadError) as fault:
        raise type(fault)(f"workload {name}: {fault}") from None


def _made(planned: Planned) -> Compressed:
    assert planned.made is not None  # a layer without a mapping was refused
    return planned.made


def _tapes(plans: Sequence[Planned]) -> list[Tape]:
    return [_made(planned).tape for planned in plans]


def _run_all(plans: Sequence[Planned], machine: Accelerator, choice: DramChoice | None) -> Ran:
    """Run each network alone, then all beside each other."""
    tapes, space = _tapes(plans), plans[0].records[1]
    joined = join_tapes(tapes, machine.cores)
    if choice is None:
        latency_cycles = machine.dram.latency_cycles
        alone = [run(tape, space).total_cycles for tape in tapes]
        timeline = run(joined, space)
        return Ran(joined, timeline, alone, waited_for(joined, timeline.layers, latency_cycles, latency_cycles), None)
    from simulator.engine.boxes import join_descriptors
    from simulator.engine.event_run import read_latency_cycles, run_on_dram

    config = choice.config
    found = descriptors_of([(_made(one), one.network, one.mapped.mappings) for one in plans], machine, choice)
    alone = [
        run_on_dram(tape, mine, config, machine.clock_hz).total_cycles for tape, mine in zip(tapes, found, strict=True)
    ]
    bandwidth_cycles = run(joined, space).layers["cycles"].copy()
    timeline = run_on_dram(joined, join_descriptors(found), config, machine.clock_hz)
    latency_cycles = read_latency_cycles(config, machine.clock_hz)
    return Ran(joined, timeline, alone, waited_for(joined, timeline.layers, 0, latency_cycles), bandwidth_cycles)


def _named(network: BoundNetwork, name: str, first_core: int) -> BoundNetwork:
    """Return a network whose rows carry its name, on the cores from ``first_core`` on."""
    parts = network.parts.copy()
    parts["core"] += first_core
    return replace(
        network,
        parts=parts,
        rows=tuple(replace(row, name=f"{name}/{row.name}") for row in network.rows),
        untimed=tuple(replace(row, name=f"{name}/{row.name}") for row in network.untimed),
    )


def _whole_run(runs: Sequence[Run], ran: Ran, plans: Sequence[Planned]) -> Run:
    """Return all networks as one run, for what is shown of the whole: rows, untimed layers and the timeline."""
    networks = [one.network for one in runs]
    rows = [0, *accumulate(len(network.rows) for network in networks)]
    whole = replace(
        networks[0],
        works=np.concatenate([network.works for network in networks]).view(np.recarray),
        multipliers=tuple(one for network in networks for one in network.multipliers),
        row_of_work=tuple(
            first + row for first, network in zip(rows, networks, strict=False) for row in network.row_of_work
        ),
        rows=tuple(row for network in networks for row in network.rows),
        untimed=tuple(row for network in networks for row in network.untimed),
        parts=np.concatenate([network.parts for network in networks]).view(np.recarray),
        residency=Residency(),
    )
    mappings = np.concatenate([planned.mapped.mappings for planned in plans]).view(np.recarray)
    errors = tuple(error for planned in plans for error in planned.mapped.errors)
    mapped = MappedNetwork(mappings, plans[0].mapped.costs[:0], errors)
    return replace(runs[0], network=whole, mapped=mapped, tape=ran.joined, timeline=ran.timeline)


def _buffers(runs: Sequence[Run]) -> tuple[dict[str, Any], ...]:
    """Return each buffer of all runs: the fullest core's peak, the mean over all cores, the layers in order."""
    found = []
    for rows in zip(*(buffers_of(one) for one in runs), strict=True):
        both = dict(rows[0])
        for name in ("peak_bytes", "peak_resident_bytes"):
            both[name] = max(row[name] for row in rows)
        both["mean_bytes"] = sum(row["mean_bytes"] for row in rows)
        both["peak_bytes_by_layer"] = [peak for row in rows for peak in row["peak_bytes_by_layer"]]
        found.append(both)
    return tuple(found)


def _summaries(
    requests: Sequence[Request],
    names: Sequence[str],
    runs: Sequence[Run],
    results: Sequence[tuple[LayerResult, ...]],
    ran: Ran,
) -> tuple[dict[str, Any], ...]:
    """Return what each network took, beside what it takes alone, and whom it waited for."""
    found = []
    moved = [sum(layer.dram["read_bytes"] + layer.dram["write_bytes"] for layer in layers) for layers in results]
    for i, (request, name, one, layers) in enumerate(zip(requests, names, runs, results, strict=True)):
        cycles = max(layer.end_cycle or 0 for layer in layers)
        alone, machine = ran.alone_cycles[i], request.accelerator
        own = [row.macs for row in one.network.untimed]
        found.append(
            {
                "name": name,
                "batch": one.network.batch,
                "cores": np.flatnonzero(np.array(ran.joined.tenants) == i).tolist(),
                "layers": len(layers),
                "cycles": cycles,
                "latency_s": cycles / machine.clock_hz,
                "alone_cycles": alone,
                "slowdown": cycles / alone if alone else 1.0,
                "macs": sum(layer.macs for layer in layers) + sum(own),
                "dram_bytes": moved[i],
                "dram_share": moved[i] / max(1, sum(moved)),
                "dram_bytes_per_cycle": moved[i] / max(1, cycles),
                "energy_pj": sum(layer.total_energy_pj for layer in layers),
                "waited_cycles": dict(zip(names, ran.waited_cycles[i, : len(names)].tolist(), strict=True)),
                "zeros": zeros_of(request.graph, request.zeros, machine),
            }
        )
    return tuple(found)
