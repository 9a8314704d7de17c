"""``simulator run``: from the words of the command line to a result on the screen and in files."""

import hashlib
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from simulator.arch import Accelerator, load_accelerator
from simulator.arch.arrays import is_systolic
from simulator.arch.overrides import numbers
from simulator.cli.options import parse_cores, parse_shapes
from simulator.cli.outputs import Outputs
from simulator.cli.progress import simulating, working
from simulator.cli.screen import console, print_lines, print_table, width_of
from simulator.cli.showing import import_table, show_result
from simulator.documents import read_json
from simulator.errors import MappingError, WorkloadError, did_you_mean
from simulator.results import RunResult
from simulator.workload import LayerGraph, load_workload
from simulator.workload.files import workload_to_dict
from simulator.workload.transforms.depth_first import depth_first as cut

if TYPE_CHECKING:
    from simulator.mapping.search import Objective
    from simulator.report.page import Background

DEFAULT_ACCELERATOR = "tpu_like_128"


@dataclass(frozen=True)
class RunRequest:
    """What ``run`` was asked for: fields are named as its parameters are."""

    workload: str
    arch: str | None = None
    dram: str | None = None
    overrides: Sequence[str] | None = None
    shape: Sequence[str] | None = None
    batch: int = 1
    dataflow: str | None = None
    sparsity: str | None = None
    seed: int = 0
    depth_first: str | None = None
    beside: Sequence[str] | None = None
    cores_for: str | None = None
    fidelity: str | None = None
    compat: str | None = None
    objective: str = "latency"
    mapping: Path | None = None
    explain: str | None = None
    imports_table: bool = False
    quiet: bool = False


def run(request: RunRequest, outputs: Outputs) -> None:
    """Simulate, write the files asked for, and show the result.

    Raises
    ------
    SimulatorError
        Bad input, before anything is written.
    """
    outputs.check((request.workload, *(request.beside or ()), request.arch, request.mapping))
    if request.beside or request.cores_for:
        refuse_alone_only(request)
    graph = read_workload(request.workload, request.shape, quiet=request.quiet)
    accelerator = _accelerator(request)
    if request.imports_table and not request.quiet:
        import_table(graph.import_table, graph.name)
    refuse_unknown_layer(cut(graph, request.depth_first) if request.depth_first else graph, request.explain)
    graphs = [graph, *(read_workload(name, None, quiet=request.quiet) for name in request.beside or ())]
    if len(graphs) > 1 or request.cores_for:
        result = _simulate_together(request, graphs, accelerator, timeline=outputs.over_time)
    else:
        result = _simulate(request, graph, accelerator, timeline=outputs.over_time)
    background = _background(graphs, accelerator) if outputs.html else None
    written = outputs.write([result], background=background, quiet=request.quiet)
    if not request.quiet:
        show_result(result, default_accelerator=request.arch is None, explain=request.explain)
        if request.explain is not None and result.total.cycles is not None:
            _show_what_helps(request, graph, accelerator, request.explain)
        print_lines(console(), written)


def _accelerator(request: RunRequest) -> Accelerator:
    """Return the machine to run on: ``--dram`` takes the place of the described DRAM, and ``--set`` comes last."""
    overrides = request.overrides or ()
    accelerator = load_accelerator(DEFAULT_ACCELERATOR if request.arch is None else request.arch, overrides=overrides)
    if request.dram is None:
        return accelerator
    from simulator.memory.dram_choice import with_dram

    of_dram = [one for one in overrides if one.partition("=")[0].partition(".")[0].strip() == "dram"]
    return load_accelerator(with_dram(accelerator, request.dram), overrides=of_dram)


def refuse_alone_only(request: RunRequest) -> None:
    """Refuse what a run of several workloads does not take.

    Raises
    ------
    WorkloadError
        Naming the option.
    """
    given: dict[str, object] = {"--depth-first": request.depth_first, "--compat": request.compat}
    given |= {"--explain": request.explain, "--mapping": request.mapping}
    for option, value in given.items():
        if value is not None:
            message = f"{option} {value}: not with --with and --cores-for; run each workload alone for it"
            raise WorkloadError(message)


def _show_what_helps(request: RunRequest, graph: LayerGraph, accelerator: Accelerator, layer: str) -> None:
    """Try one change after the other on the layer to explain, and print what each did."""
    from simulator.report.what_if_table import what_helps_most, what_if_table
    from simulator.search.what_if import what_if

    options = {"fidelity": request.fidelity, "batch": request.batch, "dataflow": request.dataflow}
    options |= {"objective": request.objective, "sparsity": request.sparsity, "seed": request.seed}
    options |= {"depth_first": request.depth_first}
    with working(f"trying changes to {layer}", quiet=request.quiet):
        findings = what_if(graph, accelerator, layer, **options)
    screen = console()
    print_lines(screen, ["", *what_helps_most(findings, layer)])
    if findings:
        table, left_out = what_if_table(findings, width_of(screen))
        print_table(screen, table)
        print_lines(screen, left_out)
    if request.mapping is not None:
        print_lines(screen, ["Each of these runs was mapped anew, the one they are measured against too."])


