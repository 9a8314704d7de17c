"""What residency did in a run: per layer, per buffer, and against the same accelerator without it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.assembly import Run
from simulator.dataflow.binding import BoundNetwork
from simulator.dataflow.plan_tables import IN_BUFFER, IN_DRAM, PlanInputs
from simulator.dataflow.tape import build_tape
from simulator.engine.occupancy import (
    Holdings,
    held_over_time,
    last_level_holdings,
    peaks_in,
    resident_holdings,
    tile_holdings,
)
from simulator.machines.contract import Request
from simulator.machines.fidelity import compressed
from simulator.mapping.search import map_network
from simulator.records import IFMAP, RESIDUAL, WEIGHT, WORK, Table
from simulator.results import LayerResult
from simulator.units import BITS_PER_BYTE, ceil_div

OFF = tuple(name for name in WORK.names or () if name.endswith("_resident") or name == "resident_input_bits")


def with_residency(run: Run, layers: Sequence[LayerResult]) -> tuple[LayerResult, ...]:
    """Return the layers with what each reads and leaves in the buffer; as they are where nothing can stay."""
    if run.accelerator.buffer_of("ifmap").resident_bytes == 0:
        return tuple(layers)
    works: dict[int, list[int]] = {}
    for index, row in enumerate(run.network.row_of_work):
        works.setdefault(row, []).append(index)
    return tuple(replace(layer, resident=_of_row(run, works[i])) for i, layer in enumerate(layers))


def _of_row(run: Run, works: Sequence[int]) -> dict[str, Any]:
    """Return what the works of one row read in place, and where its ofmap goes."""
    records = [run.network.works[i] for i in works]
    return {
        "ifmap": any(bool(work.ifmap_resident or work.resident_input_bits) for work in records),
        "weight": any(bool(work.weight_resident) for work in records),
        "residual": any(bool(work.residual_resident) for work in records),
        "ofmap": bool(records[-1].ofmap_resident),
        "ofmap_in_dram": bool(records[-1].ofmap_in_dram),
        "why_in_dram": run.network.residency.why_in_dram[works[-1]],
    }


def dram_bytes_without(
    request: Request, run: Run, machine: tuple[Table, Table], dataflows: tuple[str, ...]
) -> int | None:
    """Return the DRAM traffic of the same run with ``resident_share = 0``, mapped anew; None where nothing fits then.

    Parameters
    ----------
    request : Request
    run : Run
    machine : (recarray, recarray)
        SYSTOLIC_HARDWARE and MEMORY_SPACE.
    dataflows : tuple of str
        What the mapper may choose from.
    """
    buffer = run.accelerator.buffer_of("ifmap")
    if run.tape is None:
        return None
    works = run.network.works.copy()
    for name in OFF:
        works[name] = 0
    works["ofmap_in_dram"] = 1
    space = machine[1].copy()
    space[0].capacity_bits[space[0].home[0]] = buffer.capacity_bytes * BITS_PER_BYTE
    network = replace(run.network, works=works, reads=np.full_like(run.network.reads, IN_DRAM))
    mapped = map_network(
        network,
        run.accelerator,
        (machine[0], space),
        dataflows=dataflows,
        objective=request.objective,
        given=request.mappings,
        tolerate=True,
    )
    if any(mapped.errors):
        return None
    feeds = (network.producers, network.producer_spans, network.aligned, network.reads, network.cores)
    tape = build_tape(PlanInputs(works, mapped.mappings, machine[0], space, *feeds))
    made = compressed(tape, network, mapped.mappings, run.accelerator, run.masks)
    return int(made.tape.transfers["payload_bytes"].sum())


def buffers_of(run: Run) -> tuple[dict[str, Any], ...]:
    """Return each buffer's size and how full it was: at most, on average, and at most in each layer's window."""
    if run.tape is None or run.timeline is None:
        return ()
    buffers = run.accelerator.buffers
    names = [buffer.name for buffer in buffers]
    home = [names.index(run.accelerator.buffer_of(operand).name) for operand in ("ifmap", "weight", "psum")]
    tiles = tile_holdings(run.tape, home)
    kept = resident_holdings(run.tape, home[0], *resident_tables(run.network))
    everything = Holdings(*(np.concatenate(pair) for pair in zip(tiles, kept, strict=True)))
    found = tuple(_buffer_of(run, everything, kept, i) for i in range(len(buffers)))
    return found if run.accelerator.last_level is None else (*found, _last_level_of(run))


def _last_level_of(run: Run) -> dict[str, Any]:
    """Return the shared scratchpad's size and how full it was: a tile is held from its fetch to its last read."""
    assert run.tape is not None
    assert run.timeline is not None
    assert run.accelerator.last_level is not None
    held = (np.zeros(0, np.int64), np.zeros(0, np.int64))
    if run.tape.last_level is not None:
        held = held_over_time(last_level_holdings(run.tape), 0)
    cycles, bits = held
    peaks = np.zeros(len(run.network.rows), np.int64)
    ends = run.timeline.layers["end_cycle"]
    for core in range(run.accelerator.cores):
        mine = np.flatnonzero(run.network.parts["core"] == core)
        np.maximum.at(peaks, np.asarray(run.network.row_of_work)[mine], peaks_in(held, ends[mine]))
    return {
        "name": "last_level",
        "capacity_bytes": run.accelerator.last_level.capacity_bytes,
        "resident_bytes": 0,
        "peak_bytes": ceil_div(int(bits.max(initial=0)), BITS_PER_BYTE),
        "peak_resident_bytes": 0,
        "mean_bytes": float((np.diff(cycles) * bits[:-1]).sum()) / BITS_PER_BYTE / max(1, run.timeline.total_cycles),
        "peak_bytes_by_layer": [ceil_div(int(peak), BITS_PER_BYTE) for peak in peaks],
    }


