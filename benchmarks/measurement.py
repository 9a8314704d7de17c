"""What a case hands back, and how it takes the time."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RATES = frozenset({"requests/s", "layers/s", "networks/s", "cycles/s", "x"})  # more is better
BYTES_PER_MB = 1e6


@dataclass(frozen=True)
class Measurement:
    """One quantity, measured one or more times.

    Attributes
    ----------
    name : str
        Key of its goals in :mod:`benchmarks.goals`.
    unit : str
        ``s``, ``MB``, ``count``, or one of ``RATES``.
    values : tuple of float
        By wall time, where it is a time or a rate.
    cpu_values : tuple of float
        The same by processor time; empty where that says nothing.
    note : str
        What was run, or what a count is made of.
    """

    name: str
    unit: str
    values: tuple[float, ...]
    cpu_values: tuple[float, ...] = ()
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def best(self) -> float:
        return max(self.values) if self.unit in RATES else min(self.values)

    @property
    def cpu_median(self) -> float | None:
        return statistics.median(self.cpu_values) if self.cpu_values else None


@dataclass(frozen=True)
class Scale:
    """How much work a case takes on: small for the tests, real for the report."""

    quick: bool

    @property
    def repeats(self) -> int:
        return 2 if self.quick else 15

    def network(self, name: str) -> str:
        """Return ``name``, or the smallest network of the library."""
        return "lenet5_int8" if self.quick else name

    def count(self, full: int) -> int:
        """Return ``full``, or very few."""
        return min(full, 3) if self.quick else full


Case = Callable[[Scale], list[Measurement]]


def seconds(call: Callable[[], Any], repeats: int, number: int = 1) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return wall and processor seconds of one call: ``repeats`` samples, each the mean of ``number`` calls."""
    wall, cpu = [], []
    for _ in range(repeats):
        wall_start, cpu_start = time.perf_counter(), time.process_time()
        for _ in range(number):
            call()
        wall.append((time.perf_counter() - wall_start) / number)
        cpu.append((time.process_time() - cpu_start) / number)
    return tuple(wall), tuple(cpu)


def timed(name: str, call: Callable[[], Any], repeats: int, note: str = "") -> Measurement:
    """Measure ``call`` in seconds, after one call that is not counted: it compiles and fills caches."""
    call()
    return Measurement(name, "s", *seconds(call, repeats), note)


def rate(name: str, unit: str, amount: float, times: tuple[tuple[float, ...], ...], note: str = "") -> Measurement:
    """Turn wall and processor seconds into ``amount`` a second."""
    wall, cpu = (tuple(amount / max(value, 1e-9) for value in values) for values in times)
    return Measurement(name, unit, wall, cpu, note)


def peak_memory_mb() -> float:
    """Return this process's largest resident size so far [MB].

    ``ru_maxrss`` starts at the size of the process that started this one; Linux also keeps the number wanted here.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / BYTES_PER_MB
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / BYTES_PER_MB
