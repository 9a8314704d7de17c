"""What the importer knows of each ONNX value: shape, type, width, small contents, and the tensor that carries it."""

from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from simulator.errors import WorkloadError
from simulator.workload.layers import MAX_DIMENSION
from simulator.workload.precision import FLOAT32, Precision

Shape = tuple[int, ...]

_WIDTHS: dict[int, Precision] = {
    TensorProto.FLOAT: FLOAT32,
    TensorProto.FLOAT16: Precision(bits=16, kind="float"),
    TensorProto.BFLOAT16: Precision(bits=16, kind="float"),
    TensorProto.DOUBLE: Precision(bits=64, kind="float"),
    TensorProto.INT8: Precision(bits=8),
    TensorProto.INT16: Precision(bits=16),
    TensorProto.INT32: Precision(bits=32),
    TensorProto.INT64: Precision(bits=64),
    TensorProto.UINT8: Precision(bits=8, signed=False),
    TensorProto.UINT16: Precision(bits=16, signed=False),
    TensorProto.UINT32: Precision(bits=32, signed=False),
    TensorProto.UINT64: Precision(bits=64, signed=False),
    TensorProto.BOOL: Precision(bits=8, signed=False),  # ONNX stores a truth value in a byte
}
# Younger element types: absent from older onnx packages, so looked up by name.
_YOUNG = {
    "INT4": Precision(bits=4),
    "UINT4": Precision(bits=4, signed=False),
    "INT2": Precision(bits=2),
    "UINT2": Precision(bits=2, signed=False),
    "FLOAT8E4M3FN": Precision(bits=8, kind="float"),
    "FLOAT8E4M3FNUZ": Precision(bits=8, kind="float"),
    "FLOAT8E5M2": Precision(bits=8, kind="float"),
    "FLOAT8E5M2FNUZ": Precision(bits=8, kind="float"),
    "FLOAT8E8M0": Precision(bits=8, kind="float"),
    "FLOAT6E2M3": Precision(bits=6, kind="float"),
    "FLOAT6E3M2": Precision(bits=6, kind="float"),
    "FLOAT4E2M1": Precision(bits=4, kind="float"),
}
_WIDTHS.update({int(getattr(TensorProto, name)): width for name, width in _YOUNG.items() if hasattr(TensorProto, name)})

NATIVE_TYPES = frozenset(
    (
        TensorProto.FLOAT,
        TensorProto.FLOAT16,
        TensorProto.DOUBLE,
        TensorProto.INT8,
        TensorProto.INT16,
        TensorProto.INT32,
        TensorProto.INT64,
        TensorProto.UINT8,
        TensorProto.UINT16,
        TensorProto.UINT32,
        TensorProto.UINT64,
        TensorProto.BOOL,
    )
)


def precision_of_type(element_type: int) -> Precision | None:
    """Return the width of an ONNX element type, or None for strings, complex numbers and unknown types.

    Examples
    --------
    >>> precision_of_type(TensorProto.UINT8).label
    'uint8'
    """
    return _WIDTHS.get(element_type)


@dataclass(frozen=True)
class Value:
    """One ONNX value.

    Parameters
    ----------
    tensor : str
        The graph tensor that carries it: the same one before and after a QuantizeLinear.
    shape : tuple of int
    element_type : int
        ONNX element type.
    precision : Precision
        What a reader of this value reads.
    array : ndarray, optional
        Contents of a small constant.
    constant : bool
        Known before the network runs: a weight, a shape, a scale.
    quantized : bool
        The precision was stated by a quantizer and not by the element type alone.
    drain_of : str
        The MAC layer whose bare result this is; a bias or a scale that follows folds into it.
    """

    tensor: str
    shape: Shape
    element_type: int
    precision: Precision
    array: NDArray[Any] | None = None
    constant: bool = False
    quantized: bool = False
    drain_of: str = ""

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    def with_precision(self, precision: Precision, element_type: int | None = None) -> "Value":
        """Return the value as a quantizer leaves it: same tensor, other width."""
        kind = self.element_type if element_type is None else element_type
        return replace(self, precision=precision, element_type=kind, quantized=True, drain_of="", array=None)

    def integers(self) -> list[int] | None:
        """Return the contents as whole numbers, or None where they are unknown or not whole."""
        if self.array is None or self.array.dtype.kind not in "biuf":
            return None
        flat = self.array.reshape(-1)
        if flat.dtype.kind == "f" and not (np.isfinite(flat).all() and (flat == np.round(flat)).all()):
            return None
        return [int(number) for number in flat]


def check_shape(shape: Shape, what: str) -> Shape:
    """Return ``shape`` if every dimension is possible, else raise :class:`WorkloadError`."""
    wrong = [size for size in shape if not 1 <= size <= MAX_DIMENSION]
    if wrong or len(shape) > 64:
        message = (
            f"{what} has shape {list(shape[:8])}; every dimension must lie in 1..{MAX_DIMENSION}: "
            "bind the inputs with --shape NAME=d0,d1,... or export the model again"
        )
        raise WorkloadError(message)
    return shape
