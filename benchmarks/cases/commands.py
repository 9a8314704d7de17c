"""The command line as a user meets it: a fresh process each time. Imports nothing of the simulator itself."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from benchmarks.measurement import BYTES_PER_MB, Measurement, Scale


@dataclass(frozen=True)
class Finished:
    """One process that ended well."""

    wall_s: float
    cpu_s: float
    memory_mb: float


def command(*arguments: str, cache: str | None = None) -> Finished:
    """Run ``python -m simulator`` with ``arguments`` and wait for it.

    Raises
    ------
    RuntimeError
        It fails: names the command and what it said.
    """
    environment = os.environ | ({"SIMULATOR_CACHE_DIR": cache} if cache else {})
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation has its bytecode: without, 0.4 s of each start
    start = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "simulator", *arguments], env=environment, stdout=said, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            message = f"`simulator {' '.join(arguments)}` leaves with {process.returncode}: {said.read()[-500:]!r}"
            raise RuntimeError(message)
    kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Finished(wall_s, usage.ru_utime + usage.ru_stime, kilobytes * 1024 / BYTES_PER_MB)


def commands(scale: Scale) -> list[Measurement]:
    """Start-up, and a network as a command with the kernels compiled before."""
    arguments = ("run", scale.network("resnet50"), "--arch", "tpu_like_128")
    command(*arguments)
    repeats = scale.count(7)
    started = [_measurement("help_command", [command("--help") for _ in range(repeats)], "no numba, no matplotlib")]
    try:
        listed = [command("list", "workloads") for _ in range(repeats)]
    except RuntimeError:
        pass  # not in this version: the report says so
    else:
        started.append(_measurement("list_command", listed, "no numba, no matplotlib"))
    runs = [command(*arguments) for _ in range(repeats)]
    memory = Measurement("warm_command_memory", "MB", tuple(run.memory_mb for run in runs))
    return [*started, _measurement("warm_command", runs, f"simulator {' '.join(arguments)}"), memory]


def cold_command(scale: Scale) -> list[Measurement]:
    """Run as the first on a machine does: with an empty cache of kernels."""
    arguments = ("run", scale.network("resnet50"), "--arch", "tpu_like_128")
    runs = []
    for _ in range(scale.count(2)):
        with tempfile.TemporaryDirectory() as cache:
            runs.append(command(*arguments, cache=cache))
    return [_measurement("cold_command", runs, f"simulator {' '.join(arguments)}, an empty cache each time")]


def _measurement(name: str, runs: list[Finished], note: str) -> Measurement:
    return Measurement(name, "s", tuple(run.wall_s for run in runs), tuple(run.cpu_s for run in runs), note)
