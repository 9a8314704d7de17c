"""Latency, energy and traffic of one network at many bit assignments: what a search loop calls in place of FLOPs.

The numbers are those of :func:`simulator.api.simulate` at ``bandwidth`` fidelity; what is left out is the report. The
network is bound once, and what depends on widths is filled in for all assignments together; what was asked before is
answered from memory or, if asked, from a file; and so is the mapping of every layer already seen (same shape, same
widths).
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from functools import cached_property, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.arch import Accelerator, load_accelerator
from simulator.arch.arrays import require_one_core, require_systolic
from simulator.dataflow.binding import BoundNetwork, bind
from simulator.dataflow.machine import allowed_dataflows, hardware_record, space_record
from simulator.energy import price_list
from simulator.errors import MappingError, WorkloadError
from simulator.mapping.search import OBJECTIVES, Objective, explain
from simulator.records import Table
from simulator.search.assignments import WIDEST_BITS, AssignedTensors, as_array
from simulator.search.batch_run import BatchRun, Rows
from simulator.search.evaluations import Evaluations
from simulator.search.known_mappings import KnownMappings
from simulator.search.known_results import KnownResults
from simulator.search.store import Store
from simulator.search.width_recipe import WidthRecipe, beat_pj
from simulator.units import BITS_PER_BYTE
from simulator.workload import LayerGraph, Precision, load_workload

__all__ = ["WIDEST_BITS", "Evaluator", "evaluate_many"]

Assignments = npt.NDArray[np.integer[Any]]
CHUNK = 64  # assignments whose works are filled in together


class Evaluator:
    """One network on one accelerator, evaluated at one bit assignment after another. For one thread at a time.

    Parameters
    ----------
    workload, accelerator
        As :func:`simulator.api.simulate` takes them.
    dataflow, objective, batch
        Likewise.
    cache : Path, optional
        File that keeps mappings and whole-network results between processes (:mod:`simulator.search.store`).

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
        if objective not in OBJECTIVES:
            message = f"objective {objective!r}: give one of {', '.join(OBJECTIVES)}"
            raise WorkloadError(message)
        self.graph = load_workload(workload)
        self.accelerator = load_accelerator(accelerator)
        require_systolic(self.accelerator.name, self.accelerator.array, "the evaluator")
        require_one_core(self.accelerator.name, self.accelerator.cores, "the evaluator")
        self.batch = batch
        self.prices = price_list(self.accelerator)
        self.machine = (
            hardware_record(self.accelerator),
            space_record(
                self.accelerator,
                dram_pj_per_byte=self.prices.dram_pj_per_bit * BITS_PER_BYTE,
                buffer_read_pj=self.prices.buffer_read_pj,
                buffer_write_pj=self.prices.buffer_write_pj,
            ),
        )
        self._store = None if cache is None else Store(cache)
        flows = allowed_dataflows(self.accelerator, dataflow)
        self._known = KnownMappings(self.machine, flows, objective, self._store)
        self._assigned = AssignedTensors(self.graph)
        self.mac_layers, self.tensors = self._assigned.layers, self._assigned.names
        self._recipe: tuple[WidthRecipe, npt.NDArray[np.int64]] | None = None
        self._results: tuple[BatchRun, KnownResults] | None = None
        # what stays on chip depends on every tensor's size: then each assignment is bound anew
        resident = self.accelerator.buffer_of("ifmap").resident_bytes > 0
        compresses = self.accelerator.compression.is_used  # and so do the sizes of encoded tiles
        self._recipe_holds: bool | None = False if resident or compresses else None

    @property
    def mappings(self) -> dict[bytes, int]:
        """Works whose mappings are known, by the bytes of their record."""
        return self._known.place_of

    def precisions(self, assignment: Any) -> dict[str, Precision]:  # noqa: ANN401 - anything shaped [L, 2]
        """Return the tensors' precisions under ``assignment`` [L, 2] of (weight bits, activation bits).

        An activation that several layers read takes the widest of their widths.

        Raises
        ------
        WorkloadError
            The assignment does not have one (weight, activation) pair of 1 to 64 bits for each layer.
        """
        return self._assigned.precisions(assignment)

    def evaluate(self, assignment: Any = None) -> dict[str, Any]:  # noqa: ANN401
        """Return ``cycles energy_pj dram_bytes macs layer_cycles`` of one assignment (None: the model's own widths)."""
        if assignment is None:
            found = self._bound(self.graph)
        else:
            found = self._evaluate(self._assigned.checked(assignment)[None])
        return {
            "cycles": int(found.cycles[0].sum()),
            "energy_pj": float(found.energy_pj[0].sum()),
            "dram_bytes": int(found.dram_bytes[0].sum()),
            "macs": self.graph.total_macs * self.batch,
            "layer_cycles": found.cycles[0, self._mac_rows],
        }

    def evaluate_all(self, assignments: Assignments) -> Evaluations:
        """Evaluate ``assignments`` [B, L, 2]; as :func:`evaluate_many`."""
        trials = self._assigned.checked_all(assignments)
        if not len(trials):
            return self._stacked(None, np.zeros(0, np.int64))
        distinct, which = np.unique(trials.reshape(len(trials), -1), axis=0, return_inverse=True)
        rows = self._evaluate(distinct.reshape(-1, len(self.mac_layers), 2))
        return self._stacked(rows, which.ravel())

    def _stacked(self, found: Rows | None, which: npt.NDArray[Any]) -> Evaluations:
        macs = self._mac_rows
        table: dict[str, npt.NDArray[Any]] = {}
        for name, kind in (("cycles", np.int64), ("energy_pj", np.float64), ("dram_bytes", np.int64)):
            rows = np.zeros((0, max(macs, default=0) + 1), kind) if found is None else getattr(found, name)[which]
            layers = rows[:, macs]
            table |= {name: rows.sum(axis=1), f"layer_{name}": layers}
            table[f"other_{name}"] = table[name] - layers.sum(axis=1)
        return Evaluations(**table)

    @cached_property
    def _mac_rows(self) -> list[int]:
        network = bind(self.graph, self.accelerator, batch=self.batch) if self._recipe is None else self._network
        return [i for i, row in enumerate(network.rows) if row.weight_bits]

    @property
    def _network(self) -> BoundNetwork:
        assert self._recipe is not None
        return self._recipe[0].network

    def _evaluate(self, trials: npt.NDArray[Any]) -> Rows:
        """Evaluate checked assignments [B, L, 2]; works are filled in for many of them together."""
        chunks = [self._evaluate_chunk(trials[first : first + CHUNK]) for first in range(0, len(trials), CHUNK)]
        return Rows(*(np.concatenate(columns) for columns in zip(*chunks, strict=True)))

    def _evaluate_chunk(self, trials: npt.NDArray[Any]) -> Rows:
        if self._recipe_holds is False:
            each = [self._bound(self.graph.with_precisions(self.precisions(trial))) for trial in trials]
            return Rows(*(np.concatenate(columns) for columns in zip(*each, strict=True)))
        bits = self._assigned.bits(trials)
        if self._recipe is None:
            network = bind(self.graph.with_precisions(self.precisions(trials[0])), self.accelerator, batch=self.batch)
            recipe = WidthRecipe(self.graph, self.accelerator, network, self.tensors, self.prices)
            self._recipe = (recipe, bits[0].copy())
        recipe, base_bits = self._recipe
        works, mac_pj = recipe.works(bits, base_bits)
        if self._recipe_holds is None:
            witness = len(trials) - 1  # the first may have been bound for the recipe itself: the last is better
            graph = self.graph.with_precisions(self.precisions(trials[witness]))
            bound = bind(graph, self.accelerator, batch=self.batch)
            if not recipe.agrees_with(works[witness], mac_pj[witness], bound):
                self._recipe_holds = False
                return self._evaluate_chunk(trials)
            if (bits[witness] != base_bits).any():
                self._recipe_holds = True
        if self._results is None:
            self._results = self._results_of(recipe.network, self.graph)
        return self._answer(*self._results, works, mac_pj)

    def _results_of(self, network: BoundNetwork, graph: LayerGraph) -> tuple[BatchRun, KnownResults]:
        batch_run = BatchRun(self.accelerator, self.prices, self.machine, graph, network)
        content = f"{self.accelerator.model_dump_json()}\n{self.prices!r}".encode()
        # what a file's key does not hold: the zeros themselves, which encoded sizes depend on
        store = None if self.accelerator.compression.is_used else self._store
        return batch_run, KnownResults(batch_run, self._known, content, store)

    def _bound(self, graph: LayerGraph) -> Rows:
        """Evaluate a network by binding it in full."""
        network = bind(graph, self.accelerator, batch=self.batch)
        mac_pj = np.array([beat_pj(self.prices, one) for one in network.multipliers])
        return self._answer(*self._results_of(network, graph), network.works[None], mac_pj[None])

    def _answer(self, batch_run: BatchRun, results: KnownResults, works: Table, mac_pj: npt.NDArray[Any]) -> Rows:
        """Return the results of ``works`` [B, W], running those not known."""
        keys = results.keys(works, mac_pj)
        known = results.read(keys)
        missing = {key: i for i, key in enumerate(keys) if key not in known}
        if missing:
            chosen = list(missing.values())
            mappings = self._mapped(batch_run.network, works[chosen])
            known |= results.write(list(missing), batch_run(works[chosen], mappings, mac_pj[chosen]))
        return results.unpack([known[key] for key in keys])

    def _mapped(self, network: BoundNetwork, works: Table) -> Table:
        """Return the mappings of ``works`` [B, W].

        Raises
        ------
        MappingError
            One has none: names its layer.
        """
        places = self._known.places(works)
        mappings = self._known.mappings[places]
        if not mappings["feasible"].all():
            work = int(np.argwhere(mappings["feasible"] == 0)[0, 1])
            place = places[:, work][mappings["feasible"][:, work] == 0][0]
            name = network.rows[network.row_of_work[work]].name
            raise MappingError(explain(name, self._known.costs[place], self.accelerator, "no mapping fits"))
        return mappings


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
        File that keeps mappings and results between calls and processes.

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
    if isinstance(workers, bool) or not hasattr(workers, "__index__") or workers < 1:
        message = f"workers = {workers!r}: give a whole number, at least 1"
        raise WorkloadError(message)
    machine = load_accelerator(accelerator)  # type: ignore[arg-type] # a list was dealt with above
    trials = as_array(assignments)
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
