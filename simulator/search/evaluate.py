"""Latency, energy and traffic of one network at many bit assignments: what a search loop calls in place of FLOPs.

The numbers are those of :func:`simulator.api.simulate` at ``bandwidth`` fidelity; what is left out is the report. The
network is bound once, and what depends on widths is filled in for all assignments together; equal assignments run once;
and the mapping of every layer already seen (same shape, same widths) is kept, in memory and, if asked, in a file.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from functools import cached_property, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.arch import Accelerator, load_accelerator
from simulator.arch.arrays import require_systolic
from simulator.assembly import work_energy_pj
from simulator.dataflow.binding import BoundNetwork, bind
from simulator.dataflow.machine import allowed_dataflows, hardware_record, space_record
from simulator.dataflow.plan_tables import PlanInputs
from simulator.dataflow.tape import build_tape
from simulator.energy import price_list
from simulator.engine.run import run
from simulator.errors import MappingError, SimulatorError, WorkloadError
from simulator.mapping.search import Objective, explain, find_mapping
from simulator.records import COST, COUNTERS, MAPPING, Table, table
from simulator.search.evaluations import Evaluations
from simulator.search.store import Store, content_key
from simulator.search.width_recipe import WidthRecipe, beat_pj
from simulator.units import BITS_PER_BYTE
from simulator.workload import LayerGraph, Precision, load_workload
from simulator.workload.masks import Masks
from simulator.zero_gating import switching_share

Assignments = npt.NDArray[np.integer[Any]]
WIDEST_BITS = 64
CHUNK = 64  # assignments whose works are filled in together
_DRAM_COUNTERS = tuple(name for name in COUNTERS.names or () if "dram" in name)


class Evaluator:
    """One network on one accelerator, evaluated at one bit assignment after another.

    Parameters
    ----------
    workload, accelerator
        As :func:`simulator.api.simulate` takes them.
    dataflow, objective, batch
        Likewise.
    cache : Path, optional
        File that keeps mappings between processes (:mod:`simulator.search.store`).

    Examples
    --------
    >>> evaluator = Evaluator("lenet5_int8", "gemmini_like_16")
    >>> evaluator.evaluate([(8, 8)] * 5)["macs"]
    416520
    """

    def __init__(
        self,
        workload: LayerGraph | str | Path,
        accelerator: Accelerator | str | Path,
        *,
        dataflow: str | None = None,
        objective: Objective = "latency",
        batch: int = 1,
        cache: Path | None = None,
    ) -> None:
        self.graph = load_workload(workload)
        self.accelerator = load_accelerator(accelerator)
        require_systolic(self.accelerator.name, self.accelerator.array, "the evaluator")
        self.batch = batch
        self.objective = objective
        self.dataflows = allowed_dataflows(self.accelerator, dataflow)
        self.prices = price_list(self.accelerator)
        self.hardware = hardware_record(self.accelerator)
        self.space = space_record(
            self.accelerator,
            dram_pj_per_byte=self.prices.dram_pj_per_bit * BITS_PER_BYTE,
            buffer_read_pj=self.prices.buffer_read_pj,
            buffer_write_pj=self.prices.buffer_write_pj,
        )
        self.mappings: dict[bytes, int] = {}  # work -> its row of the tables
        self._found = table(MAPPING, 64), table(COST, 64)
        self._scratch: dict[int, Any] = {}
        self._precisions: dict[tuple[str, int], Precision] = {}
        self.mac_layers = self.graph.mac_layers
        self.tensors, self._columns = _followed_tensors(self.graph)
        self._store = None if cache is None else Store(cache)
        self._settings = content_key(
            self.hardware.tobytes(), self.space.tobytes(), ",".join(self.dataflows).encode(), objective.encode()
        )
        self._recipe: tuple[WidthRecipe, npt.NDArray[np.int64]] | None = None
        # what stays on chip depends on every tensor's size: then each assignment is bound anew
        self._recipe_holds: bool | None = None
        if self.accelerator.buffer_of("ifmap").resident_bytes > 0:
            self._recipe_holds = False

    def precisions(self, assignment: Any) -> dict[str, Precision]:  # noqa: ANN401 - anything shaped [L, 2]
        """Return the tensors' precisions under ``assignment`` [L, 2] of (weight bits, activation bits).

        An activation that several layers read takes the widest of their widths.

        Raises
        ------
        WorkloadError
            The assignment does not have one (weight, activation) pair of 1 to 64 bits for each layer.
        """
        pairs = self._checked(assignment)
        widths: dict[str, int] = {}
        for layer, (weight_bits, ifmap_bits) in zip(self.mac_layers, pairs.tolist(), strict=True):
            for name, bits in ((layer.inputs[0], ifmap_bits), (layer.inputs[1], weight_bits)):
                widths[name] = max(bits, widths.get(name, 0))
        return {name: self._precision(name, bits) for name, bits in widths.items()}

    def _checked(self, assignment: Any) -> npt.NDArray[Any]:  # noqa: ANN401
        pairs = _as_array(assignment)
        if pairs.shape != (len(self.mac_layers), 2) or pairs.dtype.kind not in "iu":
            message = (
                f"assignment of shape {pairs.shape} and type {pairs.dtype}: {self.graph.name} takes integers "
                f"[{len(self.mac_layers)}, 2] of (weight bits, activation bits), one row for each of mac_layers"
            )
            raise WorkloadError(message)
        if pairs.size and (pairs.min() < 1 or pairs.max() > WIDEST_BITS):
            message = f"assignment: bits {pairs.min()}..{pairs.max()}; give 1 to {WIDEST_BITS}"
            raise WorkloadError(message)
        return pairs

    def _precision(self, name: str, bits: int) -> Precision:
        """Return the integer precision of a tensor at ``bits``; copying a model is slow, so each is made once."""
        known = self._precisions.get((name, bits))
        if known is None:
            known = self.graph.tensors[name].precision.model_copy(update={"bits": bits, "kind": "int"})
            self._precisions[name, bits] = known
        return known

    def evaluate(self, assignment: Any = None) -> dict[str, Any]:  # noqa: ANN401
        """Return ``cycles energy_pj dram_bytes macs layer_cycles`` of one assignment (None: the model's own widths)."""
        found = self._bound(self.graph) if assignment is None else self._evaluate(self._checked(assignment)[None])[0]
        return {
            "cycles": int(found.cycles.sum()),
            "energy_pj": float(found.energy_pj.sum()),
            "dram_bytes": int(found.dram_bytes.sum()),
            "macs": self.graph.total_macs * self.batch,
            "layer_cycles": found.cycles[self._mac_rows],
        }

    def evaluate_all(self, assignments: Assignments) -> Evaluations:
        """Evaluate ``assignments`` [B, L, 2]; as :func:`evaluate_many`."""
        trials = _as_array(assignments)
        if trials.ndim != 3 or trials.size != trials.shape[0] * len(self.mac_layers) * 2:
            message = (
                f"assignments of shape {trials.shape}: give [B, {len(self.mac_layers)}, 2], one (weight bits, "
                "activation bits) for each of B trials and each of mac_layers"
            )
            raise WorkloadError(message)
        if not len(trials):
            self._checked(np.full((*trials.shape[1:],), 8))
            return self._stacked([])
        for one in (
            trials[0],
            trials[int(trials.min(axis=(1, 2)).argmin())],
            trials[int(trials.max(axis=(1, 2)).argmax())],
        ):
            self._checked(one)
        distinct, which = np.unique(trials.reshape(len(trials), -1), axis=0, return_inverse=True)
        rows = self._evaluate(distinct.reshape(-1, len(self.mac_layers), 2))
        return self._stacked([rows[i] for i in which.ravel()])

    def _stacked(self, found: "list[_Rows]") -> Evaluations:
        macs = self._mac_rows
        table: dict[str, npt.NDArray[Any]] = {}
        for name, kind in (("cycles", np.int64), ("energy_pj", np.float64), ("dram_bytes", np.int64)):
            rows = np.array([getattr(one, name) for one in found], kind)
            rows = rows if found else np.zeros((0, max(macs, default=0) + 1), kind)
            layers = rows[:, macs]
            table |= {name: rows.sum(axis=1), f"layer_{name}": layers}
            table[f"other_{name}"] = table[name] - layers.sum(axis=1)
        return Evaluations(**table)

    @cached_property
    def _mac_rows(self) -> list[int]:
        network = bind(self.graph, self.accelerator, batch=self.batch)
        return [i for i, row in enumerate(network.rows) if row.weight_bits]

    def _evaluate(self, trials: npt.NDArray[Any]) -> "list[_Rows]":
        """Evaluate checked assignments [B, L, 2] one after the other; works are filled in for all of them together."""
        bits = np.zeros((len(trials), len(self.tensors)), np.int64)
        for layer, (ifmap, weight) in enumerate(self._columns):
            bits[:, weight] = np.maximum(bits[:, weight], trials[:, layer, 0])
            bits[:, ifmap] = np.maximum(bits[:, ifmap], trials[:, layer, 1])
        found: list[_Rows] = []
        for first in range(0, len(trials), CHUNK):
            found += self._evaluate_chunk(trials[first : first + CHUNK], bits[first : first + CHUNK])
        return found

    def _evaluate_chunk(self, trials: npt.NDArray[Any], bits: npt.NDArray[np.int64]) -> "list[_Rows]":
        if self._recipe_holds is False:
            return [self._bound(self.graph.with_precisions(self.precisions(trial))) for trial in trials]
        if self._recipe is None:
            network = bind(self.graph.with_precisions(self.precisions(trials[0])), self.accelerator, batch=self.batch)
            recipe = WidthRecipe(self.graph, self.accelerator, network, self.tensors, self.prices)
            self._recipe = (recipe, bits[0].copy())
        recipe, base_bits = self._recipe
        works, mac_pj = recipe.works(bits, base_bits)
        if self._recipe_holds is None:
            checked = len(trials) - 1  # the first was bound for the recipe itself: the last is the better witness
            graph = self.graph.with_precisions(self.precisions(trials[checked]))
            bound = bind(graph, self.accelerator, batch=self.batch)
            agrees = recipe.agrees_with(works[checked], mac_pj[checked], bound)
            if not agrees:
                self._recipe_holds = False
                return self._evaluate_chunk(trials, bits)
            if len(trials) > 1:
                self._recipe_holds = True
        self._fetch(works)
        found = [self._run(recipe.network, works[i], mac_pj[i]) for i in range(len(trials))]
        self._keep()
        return found

    def _bound(self, graph: LayerGraph) -> "_Rows":
        """Evaluate a network by binding it in full."""
        network = bind(graph, self.accelerator, batch=self.batch)
        mac_pj = np.array([beat_pj(self.prices, one) for one in network.multipliers])
        self._fetch(network.works[None])
        found = self._run(network, network.works, mac_pj)
        self._keep()
        return found

    def _run(self, network: BoundNetwork, works: Table, mac_pj: npt.NDArray[np.float64]) -> "_Rows":
        mappings = self._mapped(network, works)
        tables = (network.producers, network.producer_spans, network.aligned, network.reads, network.cores)
        tape = build_tape(PlanInputs(works, mappings, self.hardware, self.space, *tables))
        cycles = run(tape, self.space).layers["cycles"]
        counters = tape.counters
        switching = switching_share(self.accelerator.zero_gating, self.graph, network, Masks(self.graph))
        parts = work_energy_pj(self.accelerator, self.prices, (works, counters, mappings), cycles, mac_pj, switching)
        moved = sum(counters[name] for name in _DRAM_COUNTERS)
        count = len(network.rows)
        rows = _Rows(np.zeros(count, np.int64), np.zeros(count, np.float64), np.zeros(count, np.int64))
        place = np.asarray(network.row_of_work)
        np.add.at(rows.cycles, place, cycles)
        np.add.at(rows.energy_pj, place, parts.sum(axis=1))
        np.add.at(rows.dram_bytes, place, moved)
        return rows

    def _mapped(self, network: BoundNetwork, works: Table) -> Table:
        """Return the mappings of one assignment's works; search those not known."""
        keys = _records(works)
        for i, key in enumerate(keys):
            if key not in self.mappings:
                machine = (self.hardware, self.space)
                self._remember(
                    key, *find_mapping(works[i : i + 1], machine, self.dataflows, self.objective, self._scratch)
                )
                self._fresh.append(key)
        places = [self.mappings[key] for key in keys]
        mappings = self._found[0][places]
        if not mappings["feasible"].all():
            i = int(mappings["feasible"].argmin())
            name = network.rows[network.row_of_work[i]].name
            raise MappingError(explain(name, self._found[1][places[i]], self.accelerator, "no mapping fits"))
        return mappings

    def _remember(self, key: bytes, mapping: Any, cost: Any) -> None:  # noqa: ANN401 - records
        place = len(self.mappings)
        if place == len(self._found[0]):
            mappings, costs = (np.concatenate([one, np.zeros_like(one)]).view(np.recarray) for one in self._found)
            self._found = mappings, costs
        self._found[0][place], self._found[1][place] = mapping, cost
        self.mappings[key] = place

    def _fetch(self, works: Table) -> None:
        """Read from the file the mappings of ``works`` [B, W] that memory lacks."""
        self._fresh: list[bytes] = []
        if self._store is None:
            return
        missing = set(_records(works)) - self.mappings.keys()
        named = {content_key(self._settings, key): key for key in missing}
        layout = np.dtype([("mapping", MAPPING), ("cost", COST)])
        for name, value in self._store.read(named).items():
            if len(value) != layout.itemsize:
                message = f"cache {self._store.path}: an entry has {len(value)} bytes; delete it, or name another file"
                raise SimulatorError(message)
            pair = np.frombuffer(value, layout)[0]
            self._remember(named[name], pair["mapping"], pair["cost"])

    def _keep(self) -> None:
        """Write the mappings found since :meth:`_fetch` to the file."""
        if self._store is not None and self._fresh:
            places = {content_key(self._settings, key): self.mappings[key] for key in self._fresh}
            mappings, costs = self._found
            self._store.write({name: mappings[i].tobytes() + costs[i].tobytes() for name, i in places.items()})
        self._fresh = []


class _Rows(NamedTuple):
    """Costs of one assignment by row of the bound network."""

    cycles: npt.NDArray[np.int64]
    energy_pj: npt.NDArray[np.float64]
    dram_bytes: npt.NDArray[np.int64]


def _records(works: Table) -> list[bytes]:
    """Return the bytes of each record, in order."""
    size, everything = works.dtype.itemsize, works.tobytes()
    return [everything[i : i + size] for i in range(0, len(everything), size)]


def _followed_tensors(graph: LayerGraph) -> tuple[tuple[str, ...], list[tuple[int, int]]]:
    """Return the tensors an assignment sets, and each layer's (ifmap, weight) places among them."""
    place: dict[str, int] = {}
    columns = []
    for layer in graph.mac_layers:
        pair = [place.setdefault(name, len(place)) for name in layer.inputs[:2]]
        columns.append((pair[0], pair[1]))
    return tuple(place), columns


def _as_array(numbers: Any) -> npt.NDArray[Any]:  # noqa: ANN401 - whatever the caller has
    """Return ``numbers`` as an array; rows of different lengths are the caller's fault."""
    try:
        return np.asarray(numbers)
    except ValueError as problem:
        message = f"assignment: {problem}; give one (weight bits, activation bits) pair for each of mac_layers"
        raise WorkloadError(message) from None


def evaluate_many(  # noqa: PLR0913 - the evaluator's options by name
    workload: LayerGraph | str | Path,
    accelerator: Accelerator | str | Path | Sequence[Accelerator | str | Path],
    assignments: Assignments,
    *,
    workers: int = 1,
    cache: Path | None = None,
    dataflow: str | None = None,
    objective: Objective = "latency",
    batch: int = 1,
) -> Any:  # noqa: ANN401 - Evaluations, or a list of them
    """Evaluate a network at many bit assignments, on one accelerator or on several.

    Parameters
    ----------
    workload, dataflow, objective, batch
        As :func:`simulator.api.simulate` takes them.
    accelerator
        One, or a list.
    assignments : int array [B, L, 2]
        (weight bits, activation bits) of each multiply-accumulate layer.
    workers : int
        Processes that share the assignments; results are the same for any number.
    cache : Path, optional
        File that keeps mappings between calls and processes.

    Returns
    -------
    Evaluations, or a list of Evaluations in the order of the accelerators

    Raises
    ------
    WorkloadError
        The assignments have another shape or impossible widths.
    SimulatorError
        The cache is damaged or of something else.

    Examples
    --------
    >>> bits = np.full((2, 5, 2), 8)
    >>> bits[1, :, 0] = 4
    >>> evaluate_many("lenet5_int8", "tpu_like_128", bits).dram_bytes.shape
    (2,)
    """
    options: dict[str, Any] = {"dataflow": dataflow, "objective": objective, "batch": batch, "cache": cache}
    if isinstance(accelerator, list | tuple):
        graph = load_workload(workload)
        return [evaluate_many(graph, one, assignments, workers=workers, **options) for one in accelerator]
    if workers < 1:
        message = f"workers = {workers}: give at least 1"
        raise WorkloadError(message)
    machine = load_accelerator(accelerator)  # type: ignore[arg-type] # a list was dealt with above
    trials = _as_array(assignments)
    if workers == 1 or trials.ndim != 3 or len(trials) < 2 * workers:
        return Evaluator(workload, machine, **options).evaluate_all(trials)
    graph = load_workload(workload)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(partial(_evaluate_part, graph, machine, options), np.array_split(trials, workers)))
    return Evaluations(*(np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(Evaluations)))


def _evaluate_part(
    graph: LayerGraph, machine: Accelerator, options: dict[str, Any], trials: npt.NDArray[Any]
) -> Evaluations:
    return Evaluator(graph, machine, **options).evaluate_all(trials)
