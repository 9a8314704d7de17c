"""DRAM beside DRAMsim3: every stored run of a reference, makespan and every read's completion cycle."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from simulator.errors import ArchitectureError, WorkloadError
from simulator.memory.dram_import import load_dram_config
from simulator.memory.dram_run import load_dram_trace, run_trace
from simulator.validation.rows import Quantity, ValidationReport, ValidationRow, compare, reference_file

CHIP = "dram"

_MAKESPAN = "makespan"
_READ_ERROR = "worst_read_error"
_EXACT_PCT = 0.0
_NEAR_PCT = 1.0
_EXACT_PROTOCOLS = ("DDR3", "DDR4")
_NOTES = (
    "Reference: DRAMsim3 at commit 2981759, its policy, its front end; a run is a configuration and a request trace.",
    "worst_read_error: the largest difference of a read's completion cycle; 0 passes where equality is the target.",
    f"Targets: equality on one-channel, one-rank DDR3 and DDR4; {_NEAR_PCT} % of the makespan elsewhere.",
)


def validate_dram(data: Path | None = None, queue_depth: int | None = None) -> ValidationReport:
    """Compare the DRAM engine with stored runs of DRAMsim3.

    Parameters
    ----------
    data
        A folder with ``configs/<config>.json`` and ``traces/<config>__<pattern>.npz`` (``addr``, ``is_write``,
        ``arrival``, ``done``), and ``results.json`` with makespans if there is one; or one such trace. By default the
        reference's own, without which there are no rows.
    queue_depth
        Entries of each command queue instead of the configuration's; the reference is then only shown.

    Raises
    ------
    WorkloadError, ArchitectureError
        There is no such run, or its files make no sense.
    """
    folder = data if data is not None else reference_file("dram")
    if folder is None:
        return ValidationReport(CHIP, (), (*_NOTES, "SIMULATOR_REFERENCE_DIR is not set: there is nothing to compare."))
    if folder.is_file():
        traces, folder = [folder], folder.parent.parent
    else:
        traces = sorted((folder / "traces").glob("*__*.npz"))
    if not traces:
        raise WorkloadError(f"{folder}: there is no traces/<config>__<pattern>.npz: give a folder of that form")
    makespans = _makespans(folder / "results.json")
    rows: list[ValidationRow] = []
    for trace in traces:
        rows += _run_rows(folder, trace, makespans.get(trace.stem), queue_depth)
    return ValidationReport(CHIP, tuple(rows), _NOTES)


def _makespans(path: Path) -> dict[str, int]:
    if not path.is_file():
        return {}
    try:
        runs = json.loads(path.read_text(encoding="utf-8"))
        return {name: int(run["makespan_cycles"]) for name, run in runs.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkloadError(f"{path}: give a run name -> makespan_cycles for each run: {error!r}") from error


def _run_rows(folder: Path, path: Path, makespan: int | None, queue_depth: int | None) -> list[ValidationRow]:
    config = load_dram_config(folder / "configs" / f"{path.stem.split('__')[0]}.json")
    if queue_depth is not None:
        if queue_depth < 1:
            raise ArchitectureError(f"queue depth is {queue_depth}: give at least one entry")
        policy = config.policy.model_copy(update={"command_queue_entries": queue_depth})
        config = config.model_copy(update={"policy": policy})
    trace = load_dram_trace(path)
    done = _stored(path, "done", trace.addresses.size)
    shape = config.organization
    exact = shape.channels == shape.ranks == 1 and shape.protocol in _EXACT_PROTOCOLS
    target: float | None = _EXACT_PCT if exact else _NEAR_PCT
    if queue_depth is not None:
        exact, target = False, None
    result = run_trace(config, trace)
    reads = done[~trace.is_write]
    worst = int(np.abs(result.read_done_cycle - reads).max(initial=0))
    rows = [compare(path.stem, Quantity(_MAKESPAN, "cycles", "published", target), makespan, result.makespan_cycles)]
    if reads.size:
        verdict: Any = ("pass" if worst == 0 else "fail") if exact else "shown"
        rows.append(
            ValidationRow(
                path.stem, _READ_ERROR, "cycles", 0, worst, None, 0.0 if exact else None, "published", verdict
            )
        )
    return rows


def _stored(path: Path, name: str, size: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    with np.load(path, allow_pickle=False) as arrays:
        if name not in arrays.files or arrays[name].shape != (size,):
            raise WorkloadError(f"{path}: the array {name!r} is missing or not one value per request: add it")
        stored: np.ndarray[Any, np.dtype[np.int64]] = arrays[name].astype(np.int64)
        return stored
