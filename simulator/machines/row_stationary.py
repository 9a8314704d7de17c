"""Row-stationary arrays (Eyeriss): bind, map each nest, take the law's times and counts, price them.

Layers run one after the other; feature maps go through DRAM between them. Layers that multiply nothing run on the
vector lanes, as fast as lanes and link allow.
"""

from dataclasses import dataclass, field
from typing import Any

from simulator.arch.row_stationary_array import RowStationaryArray
from simulator.assembly import add_up, not_timed, warnings_of
from simulator.dataflow.binding import BoundNetwork, Row, bind
from simulator.dataflow.machine import allowed_dataflows
from simulator.dataflow.row_stationary import ConvNest, RowMachine, RowMapping, shortfalls
from simulator.dataflow.row_stationary_law import FeatureMaps, RowRun, run_nest
from simulator.energy import PriceList, price_list
from simulator.energy.row_stationary_energy import row_prices_pj
from simulator.errors import ArchitectureError, MappingError, did_you_mean
from simulator.machines.contract import Outcome, Request, require_plain_buffers
from simulator.machines.formats import UNPRICED_CODEC
from simulator.machines.row_stationary_results import PlannedNest, row_result
from simulator.mapping.given import RECURRENT, checked_form
from simulator.mapping.row_stationary_search import Goal, best_mapping, explain, given_mapping
from simulator.records import MAC_WORK
from simulator.results import LayerResult
from simulator.workload.masks import Masks

WIDEST_LEVEL_BITS = 32


