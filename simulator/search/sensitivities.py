"""What quantizing a layer costs in accuracy: from a file, or from its weights.

Squared rounding error, weighted by a trace.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.documents import read_json
from simulator.errors import WorkloadError

Floats = npt.NDArray[np.float64]
MOST = 1e300  # a perturbation; sums of many must stay finite


def quantization_error(weights: Any, bits: int) -> float:  # noqa: ANN401 - any array of numbers
    """Return the summed squared error of symmetric uniform quantization by output channel (first axis) to ``bits``.

    Raises
    ------
    WorkloadError
        No numbers, or a width outside 1 to 32 bits.

    Examples
    --------
    >>> quantization_error([[1.0, 0.5, -1.0]], 2)
    0.25
    """
    try:
        values = np.asarray(weights, np.float64)
    except (TypeError, ValueError):
        message = "weights that are no array of numbers: give finite numbers, rows of one length"
        raise WorkloadError(message) from None
    if isinstance(bits, bool) or not hasattr(bits, "__index__"):
        message = f"{bits!r} bits: give a whole number, 1 to 32"
        raise WorkloadError(message)
    if not values.size or not np.isfinite(values).all() or not 1 <= bits <= 32:
        message = f"weights of shape {values.shape} at {bits} bits: give finite numbers and 1 to 32 bits"
        raise WorkloadError(message)
    rows = values.reshape(len(values), -1) if values.ndim > 1 else values.reshape(1, -1)
    levels = max(1, 2 ** (bits - 1) - 1)
    scale = np.abs(rows).max(axis=1, keepdims=True) / levels
    scale[scale == 0] = 1.0
    rounded = np.clip(np.round(rows / scale), -levels, levels) * scale
    return float(((rows - rounded) ** 2).sum())


def perturbations(weights: Sequence[Any], bits: Sequence[int], traces: Sequence[float] | None = None) -> Floats:
    """Return the perturbation [L, C] of each layer at each width: trace (mean Hessian trace, or 1) times the error.

    Raises
    ------
    WorkloadError
        As many traces as layers are needed, or weights make no sense.
    """
    if traces is not None and len(traces) != len(weights):
        message = f"{len(traces)} traces for {len(weights)} layers: give one a layer"
        raise WorkloadError(message)
    if traces is not None and not np.isfinite(np.asarray(traces, np.float64)).all():
        message = "traces: give finite numbers, one a layer"
        raise WorkloadError(message)
    factors = np.ones(len(weights)) if traces is None else np.asarray(traces, np.float64)
    errors = np.array([[quantization_error(one, width) for width in bits] for one in weights])
    table: Floats = factors[:, None] * errors.reshape(len(weights), len(bits))
    return table


def read_sensitivities(path: Path, layers: Sequence[str], bits: Sequence[int]) -> Floats:
    """Return the perturbations [L, C] of a JSON file ``{"layer": {"4": 0.3, "8": 0.01}, ...}``.

    Raises
    ------
    WorkloadError
        The file cannot be read, or lacks a layer or a width.
    """
    document = read_json(path, WorkloadError)
    table = np.zeros((len(layers), len(bits)))
    for i, layer in enumerate(layers):
        entry = document.get(layer) if isinstance(document, dict) else None
        for j, width in enumerate(bits):
            value = entry.get(str(width)) if isinstance(entry, Mapping) else None
            if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MOST:
                message = f'{path}: {layer}.{width} = {value!r}: give a number, as {{"{layer}": {{"{width}": 0.1}}}}'
                raise WorkloadError(message)
            table[i, j] = value
    return table
