"""Mappings for every layer of a bound network: searched, or given by the user. Identical layers are searched once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from simulator.arch.description import Accelerator
from simulator.dataflow.binding import BoundNetwork
from simulator.dataflow.tape_size import least_steps, refuse_too_many
from simulator.errors import MappingError, did_you_mean
from simulator.mapping.cost_kernel import search_table
from simulator.mapping.given import PARTS, RECURRENT, GivenMappings, checked_form, given_mapping
from simulator.mapping.search_kernel import score_given, search_works
from simulator.records import (
    COST,
    DATAFLOW_NAMES,
    IFMAP,
    MAC_WORK,
    MAPPING,
    PSUM,
    VECTOR_WORK,
    Table,
    table,
)
from simulator.units import ceil_div

Objective = Literal["latency", "energy", "edp"]
MappingCache = dict[bytes, tuple[Any, Any]]
OBJECTIVES: tuple[Objective, ...] = ("latency", "energy", "edp")
COPY_CHUNK_BITS = 8 * 64 * 1024


@dataclass(frozen=True)
class MappedNetwork:
    """A mapping for each work, and the mapper's own prediction of its cost.

    Attributes
    ----------
    mappings : recarray of MAPPING
    costs : recarray of COST
    errors : tuple of str or None
        Why a work has no mapping (only where the caller asked to go on without).
    """

    mappings: Table
    costs: Table
    errors: tuple[str | None, ...]


def map_network(
    network: BoundNetwork,
    accelerator: Accelerator,
    machine: tuple[Table, Table],
    *,
    dataflows: tuple[str, ...] = ("ws",),
    objective: Objective = "latency",
    given: GivenMappings | None = None,
    tolerate: bool = False,
    cache: MappingCache | None = None,
) -> MappedNetwork:
    """Find the best mapping of every work, or take the user's.

    Parameters
    ----------
    network : BoundNetwork
    accelerator : Accelerator
        Named in errors.
    machine : (recarray, recarray)
        SYSTOLIC_HARDWARE, one record for each dataflow, and MEMORY_SPACE, one record.
    dataflows : tuple of str
        The dataflows that may be chosen, layer by layer; ties go to the first.
    objective : {"latency", "energy", "edp"}
    given : mapping of layer name to {"order": str, "tile": {dimension: extent}}, optional
        The user's own mappings; dimensions left out are whole.
    cache : dict, optional
        Mappings found before for the same machine, dataflows and objective: read and filled.
    tolerate : bool
        Record an infeasible layer in ``errors`` instead of raising.

    Raises
    ------
    MappingError
        More tiles than can be run, whatever the mapping; nothing fits: names layer, buffer and shortfall; or a given
        mapping is no mapping.
    """
    given = given or {}
    names = [network.rows[row].name for row in network.row_of_work]
    for name in given:
        if name not in names:
            message = (
                f"mapping for {name!r}: no such timed layer{did_you_mean(name, names)}; see the report's layer names"
            )
            raise MappingError(message)
    refuse_too_many(least_steps(network.works, machine[1]), names, network.batch, least=True)
    found: MappingCache = {} if cache is None else cache
    mappings, costs = table(MAPPING, len(names)), table(COST, len(names))
    errors: list[str | None] = []
    scratch: dict[int, Table] = {}
    for i, (name, users) in enumerate(zip(names, _users_mappings(network, given, names), strict=True)):
        key = network.works[i].tobytes()
        if users is not None:
            flows = (dataflows[0], accelerator.array.dataflows)
            mapping = given_mapping(network.works[i], users, name, flows, clip=accelerator.cores > 1)
            mappings[i], costs[i] = _score(network.works[i : i + 1], machine, mapping)
        else:
            if key not in found:
                found[key] = _best(find_mappings(network.works[i : i + 1], machine, dataflows, objective, scratch))
            mappings[i], costs[i] = found[key]
        fault = "no mapping fits" if users is None else "the given mapping does not fit"
        errors.append(None if mappings[i].feasible else explain(name, costs[i], accelerator, fault))
        if errors[-1] is not None and not tolerate:
            raise MappingError(errors[-1])
    return MappedNetwork(mappings, costs, tuple(errors))


def _best(tables: tuple[Table, Table]) -> tuple[Any, Any]:
    return tables[0][0], tables[1][0]


def _users_mappings(network: BoundNetwork, given: GivenMappings, names: Sequence[str]) -> list[object]:
    """Return the user's mapping of each work, or None."""
    if not given:
        return [None] * len(names)
    wholes: dict[str, int] = {}  # first work of a name: a second one is the recurrent product
    parts: Counter[int] = Counter()
    found = []
    for name, whole in zip(names, network.parts["whole"].tolist(), strict=True):
        second = whole != wholes.setdefault(name, whole)
        found.append(_users_mapping(given, name, second=second, part=parts[whole]))
        parts[whole] += 1
    return found