@dataclass
class Planner:
    """Plans nests one by one; equal nests are mapped once."""

    request: Request
    array: RowStationaryArray
    prices: PriceList
    known: dict[tuple[ConvNest, FeatureMaps], tuple[RowMapping, RowRun] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.machine = RowMachine.of(self.request.accelerator, self.array)
        self.masks: Masks = self.request.zeros

    def plan(self, name: str, nest: ConvNest, maps: FeatureMaps, given: object, kept: float) -> PlannedNest:
        """Return a nest with the given mapping, or the best one.

        Raises
        ------
        MappingError
            Nothing fits, or the given mapping does not: names the constraint and by how much.
        """
        if given is not None:
            mapping = given_mapping(nest, given, name)
            if any(shortfalls(nest, self.machine, mapping, (maps.ifmap_bits, maps.weight_bits))):
                raise MappingError(explain(nest, self.machine, maps, name, mapping))
            found = mapping, run_nest(nest, self.machine, mapping, maps)
        else:
            found = self._best(name, nest, maps)
        switching = round(nest.macs * kept) if self.array.zero_gating else nest.macs
        return PlannedNest(nest, maps, *found, switching)

    def _best(self, name: str, nest: ConvNest, maps: FeatureMaps) -> tuple[RowMapping, RowRun]:
        key = nest, maps
        if key not in self.known:
            goal = Goal(self.request.objective, row_prices_pj(self.request.accelerator, self.prices, maps))
            self.known[key] = best_mapping(nest, self.machine, maps, goal)
        found = self.known[key]
        if found is None:
            raise MappingError(explain(nest, self.machine, maps, name))
        return found


def feature_maps(request: Request, array: RowStationaryArray, work: Any, tensors: tuple[str, str]) -> FeatureMaps:  # noqa: ANN401
    """Return how a nest's operands are stored; ``tensors`` are its ifmap and what is written behind it.

    Network inputs are raw, as in the chip.
    """
    ifmap, ofmap = tensors
    ifmap_bits, ofmap_bits = int(work["ifmap_bits"]), int(work["ofmap_bits"])
    packs, masks = array.feature_maps == "rlc", request.zeros
    packs_ifmap = packs and ifmap not in request.graph.inputs and ifmap_bits <= WIDEST_LEVEL_BITS
    packs_ofmap = packs and ofmap_bits <= WIDEST_LEVEL_BITS
    return FeatureMaps(
        ifmap_bits,
        int(work["weight_bits"]),
        ofmap_bits,
        masks.density(ifmap) if packs_ifmap else None,
        masks.density(ofmap) if packs_ofmap else None,
    )


def plan_network(request: Request, network: BoundNetwork, prices: PriceList) -> list[list[PlannedNest]]:
    """Return the planned nests of each row, in order; none for rows that multiply nothing.

    Raises
    ------
    MappingError
        A mapping is given for no layer, or nothing fits.
    ArchitectureError
        The array cannot multiply a layer's widths in one beat.
    """
    array = request.accelerator.array
    assert isinstance(array, RowStationaryArray)
    planner = Planner(request, array, prices)
    given = request.mappings or {}
    names = [row.name for row in network.rows]
    for name in given:
        if name not in names:
            message = f"mapping for {name!r}: no such timed layer{did_you_mean(name, names)}; see the report's names"
            raise MappingError(message)
    planned: list[list[PlannedNest]] = [[] for _ in names]
    for index, row_index in enumerate(network.row_of_work):
        work, row = network.works[index], network.rows[row_index]
        if work["kind"] == MAC_WORK:
            planned[row_index].append(_plan_work(planner, row, work, len(planned[row_index])))
    return planned


def _plan_work(planner: Planner, row: Row, work: Any, part: int) -> PlannedNest:  # noqa: ANN401 - a record
    graph, name = planner.request.graph, planner.request.accelerator.name
    if work["pack"] != 1 or work["passes"] != 1:
        message = (
            f"layer {row.name!r} on {name}: {int(work['ifmap_bits'])}-bit ifmaps and {int(work['weight_bits'])}-bit "
            "weights take several products or beats; a row-stationary PE makes one product a cycle: give "
            "precision.pairs at least that wide with macs_per_pe_cycle = 1"
        )
        raise ArchitectureError(message)
    layer = graph.layers[row.layer]
    loops = graph.loops_of(layer)[part]
    last = next((one for one in graph.layers if row.fused and one.name == row.fused[-1]), layer)
    maps = feature_maps(planner.request, planner.array, work, (loops.ifmap, last.outputs[0]))
    given = (planner.request.mappings or {}).get(row.name)
    if part and given is not None:
        given = checked_form(given, row.name).get(RECURRENT)
    elif given is not None:
        given = {
            key: value for key, value in checked_form(given, row.name).items() if key not in (RECURRENT, "dataflow")
        }
    return planner.plan(row.name, ConvNest.of_work(work), maps, given, planner.masks.density(loops.ifmap))


def _given(request: Request, name: str, part: int) -> object:
    """Return the user's mapping of a nest, or None; the second nest of a recurrent layer stands under its own word."""
    given: object = (request.mappings or {}).get(name)
    if given is not None and part:
        given = checked_form(given, name).get(RECURRENT)
    if given is None:
        return None
    return {key: value for key, value in checked_form(given, name).items() if key not in (RECURRENT, "dataflow")}


def _codec_remarks(array: object) -> tuple[str, ...]:
    return (UNPRICED_CODEC,) if isinstance(array, RowStationaryArray) and array.feature_maps == "rlc" else ()


def run_row_stationary(request: Request) -> Outcome:
    """Run a network on a row-stationary array.

    Raises
    ------
    SimulatorError
        No mapping fits, or the array cannot run the dataflow or the widths.
    """
    machine = request.accelerator
    require_plain_buffers(machine)
    network = bind(request.graph, machine, batch=request.batch)
    (flow,) = allowed_dataflows(machine, request.dataflow)
    prices = price_list(machine)
    planned = plan_network(request, network, prices)
    layers: list[LayerResult] = []
    for index in range(len(network.rows)):
        works = [work for work, row in zip(network.works, network.row_of_work, strict=True) if row == index]
        start = layers[-1].end_cycle or 0 if layers else 0
        layers.append(row_result(request, network.rows[index], (works, planned[index]), (start, prices)))
    return Outcome(
        layers=tuple(layers),
        total=add_up(machine, network, layers),
        dataflow=flow,
        prices=prices,
        batch=network.batch,
        not_timed=not_timed(network),
        warnings=(*warnings_of(machine, network, layers), *_codec_remarks(machine.array)),
    )
