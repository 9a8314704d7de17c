"""Sweeps: every point of a spec run once, by local processes or on a Dask cluster, results appended as they come."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any, cast

import numpy as np

from simulator.api import simulate
from simulator.arch import load_accelerator
from simulator.documents import write_atomically
from simulator.energy import area_mm2
from simulator.errors import SimulatorError
from simulator.mapping.search import Objective
from simulator.search.evaluate import Evaluator
from simulator.search.sweep_spec import Point, SweepSpec, widths_of
from simulator.search.sweep_store import COLUMNS, SweepStore

CHUNK_POINTS = 16
CONNECT_S = 10
Rows = list[dict[str, Any]]
_ONE_AT_A_TIME = Lock()  # a cluster's worker may have several threads; evaluators are one thread's


def run_sweep(
    spec: SweepSpec,
    output: Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Rows:
    """Run every point that the results lack, and return all results by number.

    Parameters
    ----------
    spec : SweepSpec
    output : Path
        ``.db`` (SQLite, appended to), or ``.csv`` or ``.parquet``, written when all is done; meanwhile results are in
        ``output`` + ``.journal.db``.
    workers : int
        Local processes; 1 runs in this one.
    scheduler : str, optional
        Address of a Dask scheduler, in place of local processes.
    progress : callable, optional
        Told (points done, points in all).

    Raises
    ------
    SimulatorError
        The results, or the file they would go to, are of another sweep; the scheduler is not there, or a worker died:
        what was done is kept.
    """
    if output.suffix not in {".db", ".csv", ".parquet"}:
        message = f"{output}: results are .db, .csv or .parquet; name such a file"
        raise SimulatorError(message)
    journal = output if output.suffix == ".db" else output.with_name(output.name + ".journal.db")
    if output.suffix == ".parquet":
        _polars()  # missed now, not after hours
    points = spec.points()
    if output != journal and not journal.exists():
        _spare_another(output, points)
    store = SweepStore(journal, spec)
    try:
        done = store.done()
        todo = [point for point in points if point.number not in done]
        count = len(points) - len(todo)
        chunks = [todo[i : i + CHUNK_POINTS] for i in range(0, len(todo), CHUNK_POINTS)]
        for rows in _results(chunks, workers, scheduler):
            store.append(rows)
            count += len(rows)
            if progress is not None:
                progress(count, len(points))
        everything = store.rows()
    finally:
        store.close()
    if output.suffix != ".db":
        write_atomically(output, _as_file(everything, output.suffix), SimulatorError)
        journal.unlink()
    return everything


def _results(chunks: Sequence[list[Point]], workers: int, scheduler: str | None) -> Iterator[Rows]:
    if scheduler is not None:
        yield from _on_cluster(chunks, scheduler)
    elif workers <= 1 or len(chunks) < 2:
        yield from map(run_points, chunks)
    else:
        yield from _in_processes(chunks, workers)


def _in_processes(chunks: Sequence[list[Point]], workers: int) -> Iterator[Rows]:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(run_points, chunk) for chunk in chunks]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool:
            message = "a worker process died (killed, or out of memory); what was done is kept: run the sweep again"
            raise SimulatorError(message) from None


def _on_cluster(chunks: Sequence[list[Point]], address: str) -> Iterator[Rows]:
    try:
        import distributed
    except ImportError:
        message = "--scheduler needs Dask: install the extra `distributed`"
        raise SimulatorError(message) from None
    try:
        client: Any = distributed.Client(  # type: ignore[no-untyped-call]
            address, timeout=CONNECT_S
        )
    except (OSError, ValueError) as problem:
        message = f"scheduler {address}: cannot be reached ({type(problem).__name__}); start one, or check the address"
        raise SimulatorError(message) from None
    with client:
        if not client.scheduler_info()["workers"]:
            message = f"scheduler {address}: has no workers; start some (`dask worker {address}`)"
            raise SimulatorError(message)
        futures = client.map(run_points, chunks, pure=False, retries=2)
        try:
            finished: Any = distributed.as_completed(futures, with_results=True)  # type: ignore[no-untyped-call]
            for _, rows in finished:
                yield rows
        except distributed.KilledWorker as problem:
            message = f"scheduler {address}: a worker died ({problem}); what was done is kept: run the sweep again"
            raise SimulatorError(message) from None


def run_points(points: Sequence[Point]) -> Rows:
    """Run points one after another; a point that cannot run has an ``error`` in place of numbers."""
    with _ONE_AT_A_TIME:
        return [_run_point(Point(*point)) for point in points]


def _run_point(point: Point) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(COLUMNS) | point._asdict()
    try:
        evaluator = _evaluator(point.workload, point.accelerator, point.dataflow, point.objective, point.batch)
        machine = evaluator.accelerator
        bits = None
        if point.bits is not None:
            bits = np.tile(np.array(widths_of(point.bits)), (len(evaluator.mac_layers), 1))
        found = evaluator.evaluate(bits) if point.sparsity is None else _sparse(evaluator, bits, point)
        row |= {name: found[name] for name in ("cycles", "energy_pj", "dram_bytes")}
        row |= {"latency_s": found["cycles"] / machine.clock_hz, "area_mm2": area_mm2(machine)}
    except SimulatorError as problem:
        row["error"] = str(problem)
    return row


def _sparse(evaluator: Evaluator, bits: Any, point: Point) -> dict[str, Any]:  # noqa: ANN401 - widths or None
    graph = evaluator.graph
    if bits is not None:
        graph = graph.with_precisions(evaluator.precisions(bits))
    total = simulate(
        graph,
        evaluator.accelerator,
        fidelity="bandwidth",
        batch=point.batch,
        dataflow=point.dataflow,
        objective=cast("Objective", point.objective),
        sparsity=point.sparsity,
    ).total
    return {"cycles": total.cycles, "energy_pj": total.energy_pj, "dram_bytes": total.dram_bytes}


@lru_cache(maxsize=64)
def _evaluator(workload: str, accelerator: str, dataflow: str | None, objective: str, batch: int) -> Evaluator:
    chosen = cast("Objective", objective)
    machine = load_accelerator(accelerator)
    return Evaluator(workload, machine, dataflow=dataflow, objective=chosen, batch=batch)


def pareto_front(rows: Rows, measures: Sequence[str] = ("cycles", "energy_pj")) -> Rows:
    """Return the rows that no other beats: none is at most equal in every measure and less in one.

    Examples
    --------
    >>> rows = [{"cycles": 1, "energy_pj": 5}, {"cycles": 2, "energy_pj": 4}, {"cycles": 2, "energy_pj": 5}]
    >>> len(pareto_front(rows))
    2
    """
    known = [row for row in rows if all(row.get(name) is not None for name in measures)]
    values = np.array([[row[name] for name in measures] for row in known], np.float64).reshape(
        len(known), len(measures)
    )
    kept = []
    for row, mine in zip(known, values, strict=True):
        beaten = (values <= mine).all(axis=1) & (values < mine).any(axis=1)
        if not beaten.any():
            kept.append(row)
    return kept


def _spare_another(output: Path, points: Sequence[Point]) -> None:
    """Refuse to write over a file that holds something else than results of the same points."""
    if not output.exists():
        return
    try:
        found = _points_of(output)
    except (OSError, ValueError, KeyError):  # UnicodeDecodeError is a ValueError
        found = None
    if found != [tuple("" if value is None else str(value) for value in point) for point in points]:
        message = f"{output}: holds something else than this sweep's results; name another file, or delete it"
        raise SimulatorError(message)


def _points_of(output: Path) -> list[tuple[str, ...]]:
    if output.suffix == ".csv":
        with output.open(encoding="utf-8", newline="") as stream:
            rows: Iterable[Mapping[str, object]] = list(csv.DictReader(stream))
    else:
        pl = _polars()
        try:
            rows = pl.read_parquet(output, columns=list(Point._fields)).to_dicts()
        except pl.exceptions.PolarsError as problem:
            raise ValueError(output) from problem
    return [tuple("" if row[name] is None else str(row[name]) for name in Point._fields) for row in rows]


def _as_file(rows: Rows, suffix: str) -> str | bytes:
    if suffix == ".csv":
        stream = io.StringIO()
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return stream.getvalue()
    target = io.BytesIO()
    _polars().DataFrame(rows, infer_schema_length=None).write_parquet(target)
    return target.getvalue()


def _polars() -> ModuleType:
    try:
        import polars as pl
    except ImportError:
        message = "a .parquet needs polars: install the extra `data`, or name a .csv or .db"
        raise SimulatorError(message) from None
    return pl