def _buffer_of(run: Run, everything: Holdings, kept: Holdings, index: int) -> dict[str, Any]:
    """Return one buffer's size and how full it was: of several cores the fullest, and the mean over all."""
    assert run.timeline is not None
    buffer, cores = run.accelerator.buffers[index], run.accelerator.cores
    held = [held_over_time(everything, index, core) for core in range(cores)]
    held_bit_cycles = sum(int((np.diff(cycles) * bits[:-1]).sum()) for cycles, bits in held if len(cycles))
    return {
        "name": buffer.name,
        "capacity_bytes": buffer.capacity_bytes,
        "resident_bytes": buffer.resident_bytes,
        "peak_bytes": ceil_div(max(int(bits.max(initial=0)) for _, bits in held), BITS_PER_BYTE),
        "peak_resident_bytes": ceil_div(int(held_over_time(kept, index)[1].max(initial=0)), BITS_PER_BYTE),
        "mean_bytes": held_bit_cycles / BITS_PER_BYTE / max(1, run.timeline.total_cycles * cores),
        "peak_bytes_by_layer": [ceil_div(int(peak), BITS_PER_BYTE) for peak in _peaks_by_row(run, held)],
    }


def _peaks_by_row(run: Run, held: Sequence[tuple[Any, Any]]) -> npt.NDArray[np.int64]:
    """Return the most that any core held in the windows of each row's works [rows]."""
    assert run.timeline is not None
    ends, rows = run.timeline.layers["end_cycle"], np.asarray(run.network.row_of_work)
    peaks = np.zeros(len(run.network.rows), np.int64)
    for core, of_core in enumerate(held):
        mine = np.flatnonzero(run.network.parts["core"] == core)
        np.maximum.at(peaks, rows[mine], peaks_in(of_core, ends[mine]))
    return peaks


def resident_tables(network: BoundNetwork) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return (writing work, bits) of each resident tensor, and (tensor, work, operand) of each reading."""
    tensors = np.array([(one.work, one.size_bits) for one in network.residency.tensors], np.int64).reshape(-1, 2)
    index = {int(work): i for i, work in enumerate(tensors[:, 0])}
    readers = []
    for work, spans in enumerate(network.producer_spans):
        for operand, (begin, end) in zip((IFMAP, WEIGHT, RESIDUAL), spans, strict=True):
            inside = [i for i in range(begin, end) if network.reads[i] & IN_BUFFER]
            readers += [(index[int(network.producers[i])], work, operand) for i in inside]
    return tensors, np.array(readers, np.int64).reshape(-1, 3)
