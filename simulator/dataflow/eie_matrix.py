"""A weight matrix as EIE's PEs store it: how many entries each column takes, and in which weight rows they lie."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator.archives import read_arrays
from simulator.errors import ArchitectureError, WorkloadError
from simulator.formats.relative_index import entry_counts

Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.integer]

_ENTRIES_LIMIT = 1 << 40
_INT32_LIMIT = 1 << 30
_UINT8_LIMIT = 255
_COUNTS_LIMIT = 1 << 26
"""Half a gigabyte: on a chip of more PEs nearly all would be empty."""


def _cycle_type(latest: int) -> npt.DTypeLike:
    return np.int32 if latest < _INT32_LIMIT else np.int64


def _told_of_wrong_counts(entries: Rows, padding: Rows) -> str:
    column, pe = (int(i) for i in np.argwhere((entries < 0) | (padding < 0) | (padding > entries))[0])
    return (
        f"EIE matrix: column {column} on PE {pe} has {int(entries[column, pe])} entries, {int(padding[column, pe])} of "
        "them padding; counts must not be negative, nor padding exceed the entries it is part of"
    )


@dataclass(frozen=True)
class EieMatrix:
    """Entry counts of one matrix on its PEs; what timing needs of the weights.

    Parameters
    ----------
    entries, padding
        Stored entries, and those of them that are padding [columns, pes]. With a bias, its column is the last.
    inputs
        Activations: as many as columns, or one less with a bias.

    Raises
    ------
    WorkloadError
        The arrays do not fit each other, or hold impossible counts.
    """

    entries: Rows
    padding: Rows
    inputs: int

    def __post_init__(self) -> None:
        if self.entries.ndim != 2 or 0 in self.entries.shape:
            message = f"EIE matrix: entries have shape {list(self.entries.shape)}; give counts [columns, pes]"
            raise WorkloadError(message)
        if self.padding.shape != self.entries.shape:
            message = (
                f"EIE matrix: padding has shape {list(self.padding.shape)} beside entries {list(self.entries.shape)}; "
                "give one count for each"
            )
            raise WorkloadError(message)
        if not self.inputs <= self.entries.shape[0] <= self.inputs + 1:
            message = (
                f"EIE matrix: {self.entries.shape[0]} columns of entries for {self.inputs} activations; give a column "
                "for each activation, and one more if there is a bias"
            )
            raise WorkloadError(message)
        if int(self.entries.min()) < 0 or int(self.padding.min()) < 0 or bool((self.padding > self.entries).any()):
            raise WorkloadError(_told_of_wrong_counts(self.entries, self.padding))
        if int(self.entries.max()) >= _ENTRIES_LIMIT or float(self.entries.sum(dtype=np.float64)) >= _ENTRIES_LIMIT:
            message = f"EIE matrix: {_ENTRIES_LIMIT} entries or more; no memory holds them: check the counts"
            raise WorkloadError(message)

    @property
    def pes(self) -> int:
        """PEs that share the matrix."""
        return int(self.entries.shape[1])

    @property
    def has_bias(self) -> bool:
        """Whether the last column is a bias, broadcast behind all activations."""
        return int(self.entries.shape[0]) > self.inputs

    @cached_property
    def work(self) -> Rows:
        """Cycles of each column on each PE [columns, pes]: its entries, or one. As narrow as they allow."""
        return np.maximum(self.narrow_entries, 1)

    @cached_property
    def narrow_entries(self) -> Rows:
        """``entries`` in the narrowest type that holds them: what a run reads again and again stays in its cache."""
        most = int(self.entries.max())
        return self.entries.astype(np.uint8 if most <= _UINT8_LIMIT else _cycle_type(most))

    @cached_property
    def cycle_type(self) -> npt.DTypeLike:
        """An integer type that holds every cycle of a run."""
        latest = int(self.work.max(axis=1).sum(dtype=np.int64)) + 3 * len(self.work)  # PEs in step, a bubble a column
        return _cycle_type(latest)

    @cached_property
    def begins(self) -> Rows:
        """Where each column's entries begin in each PE's weight memory [columns, pes]."""
        ends = np.cumsum(self.entries, axis=0, dtype=_cycle_type(int(self.entries.sum(axis=0).max())))
        return np.asarray(ends - self.narrow_entries, dtype=ends.dtype)

    @cached_property
    def column_totals(self) -> Counts:
        """Cycles taken and padding entries of each column over all PEs [2, columns]."""
        return np.stack((self.work.sum(axis=1, dtype=np.int64), self.padding.sum(axis=1)))


def store_matrix(mask: npt.ArrayLike, pes: int, *, index_bits: int = 4, bias: npt.ArrayLike | None = None) -> EieMatrix:
    """Deal the rows of a weight mask out to ``pes`` PEs.

    Parameters
    ----------
    mask
        Non-zero weights [outputs, inputs]: booleans, or integer codes.
    pes
        PEs that share the rows.
    index_bits
        Width of the zero run of an entry.
    bias
        Non-zero biases [outputs], stored as one more column.

    Raises
    ------
    WorkloadError, ArchitectureError
        Mask or bias have the wrong shape or type, or a width or count makes no sense.

    Examples
    --------
    >>> import numpy as np
    >>> store_matrix(np.eye(4, dtype=bool), 2).entries.tolist()
    [[1, 0], [0, 1], [1, 0], [0, 1]]
    """
    columns = np.shape(mask)[-1] if np.ndim(mask) else 0
    if columns * pes > _COUNTS_LIMIT:
        message = f"EIE: pes = {pes} PEs and {columns} columns take {columns * pes} counts of entries; give fewer PEs"
        raise ArchitectureError(message)
    entries, padding = entry_counts(mask, pes, index_bits=index_bits)
    inputs = entries.shape[0]
    if bias is not None:
        outputs = np.shape(mask)[0]
        if np.shape(bias) != (outputs,):
            message = f"bias: has shape {list(np.shape(bias))}; give one value for each of the {outputs} outputs"
            raise WorkloadError(message)
        bias_entries, bias_padding = entry_counts(np.reshape(bias, (outputs, 1)), pes, index_bits=index_bits)
        entries, padding = np.vstack((entries, bias_entries)), np.vstack((padding, bias_padding))
    return EieMatrix(entries, padding, inputs)


def broadcast_mask(activations: npt.ArrayLike, inputs: int) -> Mask:
    """Return which activations are broadcast [inputs]: those above zero, or those a boolean mask names.

    Raises
    ------
    WorkloadError
        There are not ``inputs`` of them, or they are no finite numbers.
    """
    values = np.asarray(activations)
    if values.shape != (inputs,):
        message = f"activations: have shape {list(values.shape)}; give {inputs}, one for each column of weights"
        raise WorkloadError(message)
    if values.dtype != np.bool_ and not np.issubdtype(values.dtype, np.number):
        message = f"activations: hold {values.dtype} values; give numbers or booleans"
        raise WorkloadError(message)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        message = "activations: hold NaN or infinity; give finite numbers or booleans"
        raise WorkloadError(message)
    return values if values.dtype == np.bool_ else np.asarray(values > 0)


def load_stored_layer(path: str | Path) -> tuple[EieMatrix, Mask]:
    """Read a layer as the chip holds it from an ``.npz``: entry counts and which activations are not zero.

    The file holds ``entries_per_column_and_pe`` [inputs or inputs + 1, pes] (the extra column is the bias) and
    ``activation_nonzero`` [inputs]; ``padding_per_column_and_pe`` is optional, none where absent.

    Raises
    ------
    WorkloadError
        The file cannot be read, an array is missing, of the wrong type or shape.
    """
    names = ("entries_per_column_and_pe", "activation_nonzero", "padding_per_column_and_pe")
    arrays = read_arrays(Path(path), names)
    for name in names[:2]:
        if name not in arrays:
            message = f"{path}: the array {name!r} is missing; a stored EIE layer has {names[0]} and {names[1]}"
            raise WorkloadError(message)
    for name in (names[0], names[2]):
        if name in arrays and not np.issubdtype(arrays[name].dtype, np.integer):
            message = f"{path}: {name} holds {arrays[name].dtype} values; give whole counts"
            raise WorkloadError(message)
        if name in arrays and arrays[name].size and int(arrays[name].max()) >= _ENTRIES_LIMIT:
            message = (
                f"{path}: {name} holds {int(arrays[name].max())}; no memory holds so many entries: check the counts"
            )
            raise WorkloadError(message)
    nonzero = arrays[names[1]]
    if nonzero.ndim != 1 or nonzero.dtype.kind not in "biuf":
        message = f"{path}: {names[1]} is {nonzero.ndim}-D of {nonzero.dtype}; give one boolean for each activation"
        raise WorkloadError(message)
    entries = arrays[names[0]].astype(np.int64)
    padding = arrays.get(names[2], np.zeros_like(entries)).astype(np.int64)
    try:
        return EieMatrix(entries, padding, nonzero.size), broadcast_mask(nonzero, nonzero.size)
    except WorkloadError as problem:
        message = f"{path}: {problem}"
        raise WorkloadError(message) from None
