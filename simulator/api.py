"""``simulate``: the only orchestration. A workload and an accelerator go in, a result comes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from simulator import __version__
from simulator.arch import Accelerator, load_accelerator
from simulator.arch.arrays import require_systolic
from simulator.energy.command_rows import command_rows
from simulator.energy.prices import PriceRow
from simulator.errors import ArchitectureError, MappingError
from simulator.machines.contract import Outcome, Request
from simulator.machines.fidelity import resolve_fidelity
from simulator.machines.registry import machine_for
from simulator.machines.tenants import cores_of_tenants, run_tenants
from simulator.mapping.given import GivenMappings
from simulator.mapping.search import OBJECTIVES, Objective
from simulator.memory.dram_choice import DramChoice, with_dram
from simulator.results import RunResult
from simulator.workload import LayerGraph, load_workload
from simulator.workload.masks import Masks
from simulator.workload.transforms.declare import declare_sparsity
from simulator.workload.transforms.depth_first import depth_first as cut_depth_first
from simulator.zeros import zeros_of

Fidelity = Literal["event", "bandwidth"]
DEFAULT_ACCELERATOR = "tpu_like_128"


def simulate(
    workload: LayerGraph | str | Path,
    accelerator: Accelerator | str | Path = DEFAULT_ACCELERATOR,
    *,
    fidelity: str | None = None,
    dram: str | Path | None = None,
    batch: int = 1,
    dataflow: str | None = None,
    objective: Objective = "latency",
    mappings: GivenMappings | None = None,
    compat: str | None = None,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    sparsity: str | None = None,
    seed: int = 0,
    depth_first: str | None = None,
    timeline: bool = False,
) -> RunResult:
    """Run a network on an accelerator.

    Parameters
    ----------
    workload : LayerGraph, str or Path
        A graph, a library name, or a ``.json``, ``.onnx`` or SCALE-Sim ``.csv`` file.
    accelerator : Accelerator, str or Path
        A description, a preset name, or a ``.json`` or SCALE-Sim ``.cfg`` file.
    fidelity : {"event", "bandwidth"}, optional
        DRAM command by command (which DRAM: :mod:`simulator.memory.dram_choice`), or as latency and bytes a cycle.
        None: event where array and DRAM allow it (:func:`simulator.machines.fidelity.resolve_fidelity`).
    dram : str or Path, optional
        Another DRAM for the accelerator: a preset (``simulator list drams``), a ``.json`` or DRAMsim3 ``.ini`` file.
    batch : int
        Images for each one in the workload's shapes.
    dataflow : {"ws", "os", "is", "auto"}, optional
        One for all layers, or the best for each; the description's first where None.
    objective : {"latency", "energy", "edp"}
        What the mapper minimises.
    mappings : mapping of layer name to mapping, optional
        The user's own, in the form results print.
    compat : {"scalesim"}, optional
        Add that tool's convention to each layer; a layer without a mapping of ours then has ``mapping_error``.
    shapes : mapping of str to tuple of int, optional
        For unbound inputs of an ONNX model.
    sparsity : str, optional
        Zeros in place of the workload's own, as ``"2:4"`` or ``"0.1, activations=0.4"``: see
        :mod:`simulator.workload.transforms.declare`.
    seed : int
        Of random masks: the same seed gives the same masks everywhere.
    depth_first : str, optional
        Chains of layers to run stripe by stripe, ``FIRST..LAST:STRIPES``, several separated by commas: see
        :mod:`simulator.workload.transforms.depth_first`. The network runs as it is, too, for its DRAM traffic.
    timeline : bool
        Keep when everything happened in ``result.timeline``, for ``result.write_trace`` and the plots over time;
        None there where more than 200,000 tiles ran, or the kind of array keeps none.

    Returns
    -------
    RunResult

    Raises
    ------
    SimulatorError
        Bad input: see :mod:`simulator.errors`.

    Examples
    --------
    >>> result = simulate("lenet5", "gemmini_like_16")
    >>> result.total.macs
    416520
    """
    _check_options(objective, compat)
    _check_mappings(mappings)
    graph = load_workload(workload, shapes=shapes)
    if sparsity is not None:
        graph = declare_sparsity(graph, sparsity)
    whole = graph
    if depth_first is not None:
        graph = cut_depth_first(graph, depth_first)
    masks = Masks(graph, seed)
    masks.check_files()
    machine = load_accelerator(accelerator)
    if dram is not None:
        machine = with_dram(machine, str(dram))
    resolved, choice, remarks = resolve_fidelity(machine, fidelity)
    if compat is not None:
        require_systolic(machine.name, machine.array, f"compat {compat!r}")
    request = Request(graph, machine, batch, dataflow, objective, mappings, compat, masks, timeline, choice)
    outcome = machine_for(machine)(request)
    if depth_first is not None:
        outcome = _beside_whole(outcome, replace(request, graph=whole, masks=Masks(whole, seed)))
    result = _result(graph.name, machine, outcome, choice, {"fidelity": resolved, "objective": objective})
    zeros = zeros_of(graph, masks, machine)
    return replace(result, zeros=zeros, warnings=(*remarks, *outcome.warnings))


@dataclass(frozen=True)
class Tenant:
    """One of several networks that run at once; fields as :func:`simulate` takes them.

    Attributes
    ----------
    workload : LayerGraph, str or Path
    cores : int, optional
        How many of the accelerator's cores it runs on; None (for all alike): an equal share.
    batch : int
    mappings : mapping of layer name to mapping, optional
    shapes : mapping of str to tuple of int, optional
    sparsity : str, optional
    seed : int
    """

    workload: LayerGraph | str | Path
    cores: int | None = None
    batch: int = 1
    mappings: GivenMappings | None = None
    shapes: Mapping[str, tuple[int, ...]] | None = None
    sparsity: str | None = None
    seed: int = 0


def simulate_together(
    tenants: Sequence[Tenant | LayerGraph | str | Path],
    accelerator: Accelerator | str | Path,
    *,
    fidelity: str | None = None,
    dram: str | Path | None = None,
    dataflow: str | None = None,
    objective: Objective = "latency",
    timeline: bool = False,
) -> RunResult:
    """Run several networks at once on an accelerator of several cores, each on cores of its own.

    They begin together and share the DRAM, where cores take turns (docs/model/cores.md). Each runs once more alone, on
    the same cores, with the same tiles at the same addresses: ``workloads`` of the result compares the two.

    Parameters
    ----------
    tenants : sequence of Tenant, LayerGraph, str or Path
        At least one; a bare workload is a tenant with an equal share of the cores.
    accelerator : Accelerator, str or Path
        With ``cores``; ``core_split`` says how a network uses several.
    fidelity, dram, dataflow, objective, timeline
        As :func:`simulate` takes them.

    Returns
    -------
    RunResult
        Layers of the first network, then those of the next, named ``workload/layer``.

    Raises
    ------
    SimulatorError
        Bad input: see :mod:`simulator.errors`.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> two = load_accelerator("gemmini_like_16", overrides=("cores=2",))
    >>> both = simulate_together(["lenet5", "lenet5"], two, fidelity="bandwidth")
    >>> [row["name"] for row in both.workloads]
    ['lenet5', 'lenet5#2']
    """
    _check_options(objective, None)
    machine = load_accelerator(accelerator)
    if dram is not None:
        machine = with_dram(machine, str(dram))
    require_systolic(machine.name, machine.array, "several workloads at once")
    asked = [one if isinstance(one, Tenant) else Tenant(one) for one in tenants]
    cores = cores_of_tenants(machine.name, machine.cores, [one.cores for one in asked])
    resolved, choice, remarks = resolve_fidelity(machine, fidelity)
    requests = [_request(one, machine, (dataflow, objective, timeline, choice)) for one in asked]
    outcome = run_tenants(requests, cores)
    name = " + ".join(str(row["name"]) for row in outcome.workloads)
    result = _result(name, machine, outcome, choice, {"fidelity": resolved, "objective": objective})
    return replace(result, warnings=(*remarks, *outcome.warnings), workloads=outcome.workloads)


def _request(tenant: Tenant, machine: Accelerator, options: tuple[str | None, Objective, bool, Any]) -> Request:
    """Return what a tenant asks for; ``options`` = dataflow, objective, timeline, DRAM."""
    dataflow, objective, timeline, choice = options
    _check_mappings(tenant.mappings)
    graph = load_workload(tenant.workload, shapes=tenant.shapes)
    if tenant.sparsity is not None:
        graph = declare_sparsity(graph, tenant.sparsity)
    masks = Masks(graph, tenant.seed)
    masks.check_files()
    return Request(graph, machine, tenant.batch, dataflow, objective, tenant.mappings, None, masks, timeline, choice)


def _beside_whole(outcome: Outcome, request: Request) -> Outcome:
    """Put the DRAM traffic of the network as it is, every layer mapped anew, into the total of its stripes' run."""
    run = machine_for(request.accelerator)
    whole = run(replace(request, mappings=None, compat=None, timeline=False, dram=None))  # alike in both fidelities
    return replace(outcome, total=replace(outcome.total, dram_bytes_without_depth_first=whole.total.dram_bytes))


