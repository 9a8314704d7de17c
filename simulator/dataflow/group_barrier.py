"""Units that wait for each other at the end of every group of work. Knows no engine."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Cycles = npt.NDArray[np.int64]


@dataclass(frozen=True)
class BarrierRun:
    """Groups one behind the other.

    Parameters
    ----------
    group_cycles
        Of each group: its slowest unit's [groups].
    waiting_unit_cycles
        Of all units, for the slowest.
    """

    group_cycles: Cycles
    waiting_unit_cycles: int

    @property
    def cycles(self) -> int:
        """All groups."""
        return int(self.group_cycles.sum())


def run_groups(work: Cycles) -> BarrierRun:
    """Return T = sum over groups of the slowest unit's work.

    Parameters
    ----------
    work
        Cycles of each unit in each group [groups, units].

    Examples
    --------
    >>> import numpy as np
    >>> run = run_groups(np.array([[3, 1], [0, 2]]))
    >>> run.cycles, run.waiting_unit_cycles
    (5, 4)
    """
    slowest = work.max(axis=1, initial=0).astype(np.int64)
    return BarrierRun(slowest, int(slowest.sum()) * work.shape[1] - int(work.sum(dtype=np.int64)))
