"""The loop nest of a multiply-accumulate layer: N G K C P Q R S, the form every dataflow takes.

A matrix product is the same nest with ``P`` rows, ``C`` inner and ``K`` columns. Three cases need a word:

* **3-D convolution**: output depth joins ``N`` and kernel depth joins ``C``, so each output slice reads the
  ``depth-of-kernel`` input slices it needs; slices shared by neighbours are read again.
* **Transposed convolution** runs as the product ``[N H W, C] x [C, K R S]`` whose columns are scattered and added into
  the ofmap: ``N C H W K/G R S`` products, none with an inserted zero.
* **Recurrent layers** are two nests: the input projection over all time steps at once, and the recurrent product, which
  runs ``sequence_steps`` times because each step needs the one before.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod

from simulator.workload.layers import Conv, ConvTranspose, Gemm, Layer, Matmul, Recurrent, Tensor


@dataclass(frozen=True, slots=True)
class MacLoops:
    """One loop nest. K and C are per group; P, Q, H, W are per image; ``macs`` counts everything.

    Parameters
    ----------
    N, G, K, C, P, Q, R, S : int
        Batch, groups, output channels and input channels per group, output rows and columns, filter rows and columns.
    stride, dilation : (int, int)
        Vertical and horizontal.
    padding : (int, int)
        Rows above and columns left of the ifmap.
    H, W : int
        Input rows and columns without padding; what a tile may read at most.
    sequence_steps : int
        Times the nest runs one after the other with the same weights.
    ifmap, weight, ofmap : str
        Names of the tensors.
    weight_is_constant : bool
        False where the second operand is an activation (attention): it waits for its producer.

    Examples
    --------
    >>> MacLoops(N=1, G=1, K=1000, C=2048, P=1, Q=1, R=1, S=1).macs
    2048000
    """

    N: int
    G: int
    K: int
    C: int
    P: int
    Q: int
    R: int
    S: int
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    H: int = 0
    W: int = 0
    sequence_steps: int = 1
    ifmap: str = ""
    weight: str = ""
    ofmap: str = ""
    weight_is_constant: bool = field(default=True)

    @property
    def rows(self) -> int:
        """Rows of the matrix product, per group: N P Q."""
        return self.N * self.P * self.Q

    @property
    def inner(self) -> int:
        """Length of one reduction: C R S."""
        return self.C * self.R * self.S

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the whole nest."""
        return self.rows * self.inner * self.K * self.G * self.sequence_steps


def mac_loops(layer: Layer, tensors: Mapping[str, Tensor]) -> tuple[MacLoops, ...]:
    """Return the nests of ``layer``: empty for layers that multiply nothing, two for a recurrent layer.

    Parameters
    ----------
    layer : Layer
        Any layer of a checked graph.
    tensors : mapping of str to Tensor
        The graph's tensors by name.
    """
    rule = _RULES.get(type(layer))
    return () if rule is None else rule(layer, tensors)


def _conv(layer: Layer, tensors: Mapping[str, Tensor]) -> tuple[MacLoops, ...]:
    assert isinstance(layer, Conv)
    ifmap, weight, ofmap = (tensors[layer.inputs[0]], tensors[layer.inputs[1]], tensors[layer.outputs[0]])
    axes = len(layer.stride)
    one_row = (1,) if axes == 1 else ()  # a signal is an image of height 1
    out = (*one_row, *ofmap.shape[2:])
    kernel = (*one_row, *weight.shape[2:])
    source = (*one_row, *ifmap.shape[2:])
    stride = (*one_row, *layer.stride)
    dilation = (*one_row, *layer.dilation)
    padding = (*((0,) if axes == 1 else ()), *(begin for begin, _ in layer.padding))
    depth_out, depth_kernel = (out[0], kernel[0]) if axes == 3 else (1, 1)
    return (
        MacLoops(
            N=ofmap.shape[0] * depth_out,
            G=layer.groups,
            K=weight.shape[0] // layer.groups,
            C=weight.shape[1] * depth_kernel,
            P=out[-2],
            Q=out[-1],
            R=kernel[-2],
            S=kernel[-1],
            stride=(stride[-2], stride[-1]),
            dilation=(dilation[-2], dilation[-1]),
            padding=(padding[-2], padding[-1]),
            H=source[-2],
            W=source[-1],
            ifmap=ifmap.name,
            weight=weight.name,
            ofmap=ofmap.name,
            weight_is_constant=weight.constant,
        ),
    )


