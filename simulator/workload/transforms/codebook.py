"""Weight sharing: each weight becomes the index of one of a few values, found by k-means (Han et al., ICLR 2016)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.errors import WorkloadError

Floats = npt.NDArray[np.float64]
_ROUNDS = 300


@dataclass(frozen=True)
class Codebook:
    """``codes`` (in the tensor's shape) index ``values``; code 0 is the value 0 and stands for pruned weights."""

    values: Floats
    codes: npt.NDArray[np.uint8]

    @property
    def index_bits(self) -> int:
        """Width of a code [bits]."""
        return max(1, int(self.values.size - 1).bit_length())

    def decode(self) -> Floats:
        """Return the weights that the codes stand for."""
        return self.values[self.codes]


def quantize_to_codebook(weights: npt.ArrayLike, entries: int = 16) -> Codebook:
    """Share the non-zero weights among ``entries - 1`` values; the first entry is zero (EIE's padding and pruned ones).

    Lloyd's algorithm on the sorted values, started evenly between the least and the largest (the paper's linear
    initialisation, its best), until nothing moves.

    Parameters
    ----------
    weights : array_like
        Real weights of any shape; zeros stay zeros.
    entries : int
        Size of the codebook, 2 to 256: EIE has 16.

    Raises
    ------
    WorkloadError
        The weights are no finite numbers, or the codebook's size makes no sense.

    Examples
    --------
    >>> book = quantize_to_codebook([0.0, 1.0, 1.1, -2.0, 0.0], entries=3)
    >>> book.codes.tolist(), book.values.tolist(), book.index_bits
    ([0, 2, 2, 1, 0], [0.0, -2.0, 1.05], 2)
    """
    if not 2 <= entries <= 256:
        message = f"codebook of {entries} entries: give 2 to 256 (EIE has 16)"
        raise WorkloadError(message)
    array = np.asarray(weights)
    if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
        message = f"codebook: weights hold {array.dtype} values that are not finite numbers; give real weights"
        raise WorkloadError(message)
    flat = array.astype(np.float64).reshape(-1)
    kept = flat != 0
    centres = _k_means(np.sort(flat[kept]), entries - 1)
    codes = np.zeros(flat.size, dtype=np.uint8)
    if centres.size:
        codes[kept] = 1 + np.searchsorted((centres[1:] + centres[:-1]) / 2, flat[kept])
    return Codebook(np.concatenate(([0.0], centres)), codes.reshape(array.shape))


def _k_means(ordered: Floats, centres: int) -> Floats:
    """Return at most ``centres`` cluster means of sorted values; a cluster that empties is dropped."""
    if ordered.size == 0:
        return ordered
    sums = np.concatenate(([0.0], np.cumsum(ordered)))
    means = np.unique(np.linspace(ordered[0], ordered[-1], centres))
    for _ in range(_ROUNDS):
        cuts = np.concatenate(([0], np.searchsorted(ordered, (means[1:] + means[:-1]) / 2), [ordered.size]))
        filled = np.diff(cuts) > 0
        firsts, ends = cuts[:-1][filled], cuts[1:][filled]
        moved = (sums[ends] - sums[firsts]) / (ends - firsts)
        if moved.size == means.size and np.allclose(moved, means, rtol=1e-12, atol=0):
            break
        means = moved
    return means
