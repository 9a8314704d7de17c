"""Steps that were planned layer by layer over several cores, put in order core by core."""

import numpy as np
import numpy.typing as npt

from simulator.records import NONE, Table

Numbers = npt.NDArray[np.int64]


def step_places(cores: Numbers) -> tuple[Numbers, Numbers]:
    """Return the order that brings steps together core by core, and the new number of each old one.

    Parameters
    ----------
    cores : int64 array [steps]
        Of each step, in program order.

    Returns
    -------
    order : int64 array [steps]
        Old numbers in the new order.
    place : int64 array [steps + 1]
        New numbers by old ones; its last entry keeps NONE as it is.

    Examples
    --------
    >>> order, place = step_places(np.array([0, 1, 0]))
    >>> order.tolist(), place[[0, 1, 2, NONE]].tolist()
    ([0, 2, 1], [0, 2, 1, -1])
    """
    order = np.argsort(cores, kind="stable")
    place = np.full(len(cores) + 1, NONE, np.int64)
    place[order] = np.arange(len(cores))
    return order, place


def first_places(cores: Numbers, spans: Table, number: int) -> Numbers:
    """Return the new number of each span's first step, of ``number`` cores; ``cores`` [steps] in program order.

    A span without steps stands where its core's next step does.
    """
    first = np.zeros(len(spans), np.int64)
    before = 0
    for core in range(number):
        mine = spans["core"] == core
        count = np.concatenate([[0], np.cumsum(cores == core)])
        first[mine] = before + count[spans["first_step"][mine]]
        before += int(count[-1])
    return first