def _users_mapping(given: GivenMappings, name: str, *, second: bool, part: int) -> object:
    """Return the user's mapping of a work, or None.

    ``second``: the recurrent product of a recurrent layer. ``part``: which part of a layer split over cores.
    """
    if name not in given:
        return None
    whole = checked_form(given[name], name)
    found = whole.get(RECURRENT) if second else whole
    parts = found.get(PARTS) if isinstance(found, Mapping) else None
    return parts[part] if isinstance(parts, Sequence) and part < len(parts) else found


def find_mappings(
    works: Table,
    machine: tuple[Table, Table],
    dataflows: tuple[str, ...],
    objective: Objective,
    scratch: dict[int, Table],
    bounds: Table | None = None,
) -> tuple[Table, Table]:
    """Return the best mapping and its cost for each of ``works``: tables of MAPPING and COST.

    Parameters
    ----------
    works : recarray of WORK
    machine, dataflows, objective
        As :func:`map_network` takes them; ties between dataflows go to the first.
    scratch : dict
        The search's tables, kept between calls for the same machine.
    bounds : recarray of MAPPING, optional
        Where ``feasible``, what the same nest got at other widths: the search is faster, its answer the same.
    """
    best, best_costs = table(MAPPING, len(works)), table(COST, len(works))
    macs, others = np.flatnonzero(works["kind"] == MAC_WORK), np.flatnonzero(works["kind"] != MAC_WORK)
    for turn, name in enumerate(dataflows):
        flow = DATAFLOW_NAMES.index(name)
        if flow not in scratch:
            scratch[flow] = search_table(machine[0][flow : flow + 1], machine[1])
        mappings = table(MAPPING, len(works)) if bounds is None else bounds.copy()
        costs = table(COST, len(works))
        some = mappings[macs], costs[macs]
        search_works(scratch[flow], works[macs], *some, OBJECTIVES.index(objective))
        mappings[macs], costs[macs] = some
        for i in others:
            mappings[i], costs[i] = _chunked(works[i], machine[1][0])
        better = np.ones(len(works), np.bool_) if turn == 0 else _wins(mappings, costs, (best, best_costs), objective)
        best[better], best_costs[better] = mappings[better], costs[better]
    return best, best_costs


def _wins(mappings: Table, costs: Table, best: tuple[Table, Table], objective: Objective) -> npt.NDArray[np.bool_]:
    """Say where a later dataflow is better than the best of those before."""
    mine, its = _scores_of(costs, objective), _scores_of(best[1], objective)
    return np.asarray((mappings["feasible"] == 1) & ((best[0]["feasible"] == 0) | (mine < its)))


def _scores_of(costs: Table, objective: Objective) -> npt.NDArray[np.float64]:
    if objective == "latency":
        return np.asarray(costs["latency_cycles"])
    scale = costs["latency_cycles"] if objective == "edp" else 1.0
    with np.errstate(invalid="ignore"):  # infeasible: infinite
        return np.asarray(costs["energy_pj"] * scale)


