"""Entry counts of a uniformly random matrix on EIE's PEs, drawn from their exact distribution instead of from a mask.

On one PE a column of a matrix of density d is a row of independent coin tosses, so its entries and its padding follow
from how runs of zeros fall. Tossing only their counts is a hundred times less work than making the matrix.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from simulator.dataflow.eie_matrix import EieMatrix
from simulator.units import ceil_div

Floats = npt.NDArray[np.float64]

_GUIDE = 1 << 14


def expected_entries(local_rows: int, density: float, span: int) -> float:
    """Return the mean entries, padding included, of a column of ``local_rows`` on one PE.

    A non-zero at row k brings its i-th padding entry if the ``span`` x i rows before it are zero.

    Examples
    --------
    >>> expected_entries(64, 0.25, 1 << 20), round(expected_entries(64, 0.04, 16), 3)
    (16.0, 3.996)
    """
    padding = sum(
        density * (1 - density) ** (span * i) * (local_rows - span * i) for i in range(1, ceil_div(local_rows, span))
    )
    return local_rows * density + padding


@cache
def column_distribution(local_rows: int, density: float, span: int) -> Floats:
    """Return the probability of each (non-zeros, padding entries) [local_rows + 1, local_rows // span + 1]."""
    most_padding = local_rows // span
    state = np.zeros((local_rows + 1, local_rows + 1, most_padding + 1))  # zeros since the last non-zero, counts
    state[0, 0, 0] = 1.0
    for _ in range(local_rows):
        after = np.zeros_like(state)
        after[1:] = (1 - density) * state[:-1]
        for pads in range(most_padding + 1):
            ending = state[span * pads : span * (pads + 1)].sum(axis=0)
            after[0, 1:, pads:] += density * ending[:-1, : most_padding + 1 - pads]
        state = after
    return np.asarray(state.sum(axis=0))


def _places(ends: Floats, drawn: Floats) -> npt.NDArray[np.int64]:
    """Return ``searchsorted(ends, drawn, "right")``, most of it looked up: the same answer in a quarter of the time."""
    guide = np.searchsorted(ends, np.arange(_GUIDE + 1) / _GUIDE, side="right")
    cells = (drawn * _GUIDE).astype(np.int32)
    places = guide[cells]
    unsure = places != guide[cells + 1]
    places[unsure] = np.searchsorted(ends, drawn[unsure], side="right")
    return places


def sample_columns(
    generator: np.random.Generator, outputs: int, inputs: int, density: float, pes: int, *, index_bits: int = 4
) -> EieMatrix:
    """Draw the entry counts of a random matrix [outputs, inputs] on ``pes`` PEs."""
    span = 1 << index_bits
    entries = np.zeros((inputs, pes), dtype=np.int64)
    padding = np.zeros_like(entries)
    fuller = outputs % pes  # PEs that hold one row more
    for first, end, local_rows in ((0, fuller, outputs // pes + 1), (fuller, pes, outputs // pes)):
        if first < end and local_rows:
            chances = column_distribution(local_rows, density, span)
            drawn = _places(np.cumsum(chances.ravel()), generator.random((inputs, end - first)))
            nonzeros, pads = np.divmod(np.minimum(drawn, chances.size - 1), chances.shape[1])
            entries[:, first:end], padding[:, first:end] = nonzeros + pads, pads
    return EieMatrix(entries, padding, inputs)
