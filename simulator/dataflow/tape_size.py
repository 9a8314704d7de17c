"""How many steps a network takes on the tape: too many are refused, before a search or memory is spent on them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from simulator.errors import MappingError
from simulator.records import MAC_WORK, PSUM, WEIGHT, Table

MAX_STEPS = 4_000_000
"""About 0.5 kB each on the tape: 2 GB."""

Counts = npt.NDArray[np.float64]


def steps_of(works: Table, mappings: Table) -> Counts:
    """Return the steps of each work under its mapping."""
    tiles = np.ones(len(works))
    for name in ("N", "P", "Q", "G", "K", "C"):
        tiles *= -(-works[name] // np.maximum(mappings[name], 1))
    return np.where(works["kind"] == MAC_WORK, tiles * works["sequence_steps"], mappings["chunks"])


def least_steps(works: Table, space: Table) -> Counts:
    """Return what no mapping of each work can go below: a tile's psums, and its weights, fit their buffer."""
    room = space[0].capacity_bits
    extent = {name: works[name].astype(np.float64) for name in ("N", "P", "Q", "G", "K", "C", "R", "S")}
    channels = extent["G"] * extent["K"]
    psum_bits = extent["N"] * extent["P"] * extent["Q"] * channels * works["psum_bits"]
    weight_bits = channels * extent["C"] * extent["R"] * extent["S"] * works["weight_bits"]
    weight_bits = np.where(works["weight_resident"] == 1, 0.0, weight_bits)
    least = np.maximum(psum_bits / room[space[0].home[PSUM]], weight_bits / room[space[0].home[WEIGHT]])
    return np.where(works["kind"] == MAC_WORK, np.ceil(least) * works["sequence_steps"], 0.0)


def refuse_too_many(steps: Counts, names: Sequence[str], batch: int, *, least: bool = False) -> None:
    """Check that a network's steps are few enough to hold.

    Parameters
    ----------
    steps : float64 array
        Of each work.
    names : sequence of str
        The layer of each work.
    batch : int
    least : bool
        The steps are a lower bound, not counted.

    Raises
    ------
    MappingError
        They are more than MAX_STEPS; names the layer with most, and what would help.
    """
    whole = float(steps.sum())
    if whole <= MAX_STEPS:
        return
    worst = int(steps.argmax())
    name = f"layer {names[worst]!r}" if worst < len(names) else f"work {worst}"
    amount = f"at least {whole:,.0f}" if least else f"{whole:,.0f}"
    message = (
        f"at batch {batch} the network takes {amount} tiles, {name} alone {steps[worst]:,.0f}; {MAX_STEPS:,} fit in "
        f"memory: {'lower the batch, ' if batch > 1 else ''}enlarge the buffers (buffers.*.capacity_bytes), or give "
        "coarser tiles where you gave some"
    )
    raise MappingError(message)
