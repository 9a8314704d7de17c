"""``simulate``: the only orchestration. A workload and an accelerator go in, a result comes out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from simulator import __version__
from simulator.arch import Accelerator, load_accelerator
from simulator.assembly import Run, layer_results, not_timed, total_of, warnings_of
from simulator.dataflow.binding import BoundNetwork, bind
from simulator.dataflow.machine import allowed_dataflows, hardware_record, space_record
from simulator.dataflow.plan_tables import PlanInputs
from simulator.dataflow.scalesim_convention import scalesim_layer
from simulator.dataflow.tape import Tape, build_tape
from simulator.energy import price_list
from simulator.engine.run import Timeline
from simulator.engine.run import run as run_tape
from simulator.errors import ArchitectureError, MappingError
from simulator.mapping.given import GivenMappings
from simulator.mapping.search import OBJECTIVES, MappedNetwork, Objective, map_network
from simulator.records import Table
from simulator.results import LayerResult, RunResult
from simulator.units import BITS_PER_BYTE
from simulator.workload import LayerGraph, load_workload
from simulator.workload.layers import MAC_LAYERS
from simulator.workload.sparsity import NOfM

Fidelity = Literal["bandwidth"]
DEFAULT_ACCELERATOR = "tpu_like_128"


def simulate(
    workload: LayerGraph | str | Path,
    accelerator: Accelerator | str | Path = DEFAULT_ACCELERATOR,
    *,
    fidelity: str = "bandwidth",
    batch: int = 1,
    dataflow: str | None = None,
    objective: Objective = "latency",
    mappings: GivenMappings | None = None,
    compat: str | None = None,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> RunResult:
    """Run a network on an accelerator.

    Parameters
    ----------
    workload : LayerGraph, str or Path
        A graph, a library name, or a ``.json``, ``.onnx`` or SCALE-Sim ``.csv`` file.
    accelerator : Accelerator, str or Path
        A description, a preset name, or a ``.json`` or SCALE-Sim ``.cfg`` file.
    fidelity : {"bandwidth"}
        DRAM as latency and bytes a cycle. Command-level timing is not in this version.
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
    _check_options(fidelity, objective, compat)
    _check_mappings(mappings)
    graph = load_workload(workload, shapes=shapes)
    machine = load_accelerator(accelerator)
    network = bind(graph, machine, batch=batch)
    flows = allowed_dataflows(machine, dataflow)
    prices = price_list(machine)
    space = space_record(
        machine,
        dram_pj_per_byte=prices.dram_pj_per_bit * BITS_PER_BYTE,
        buffer_read_pj=prices.buffer_read_pj,
        buffer_write_pj=prices.buffer_write_pj,
    )
    records = (hardware_record(machine), space)
    mapped = map_network(
        network,
        machine,
        records,
        dataflows=flows,
        objective=objective,
        given=mappings,
        tolerate=compat is not None,
    )
    tape, timeline = _execute(network, mapped, records)
    finished = Run(graph, machine, network, mapped, tape, timeline, prices)
    layers = layer_results(finished, _scalesim(graph, machine, network, flows[0]) if compat else None)
    options = {"fidelity": fidelity, "dataflow": flows[0] if len(flows) == 1 else "auto", "objective": objective}
    return _result(finished, layers, options)


def _result(run: Run, layers: tuple[LayerResult, ...], options: Mapping[str, str]) -> RunResult:
    """Put layers, totals and what a reader must know together."""
    return RunResult(
        workload=run.graph.name,
        accelerator=run.accelerator.name,
        clock_hz=run.accelerator.clock_hz,
        energy_profile=run.prices.profile,
        batch=run.network.batch,
        simulator_version=__version__,
        peak_macs_per_cycle=run.accelerator.peak_macs_per_cycle,
        dram_bytes_per_cycle=run.accelerator.dram_bytes_per_cycle,
        layers=layers,
        total=total_of(run, layers),
        not_timed=not_timed(run.network),
        warnings=warnings_of(run),
        energy_sources=tuple(
            {"name": row.name, "value": row.value, "unit": row.unit, "source": row.source, "mark": row.mark}
            for row in run.prices.describe()
        ),
        **options,
    )


def _check_options(fidelity: str, objective: str, compat: str | None) -> None:
    if fidelity != "bandwidth":
        reason = "command-level DRAM timing is not in this version" if fidelity == "event" else "no such fidelity"
        message = f"fidelity {fidelity!r}: {reason}; use 'bandwidth'"
        raise ArchitectureError(message)
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


def _execute(
    network: BoundNetwork, mapped: MappedNetwork, records: tuple[Table, Table]
) -> tuple[Tape | None, Timeline | None]:
    """Plan and run, unless a layer has no mapping."""
    if any(mapped.errors):
        return None, None
    tape = build_tape(
        PlanInputs(
            network.works,
            mapped.mappings,
            *records,
            network.producers,
            network.producer_spans,
            network.aligned,
        )
    )
    return tape, run_tape(tape, records[1])


def _scalesim(
    graph: LayerGraph, accelerator: Accelerator, network: BoundNetwork, dataflow: str
) -> dict[str, dict[str, Any]]:
    """Return that tool's convention for every multiply-accumulate layer, by name."""
    found = {}
    for row in network.rows:
        layer = graph.layers[row.layer]
        if not isinstance(layer, MAC_LAYERS):
            continue
        sparsity = graph.tensors[layer.inputs[1]].sparsity
        block = sparsity if isinstance(sparsity, NOfM) else None
        counts = scalesim_layer(
            graph.loops_of(layer),
            accelerator.array.rows,
            accelerator.array.columns,
            dataflow,
            n_of_m=block,
            sparsity_support=block is not None,
        )
        found[row.name] = counts.to_dict()
    return found
