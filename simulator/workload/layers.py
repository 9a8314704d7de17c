"""Layers and tensors of a network, as frozen descriptions. Knows operators; knows no hardware and no timing.

Tensor shapes follow ONNX: activations ``[N, C, spatial...]``, convolution weights ``[K, C/G, kernel...]`` (transposed
convolution ``[C, K/G, kernel...]``), matrices ``[..., rows, inner] x [..., inner, cols]``. A padding is a pair
``[begin, end]`` for each spatial axis.
"""

from math import prod
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from simulator.units import bits_to_bytes
from simulator.workload.precision import FLOAT32, Precision
from simulator.workload.sparsity import Dense, Sparsity, check_axes

MAX_DIMENSION = 2**31 - 1
MAX_RANK = 16
MAX_COUNT = 2**62  # a sum of two counts still fits 64-bit counters

Dimension = Annotated[int, Field(ge=1, le=MAX_DIMENSION)]
Name = Annotated[str, Field(min_length=1, max_length=1024)]
Step = Annotated[int, Field(ge=1, le=MAX_DIMENSION)]
Pad = Annotated[int, Field(ge=0, le=MAX_DIMENSION)]


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tensor(_Described):
    """A named array that layers read and write.

    Parameters
    ----------
    name : str
        Unique in its graph.
    shape : tuple of int
        Elements along each axis, each at least 1. A scalar has the empty shape.
    precision : Precision
        Bits, sign and granularity; float32 where the file says nothing.
    constant : bool
        True for weights and other parameters: read from DRAM, never written.
    sparsity : Sparsity
        Dense unless said.

    Examples
    --------
    >>> Tensor(name="w", shape=(64, 3, 7, 7), precision=Precision(bits=4), constant=True).size_bytes
    4704
    """

    name: Name
    shape: Annotated[tuple[Dimension, ...], Field(max_length=MAX_RANK)]
    precision: Precision = FLOAT32
    constant: bool = False
    sparsity: Sparsity = Dense(kind="dense")

    @model_validator(mode="after")
    def _sparsity_fits_shape(self) -> Self:
        check_axes(self.sparsity, self.shape)
        return self

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Packed size without metadata [bytes]."""
        return bits_to_bytes(self.elements * self.precision.bits)


class _Layer(_Described):
    name: Name
    inputs: tuple[Name, ...]
    outputs: Annotated[tuple[Name, ...], Field(min_length=1)]


class Conv(_Layer):
    """Convolution over 1, 2 or 3 spatial axes: grouped, depthwise (groups = C), strided, dilated."""

    op: Literal["conv1d", "conv2d", "conv3d"]
    stride: tuple[Step, ...]
    dilation: tuple[Step, ...]
    padding: tuple[tuple[Pad, Pad], ...]
    groups: Step = 1


class ConvTranspose(_Layer):
    """Transposed convolution: every input element scatters ``kernel`` products into the output."""

    op: Literal["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]
    stride: tuple[Step, ...]
    dilation: tuple[Step, ...]
    padding: tuple[tuple[Pad, Pad], ...]
    output_padding: tuple[Pad, ...]
    groups: Step = 1


class Gemm(_Layer):
    """``[..., inner] x [inner, cols]`` with a constant second operand; leading axes are rows."""

    op: Literal["gemm"]
    transpose_ifmap: bool = False
    transpose_weight: bool = False


class Matmul(_Layer):
    """Batched product of two activations (attention), with broadcasting of the leading axes."""

    op: Literal["matmul"]


class Recurrent(_Layer):
    """LSTM or GRU over ``[time, N, input]``; inputs are ifmap, input weights, recurrent weights."""

    op: Literal["lstm", "gru", "rnn"]
    hidden_size: Step
    directions: Annotated[int, Field(ge=1, le=2)] = 1


class Pool(_Layer):
    """Window maximum or mean; a global pool has a window as large as its input."""

    op: Literal["max_pool", "average_pool"]
    kernel: tuple[Step, ...]
    stride: tuple[Step, ...]
    padding: tuple[tuple[Pad, Pad], ...]
    dilation: tuple[Step, ...]
    ceil_mode: bool = False


class Elementwise(_Layer):
    """Two or more operands, broadcast, one result each (residual additions, gates, scales)."""

    op: Literal["add", "sub", "mul", "div", "minimum", "maximum", "power", "compare", "where"]


class Activation(_Layer):
    """One operand, a function of each element."""

    op: Literal["activation"]
    function: str


class Softmax(_Layer):
    """Exponentials normalised along ``axis``."""

    op: Literal["softmax"]
    axis: int = -1


class Normalization(_Layer):
    """Mean and variance (batch norm: a scale and a shift) applied to each element."""

    op: Literal["normalization"]
    function: Literal["batch", "layer", "group", "instance", "rms", "lrn", "lp"]


class Resize(_Layer):
    """Up- or down-sampling."""

    op: Literal["resize"]
    mode: Literal["nearest", "linear", "cubic"] = "nearest"


class Reduction(_Layer):
    """Sum, mean, maximum... over ``axes``."""

    op: Literal["reduction"]
    function: str
    axes: tuple[int, ...] = ()


class Movement(_Layer):
    """Data is renamed, or moved when ``moves_data``: then it is priced as a copy through DRAM."""

    op: Literal["reshape", "concat", "split", "transpose", "slice", "pad", "gather", "expand"]
    moves_data: bool = False


class Host(_Layer):
    """Work the accelerator leaves to the host: kept and shown, never dropped in silence."""

    op: Literal["host"]
    kind: str
    macs: Annotated[int, Field(ge=0, le=MAX_COUNT)] = 0


Layer = Annotated[
    Conv
    | ConvTranspose
    | Gemm
    | Matmul
    | Recurrent
    | Pool
    | Elementwise
    | Activation
    | Softmax
    | Normalization
    | Resize
    | Reduction
    | Movement
    | Host,
    Field(discriminator="op"),
]
MacLayer = Conv | ConvTranspose | Gemm | Matmul | Recurrent
VectorLayer = Pool | Elementwise | Activation | Softmax | Normalization | Resize | Reduction
MAC_LAYERS = (Conv, ConvTranspose, Gemm, Matmul, Recurrent)
VECTOR_LAYERS = (Pool, Elementwise, Activation, Softmax, Normalization, Resize, Reduction)
