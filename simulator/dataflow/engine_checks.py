"""What every sparse engine asks of its numbers and masks: one message with field, value and remedy."""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from simulator.errors import ArchitectureError, WorkloadError

Mask = npt.NDArray[np.bool_]

_MOST = 1 << 30
_MOST_UNITS = 1 << 16


def check_counts(engine: str, values: Mapping[str, object], least: int = 1) -> None:
    """Refuse anything but whole numbers from ``least`` to 2**30.

    Raises
    ------
    ArchitectureError
        One is no such number.
    """
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST:
            message = f"{engine}: {name} = {value!r}; give a whole number from {least} to {_MOST}"
            raise ArchitectureError(message)


def check_units(engine: str, values: Mapping[str, int]) -> None:
    """Refuse more units side by side than a run can follow one by one: 65,536, the product of ``values``.

    Raises
    ------
    ArchitectureError
        There are more.
    """
    units = math.prod(values.values())
    if units > _MOST_UNITS:
        told = ", ".join(f"{name} = {value}" for name, value in values.items())
        message = f"{engine}: {told}: {units} units are more than the {_MOST_UNITS} that a run follows; give fewer"
        raise ArchitectureError(message)


def check_clock(engine: str, clock_hz: float) -> None:
    """Refuse a clock that is not positive and finite.

    Raises
    ------
    ArchitectureError
        It is not.
    """
    check_rate(engine, "clock_hz", clock_hz, "frequency in Hz")


def check_rate(engine: str, name: str, value: object, what: str) -> None:
    """Refuse a rate that is not positive and finite; ``what`` says it with its unit.

    Raises
    ------
    ArchitectureError
        It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        message = f"{engine}: {name} = {value!r}; give a positive {what}"
        raise ArchitectureError(message)


def read_mask(engine: str, name: str, values: npt.ArrayLike, axes: str) -> Mask:
    """Return where ``values`` are not zero.

    Parameters
    ----------
    axes
        Names of its axes, as in ``"outputs, inputs"``.

    Raises
    ------
    WorkloadError
        It has another number of axes, is empty, or holds no numbers.

    Examples
    --------
    >>> read_mask("engine", "weights", [[1, 0]], "outputs, inputs").tolist()
    [[True, False]]
    """
    array = np.asarray(values)
    if array.ndim != axes.count(",") + 1 or 0 in array.shape or array.dtype.kind not in "biuf":
        message = f"{engine}: {name} are of shape {list(array.shape)} and {array.dtype}; give numbers of [{axes}]"
        raise WorkloadError(message)
    return np.asarray(array != 0)