def _score(work: Table, machine: tuple[Table, Table], mapping: Table) -> tuple[Any, Any]:
    """Return a given mapping with its predicted cost, or infeasible with its shortfall."""
    if work[0].kind != MAC_WORK:
        return _fit_chunks(work[0], machine[1][0], mapping[0])
    flow = int(mapping[0].dataflow)
    search = search_table(machine[0][flow : flow + 1], machine[1])
    search[0].work, search[0].trial = work[0], mapping[0]
    score_given(search[0])
    return search[0].best, search[0].cost


def _chunked(work: Any, space: Any) -> tuple[Any, Any]:  # noqa: ANN401 - WORK and MEMORY_SPACE
    """Cut a vector layer into as few chunks as fit its buffers' slots; a copy into DMA-sized pieces."""
    in_bits, out_bits = int(work.input_bits), int(work.ofmap_elements * work.ofmap_bits)
    chunks = ceil_div(max(in_bits, 1), COPY_CHUNK_BITS)
    if work.kind == VECTOR_WORK:
        slot_bits, slot_elements = _slot_of_a_chunk(work, space)
        # several chunks let load, lanes and store overlap, as long as a chunk is worth a transfer
        chunks = max(
            ceil_div(in_bits, max(1, slot_bits)),
            ceil_div(int(work.ofmap_elements), max(1, slot_elements)),
            min(ceil_div(max(in_bits, out_bits), COPY_CHUNK_BITS), 16),
        )
    mapping = table(MAPPING, 1)[0]
    mapping.feasible = mapping.candidates = 1
    mapping.chunks = max(1, chunks)
    return mapping, table(COST, 1)[0]


def _slot_of_a_chunk(work: Any, space: Any) -> tuple[int, int]:  # noqa: ANN401
    """Return the input bits and the output elements that one slot holds."""
    ifmap, psum = int(space.home[IFMAP]), int(space.home[PSUM])
    shared = 2 if ifmap == psum else 1
    slot_bits = int(space.capacity_bits[ifmap]) // (int(space.slots[ifmap]) * shared)
    slot_elements = int(space.capacity_bits[psum]) // (int(space.slots[psum]) * shared * int(work.ofmap_bits))
    return slot_bits, slot_elements


def _fit_chunks(work: Any, space: Any, mapping: Any) -> tuple[Any, Any]:  # noqa: ANN401
    """Say whether the user's chunks fit the slots; a copy's need none."""
    best, cost = mapping.copy(), table(COST, 1)[0]
    best.feasible = 1
    if work.kind != VECTOR_WORK:
        return best, cost
    slot_bits, slot_elements = _slot_of_a_chunk(work, space)
    short_in = ceil_div(int(work.input_bits), int(best.chunks)) - slot_bits
    short_out = (ceil_div(int(work.ofmap_elements), int(best.chunks)) - max(1, slot_elements)) * int(work.ofmap_bits)
    if max(short_in, short_out) > 0:
        home = int(space.home[IFMAP if short_in >= short_out else PSUM])
        best.feasible = 0
        cost.shortfall_buffer = home
        cost.shortfall_bits = max(short_in, short_out) * int(space.slots[home])
    return best, cost


def explain(name: str, cost: Any, accelerator: Accelerator, fault: str) -> str:  # noqa: ANN401
    """Say which buffer is short by how much, for the smallest tile or the given one, and what would help."""
    tile = "its tiles" if "given" in fault else "the smallest tile"
    buffer = accelerator.buffers[int(cost.shortfall_buffer)]
    short = ceil_div(int(cost.shortfall_bits), 8)
    kept = f", {buffer.resident_bytes} of them kept for resident tensors" if buffer.resident_bytes else ""
    lower = f", lower buffers.{buffer.name}.resident_share" if buffer.resident_bytes else ""
    return (
        f"layer {name!r} on {accelerator.name}: {fault}: buffer {buffer.name!r} "
        f"({buffer.capacity_bytes} bytes{kept}, {buffer.slots} slots, for {', '.join(buffer.operands)}) "
        f"is {short} bytes short for {tile}; enlarge buffers.{buffer.name}.capacity_bytes{lower} or set "
        f"buffers.{buffer.name}.slots=1"
    )