def _result(
    workload: str, machine: Accelerator, outcome: Outcome, choice: DramChoice | None, options: dict[str, Any]
) -> RunResult:
    """Put what came of a run and what a reader must know together."""
    return RunResult(
        workload=workload,
        accelerator=machine.name,
        clock_hz=machine.clock_hz,
        dataflow=outcome.dataflow,
        energy_profile=outcome.prices.profile,
        batch=outcome.batch,
        simulator_version=__version__,
        peak_macs_per_cycle=machine.peak_macs_per_cycle,
        dram_bytes_per_cycle=machine.dram_bytes_per_cycle,
        layers=outcome.layers,
        total=outcome.total,
        buffers=outcome.buffers,
        not_timed=outcome.not_timed,
        warnings=outcome.warnings,
        dram_system=outcome.dram_system,
        energy_sources=tuple(
            {"name": row.name, "value": row.value, "unit": row.unit, "source": row.source, "mark": row.mark}
            for row in _price_rows(outcome, choice)
        ),
        timeline=outcome.timeline,
        **options,
    )


def _price_rows(outcome: Outcome, choice: DramChoice | None) -> tuple[PriceRow, ...]:
    """Return the prices that were used: of the DRAM's commands where they were simulated, not of its bits."""
    rows = outcome.prices.describe()
    commands = () if choice is None else command_rows(choice.config, choice.origin)
    if outcome.dram_system is None or not commands:
        return rows
    place = next(i for i, row in enumerate(rows) if row.name == "dram")
    return (*rows[:place], *commands, *rows[place + 1 :])


def _check_options(objective: str, compat: str | None) -> None:
    if objective not in OBJECTIVES:
        message = f"objective {objective!r}: no such objective; use {', '.join(OBJECTIVES)}"
        raise ArchitectureError(message)
    if compat not in (None, "scalesim"):
        message = f"compat {compat!r}: no such convention; use 'scalesim'"
        raise ArchitectureError(message)


def _check_mappings(mappings: object) -> None:
    if mappings is None:
        return
    known = isinstance(mappings, Mapping)
    pairs = mappings.items() if isinstance(mappings, Mapping) else ()
    faulty = [name for name, given in pairs if not (isinstance(name, str) and isinstance(given, Mapping))]
    if faulty or not known:
        what = f"mappings[{faulty[0]!r}]" if faulty else f"mappings of type {type(mappings).__name__}"
        message = f'{what}: give a dictionary of layer name to {{"order": ..., "tile": {{...}}}}, as results print them'
        raise MappingError(message)
