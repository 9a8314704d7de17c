"""Systolic arrays: bind, map, plan a tape, run it over the memory, and account every cycle, word and picojoule."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from simulator.arch.arrays import require_systolic
from simulator.assembly import Run, add_up, layer_results, least_cycles, not_timed, warnings_of
from simulator.core_results import with_cores
from simulator.dataflow.binding import BoundNetwork, bind
from simulator.dataflow.core_split import over_cores
from simulator.dataflow.machine import allowed_dataflows, hardware_record, shared_space, space_record
from simulator.dataflow.plan_tables import PlanInputs
from simulator.dataflow.scalesim_convention import scalesim_layer
from simulator.dataflow.shared_tiles import share_tiles
from simulator.dataflow.tape import LastLevel, build_tape
from simulator.energy import PriceList, price_list
from simulator.engine.compression import Compressed
from simulator.machines.array_use import with_array_use
from simulator.machines.contract import Outcome, Request
from simulator.machines.fidelity import compressed, distance_remarks, dram_system, execute
from simulator.machines.formats import bypass_remarks, codec_remarks, with_formats
from simulator.machines.recording import timeline_of
from simulator.machines.residency import buffers_of, dram_bytes_without, with_residency
from simulator.mapping.search import MappedNetwork, map_network
from simulator.records import Table
from simulator.results import LayerResult, Total
from simulator.units import BITS_PER_BYTE
from simulator.workload.layers import MAC_LAYERS
from simulator.workload.sparsity import NOfM


class Planned(NamedTuple):
    """A network on its way to the engine.

    Attributes
    ----------
    network : BoundNetwork
    mapped : MappedNetwork
    made : Compressed or None
        The tape; None where a layer has no mapping.
    records : (recarray, recarray)
        SYSTOLIC_HARDWARE and MEMORY_SPACE.
    flows : tuple of str
        Dataflows that the mapper might choose from.
    """

    network: BoundNetwork
    mapped: MappedNetwork
    made: Compressed | None
    records: tuple[Table, Table]
    flows: tuple[str, ...]


def plan(request: Request, prices: PriceList, sharers: int | None = None) -> Planned:
    """Bind, map and plan a network.

    Parameters
    ----------
    request : Request
    prices : PriceList
    sharers : int, optional
        Cores that share the DRAM; None: those that the network runs on.

    Raises
    ------
    SimulatorError
        No mapping fits, or the array cannot run the dataflow or the widths.
    """
    machine = request.accelerator
    network = over_cores(bind(request.graph, machine, batch=request.batch), machine)
    flows = allowed_dataflows(machine, request.dataflow)
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
        (records[0], shared_space(space, machine.cores if sharers is None else sharers)),
        dataflows=flows,
        objective=request.objective,
        given=request.mappings,
        tolerate=request.compat is not None,
    )
    return Planned(network, mapped, _tape_of(request, network, mapped, records), records, flows)


def run_systolic(request: Request) -> Outcome:
    """Run a network on a systolic array.

    Raises
    ------
    SimulatorError
        No mapping fits, or the array cannot run the dataflow or the widths.
    """
    graph, machine = request.graph, request.accelerator
    prices = price_list(machine)
    network, mapped, made, records, flows = plan(request, prices)
    executed = execute(made, network, mapped.mappings, machine, (records[1], request.dram)) if made else None
    timeline = executed.timeline if executed else None
    bandwidth_cycles = executed.bandwidth_cycles if executed else None
    tape, forms = (made.tape, made.forms) if made else (None, ())
    finished = Run(graph, machine, network, mapped, tape, timeline, prices, request.zeros, bandwidth_cycles)
    layers = layer_results(finished, _scalesim(request, network, flows[0]) if request.compat else None)
    layers = with_formats(with_array_use(finished, with_residency(finished, layers)), network, forms)
    return Outcome(
        layers=layers,
        total=_total(request, finished, layers, records, flows),
        buffers=buffers_of(finished),
        dataflow=flows[0] if len(flows) == 1 else "auto",
        prices=prices,
        batch=network.batch,
        not_timed=not_timed(network),
        warnings=(*warnings_of(machine, network, layers), *_remarks(request, layers)),
        timeline=timeline_of(finished) if request.timeline else None,
        dram_system=dram_system(request.dram, timeline),
    )


def _remarks(request: Request, layers: tuple[LayerResult, ...]) -> tuple[str, ...]:
    return (*bypass_remarks(layers), *codec_remarks(layers), *distance_remarks(layers, request.dram))


def _total(
    request: Request,
    run: Run,
    layers: tuple[LayerResult, ...],
    records: tuple[Table, Table],
    flows: tuple[str, ...],
) -> Total:
    """Add the layers up, and find out what residency saved where there is any."""
    cores = run.accelerator.cores
    if cores > 1 and run.timeline is not None:
        total = add_up(run.accelerator, run.network, layers, run.timeline.total_cycles)
        return with_cores(total, layers, cores, least_cycles(run, range(len(run.network.works))))
    total = add_up(run.accelerator, run.network, layers)
    if not run.accelerator.buffer_of("ifmap").resident_bytes:
        return total
    return replace(total, dram_bytes_without_residency=dram_bytes_without(request, run, records, flows))


def _tape_of(
    request: Request, network: BoundNetwork, mapped: MappedNetwork, records: tuple[Table, Table]
) -> Compressed | None:
    """Return the tape, None where a layer has no mapping."""
    if any(mapped.errors):
        return None
    tape = build_tape(
        PlanInputs(
            network.works,
            mapped.mappings,
            *records,
            network.producers,
            network.producer_spans,
            network.aligned,
            network.reads,
            network.cores,
        ),
        cores=request.accelerator.cores,
        names=[network.rows[row].name for row in network.row_of_work],
        batch=network.batch,
    )
    made = compressed(tape, network, mapped.mappings, request.accelerator, request.zeros)
    level = request.accelerator.last_level
    if level is None:
        return made
    port = LastLevel(level.bytes_per_cycle, level.latency_cycles, level.word_bits // BITS_PER_BYTE)
    tables = (network.works, mapped.mappings, network.parts)
    tape = share_tiles(made.tape, tables, port, level.capacity_bytes)
    fetched_bytes = tape.transfers["payload_bytes"][len(made.encoded) :]
    encoded = np.concatenate([made.encoded, np.zeros(len(fetched_bytes), bool)])
    raw_bytes = np.concatenate([made.raw_bytes, fetched_bytes])
    return made._replace(tape=tape, encoded=encoded, raw_bytes=raw_bytes)


def _scalesim(request: Request, network: BoundNetwork, dataflow: str) -> dict[str, dict[str, Any]]:
    """Return that tool's convention for every multiply-accumulate layer, by name."""
    graph, found = request.graph, {}
    array = require_systolic(request.accelerator.name, request.accelerator.array, "SCALE-Sim's convention")
    for row in network.rows:
        layer = graph.layers[row.layer]
        if not isinstance(layer, MAC_LAYERS):
            continue
        sparsity = graph.tensors[layer.inputs[1]].sparsity
        block = sparsity if isinstance(sparsity, NOfM) else None
        counts = scalesim_layer(
            graph.loops_of(layer),
            array.rows,
            array.columns,
            dataflow,
            n_of_m=block,
            sparsity_support=block is not None,
        )
        found[row.name] = counts.to_dict()
    return found