def _conv_transpose(layer: Layer, tensors: Mapping[str, Tensor]) -> tuple[MacLoops, ...]:
    assert isinstance(layer, ConvTranspose)
    ifmap, weight, ofmap = (tensors[layer.inputs[0]], tensors[layer.inputs[1]], tensors[layer.outputs[0]])
    rows = prod(ifmap.shape[2:-1])
    return (
        MacLoops(
            N=ifmap.shape[0],
            G=layer.groups,
            K=weight.shape[1] * prod(weight.shape[2:]),
            C=weight.shape[0] // layer.groups,
            P=rows,
            Q=ifmap.shape[-1],
            R=1,
            S=1,
            H=rows,
            W=ifmap.shape[-1],
            ifmap=ifmap.name,
            weight=weight.name,
            ofmap=ofmap.name,
            weight_is_constant=weight.constant,
        ),
    )


def _product(names: tuple[str, str, str], dims: tuple[int, int, int, int], *, constant: bool) -> MacLoops:
    groups, rows, inner, cols = dims
    ifmap, weight, ofmap = names
    return MacLoops(
        N=1,
        G=groups,
        K=cols,
        C=inner,
        P=rows,
        Q=1,
        R=1,
        S=1,
        H=rows,
        W=1,
        ifmap=ifmap,
        weight=weight,
        ofmap=ofmap,
        weight_is_constant=constant,
    )


def _gemm(layer: Layer, tensors: Mapping[str, Tensor]) -> tuple[MacLoops, ...]:
    assert isinstance(layer, Gemm)
    ifmap, weight, ofmap = (tensors[layer.inputs[0]], tensors[layer.inputs[1]], tensors[layer.outputs[0]])
    inner, cols = reversed(weight.shape) if layer.transpose_weight else weight.shape
    names = (ifmap.name, weight.name, ofmap.name)
    return (_product(names, (1, ofmap.elements // cols, inner, cols), constant=weight.constant),)


def _matmul(layer: Layer, tensors: Mapping[str, Tensor]) -> tuple[MacLoops, ...]:
    assert isinstance(layer, Matmul)
    left, right, ofmap = (tensors[layer.inputs[0]], tensors[layer.inputs[1]], tensors[layer.outputs[0]])
    inner = left.shape[-1]
    cols = right.shape[-1] if len(right.shape) > 1 else 1
    batch = ofmap.shape[: len(ofmap.shape) - (len(left.shape) > 1) - (len(right.shape) > 1)]
    own = (1,) * (len(batch) + 2 - len(right.shape)) + right.shape[:-2]
    last = max((i for i, size in enumerate(own[: len(batch)]) if size > 1), default=-1)
    groups = prod(batch[: last + 1])  # further axes share one right operand: they are rows (grouped queries)
    names = (left.name, right.name, ofmap.name)
    return (_product(names, (groups, ofmap.elements // (groups * cols), inner, cols), constant=right.constant),)


def _recurrent(layer: Layer, tensors: Mapping[str, Tensor]) -> tuple[MacLoops, ...]:
    assert isinstance(layer, Recurrent)
    ifmap, weight, recurrent = (tensors[name] for name in layer.inputs[:3])
    time, batch, width = ifmap.shape
    cols = weight.shape[1]
    names = (ifmap.name, weight.name, layer.outputs[0])
    project = _product(names, (layer.directions, time * batch, width, cols), constant=weight.constant)
    step = MacLoops(
        N=1,
        G=layer.directions,
        K=cols,
        C=layer.hidden_size,
        P=batch,
        Q=1,
        R=1,
        S=1,
        H=batch,
        W=1,
        sequence_steps=time,
        ifmap=layer.outputs[0],
        weight=recurrent.name,
        ofmap=layer.outputs[0],
        weight_is_constant=recurrent.constant,
    )
    return (project, step)


_RULES: dict[type, Callable[[Layer, Mapping[str, Tensor]], tuple[MacLoops, ...]]] = {
    Conv: _conv,
    ConvTranspose: _conv_transpose,
    Gemm: _gemm,
    Matmul: _matmul,
    Recurrent: _recurrent,
}