def _simulate(request: RunRequest, graph: LayerGraph, accelerator: Accelerator, *, timeline: bool) -> RunResult:
    mappings = read_mappings(request.mapping) if request.mapping else None
    work = _kernels_of(request, accelerator)
    with simulating(f"{graph.name} on {accelerator.name}", work=work, quiet=request.quiet):
        from simulator.api import simulate

        run = partial(
            simulate,
            graph,
            accelerator,
            fidelity=request.fidelity,
            batch=request.batch,
            dataflow=request.dataflow,
            objective=cast("Objective", request.objective),
            mappings=mappings,
            compat=request.compat,
            sparsity=request.sparsity,
            seed=request.seed,
            depth_first=request.depth_first,
            timeline=timeline,
        )
        try:
            return run()
        except MappingError as problem:
            if request.mapping is None or "mapping" not in str(problem):
                raise
            message = f"--mapping {request.mapping}: {problem}"
            raise MappingError(message) from None


def _kernels_of(request: RunRequest, accelerator: Accelerator) -> str:
    """Return which kernels the run takes, before any is compiled: a wrong --fidelity is refused at once."""
    if not is_systolic(accelerator.array):
        return "engine"
    from simulator.machines.fidelity import resolve_fidelity

    work = "event" if resolve_fidelity(accelerator, request.fidelity)[0] == "event" else "run"
    return work if accelerator.last_level is None else f"shared {work}"


def _simulate_together(
    request: RunRequest, graphs: Sequence[LayerGraph], accelerator: Accelerator, *, timeline: bool
) -> RunResult:
    """Run several workloads at once; batch, sparsity and seed are those of each."""
    cores = parse_cores(request.cores_for, len(graphs))
    names = " and ".join(graph.name for graph in graphs)
    work = _kernels_of(request, accelerator)
    with simulating(f"{names} on {accelerator.name}", work=work, quiet=request.quiet):
        from simulator.api import Tenant, simulate_together

        return simulate_together(
            [
                Tenant(graph, number, batch=request.batch, sparsity=request.sparsity, seed=request.seed)
                for graph, number in zip(graphs, cores, strict=True)
            ],
            accelerator,
            fidelity=request.fidelity,
            dataflow=request.dataflow,
            objective=cast("Objective", request.objective),
            timeline=timeline,
        )


def _background(graphs: Sequence[LayerGraph], accelerator: Accelerator) -> "Background":
    """Return where the result came from: the command, what exactly it read, and the accelerator's numbers."""
    from simulator.report.page import Background

    description = accelerator.model_dump_json(by_alias=True)
    networks = []
    for graph in graphs:
        network = json.dumps(workload_to_dict(graph), sort_keys=True)
        networks.append(("workload", graph.provenance.source or "no source given"))
        networks.append(("sha256 of the workload", hashlib.sha256(network.encode()).hexdigest()))
    provenance = [
        ("command", shlex.join(["simulator", *sys.argv[1:]])),
        *networks,
        ("accelerator", accelerator.paper or "no paper given"),
        ("sha256 of the accelerator", hashlib.sha256(description.encode()).hexdigest()),
        *((name, metadata.version(name)) for name in ("numpy", "numba", "matplotlib")),
    ]
    rows = [(number.path, f"{number.value:,}", number.source) for number in numbers(accelerator)]
    return Background(provenance, rows)


def read_workload(workload: str, shapes: Sequence[str] | None, *, quiet: bool = False) -> LayerGraph:
    """Load a workload; where a node is unsupported, show the importer's table before the error.

    Raises
    ------
    WorkloadError
        As :func:`simulator.workload.load_workload`.
    """
    try:
        with working(f"reading {workload}", quiet=quiet):
            return load_workload(workload, shapes=parse_shapes(shapes) or None)
    except WorkloadError as fault:
        rows = getattr(fault, "import_table", ())
        if rows:
            import_table(rows, workload)
        raise


def refuse_unknown_layer(graph: LayerGraph, layer: str | None) -> None:
    """Refuse ``--explain`` of a layer that the network has not.

    Raises
    ------
    WorkloadError
        With the nearest name.
    """
    names = [each.name for each in graph.layers]
    if layer is not None and layer not in names:
        message = (
            f"--explain {layer!r}: {graph.name} has no such layer{did_you_mean(layer, names)}; "
            f"see `simulator show {graph.name}`"
        )
        raise WorkloadError(message)


def read_mappings(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return mappings by layer from a file of mappings or from an earlier result.

    Raises
    ------
    MappingError
        Not readable, or not of either form.
    """
    data = read_json(path, MappingError)
    if isinstance(data, dict) and isinstance(data.get("layers"), list):
        rows = [row for row in data["layers"] if isinstance(row, dict) and isinstance(row.get("mapping"), dict)]
        data = {str(row.get("name")): row["mapping"] for row in rows if "tile" in row["mapping"]}
    if not isinstance(data, dict) or not all(isinstance(mapping, dict) for mapping in data.values()):
        message = f'{path}: is no file of mappings; write {{"layer": {{"order": "mkc", "tile": {{"P": 7, ...}}}}}}'
        raise MappingError(message)
    return data
