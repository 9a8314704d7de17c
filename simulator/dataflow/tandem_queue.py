"""Stations in a row with bounded buffers between them: loads, work and stores that overlap as far as the slots allow.

A station starts a job when it is free, the job has left the station before, a slot behind it is free, and what the job
depends on has left the last station. Source of the recurrence: tandem queues with blocking before service.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator._jit import kernel

Array = Any
Cycles = npt.NDArray[np.int64]

NO_JOB = -1


@kernel
def pass_jobs(service: Array, slots: Array, after: Array, gate_station: int, departure: Array) -> None:
    """Fill ``departure`` [stations, jobs].

    D[i, k] = max(D[i, k-1], D[i-1, k], D[i+1, k-slots[i]], D[-1, after[k]]) + service[i, k].
    ``service`` [stations, jobs] cycles; ``slots`` [stations - 1] jobs between a station's start and the next one's end;
    ``after`` [jobs] the job that must have left the last station before ``gate_station`` starts, or -1.
    """
    stations, jobs = service.shape
    for job in range(jobs):
        for station in range(stations):
            start = departure[station, job - 1] if job > 0 else 0
            if station > 0:
                start = max(start, departure[station - 1, job])
            if station < stations - 1 and job >= slots[station]:
                start = max(start, departure[station + 1, job - slots[station]])
            if station == gate_station and after[job] >= 0:
                start = max(start, departure[stations - 1, after[job]])
            departure[station, job] = start + service[station, job]


@dataclass(frozen=True)
class TandemRun:
    """When jobs left each station [stations, jobs], and why ``station`` waited [cycles]."""

    departure: Cycles
    service: Cycles
    back_pressure_cycles: int
    """The station's job was there, but no slot behind it."""
    starvation_cycles: int
    """The job, or what it depends on, was not there; the wait for the first job is fill and not counted."""
    first_start_cycle: int

    @property
    def cycles(self) -> int:
        """When the last job left."""
        return int(self.departure[-1, -1]) if self.departure.size else 0


def run_tandem(
    service: Cycles, slots: Cycles, *, station: int, after: Cycles | None = None, gate_station: int = NO_JOB
) -> TandemRun:
    """Pass all jobs, and name the waits of ``station``: each gap goes to the constraint satisfied last.

    Examples
    --------
    >>> import numpy as np
    >>> run = run_tandem(np.array([[3, 3, 3], [5, 5, 5]]), np.array([2]), station=1)
    >>> run.cycles, run.starvation_cycles, run.first_start_cycle
    (18, 0, 3)
    """
    service = np.ascontiguousarray(service, dtype=np.int64)
    departure = np.zeros_like(service)
    jobs = service.shape[1]
    waits_for = np.full(jobs, NO_JOB) if after is None else after
    pass_jobs(service, np.asarray(slots, dtype=np.int64), waits_for, gate_station, departure)
    starts = departure[station] - service[station]
    gaps = starts[1:] - departure[station][:-1]
    blocked = 0
    if station < len(service) - 1:
        held = int(slots[station])
        freed = np.zeros(jobs, dtype=np.int64)
        freed[held:] = departure[station + 1][: max(jobs - held, 0)]
        there = departure[station - 1] if station else np.zeros(jobs, dtype=np.int64)
        if station == gate_station:
            there = np.maximum(there, np.where(waits_for >= 0, departure[-1][waits_for], 0))
        blocked = int(gaps[(freed > there)[1:]].sum())
    first = int(starts[0]) if jobs else 0
    return TandemRun(departure, service, blocked, int(gaps.sum()) - blocked, first)
