"""Widths and lane counts of a network's tensors and layers on one accelerator."""

from math import prod
from typing import NamedTuple, cast

from simulator.arch.description import Accelerator, VectorOperator
from simulator.arch.precision import product_rate, widest_integer_bits
from simulator.errors import ArchitectureError, WorkloadError
from simulator.workload.graph import LayerGraph
from simulator.workload.layers import Layer, Movement, Pool, Tensor


class Multiplier(NamedTuple):
    """How a PE multiplies a layer's operands: fields are those of :class:`simulator.arch.ProductRate`."""

    pack: int
    passes: int
    ifmap_bits: int
    weight_bits: int
    is_float: bool = False
    inner_pack: int = 1
    energy_share: float = 1.0


class Widths:
    """Answers how wide a tensor is stored, how operands are multiplied, and how many lane operations a layer takes."""

    def __init__(self, graph: LayerGraph, accelerator: Accelerator, batch: int) -> None:
        self.graph = graph
        self.accelerator = accelerator
        self.batch = batch
        self.widest = widest_integer_bits(accelerator.precision)

    def bits(self, tensor: Tensor, *, weight: bool = False) -> int:
        """Return the stored width of a tensor [bits]; one without an integer width takes the widest the array has."""
        if tensor.precision.integer_bits is not None or self.accelerator.precision.float_bits is not None:
            return tensor.precision.bits
        return self.widest[1 if weight else 0]

    def is_assumed(self, *tensors: Tensor) -> bool:
        """Say whether any tensor's width is assumed rather than given."""
        if self.accelerator.precision.float_bits is not None:
            return False
        return any(tensor.precision.integer_bits is None for tensor in tensors)

    def parameter_bits(self, tensor: Tensor) -> int:
        """Return the stored bits of a bias or folded scale: accumulator width where no integer width is given."""
        return tensor.elements * (tensor.precision.integer_bits or self.accelerator.array.psum_bits)

    def read_bits(self, tensor: Tensor) -> int:
        """Return the bits that vector or copy work reads of one operand: activations each image, constants once."""
        if tensor.constant:
            return self.parameter_bits(tensor)
        return tensor.elements * self.batch * self.bits(tensor)

    def input_bits(self, layer: Layer) -> int:
        """Return the bits that a vector or copy layer reads: a gather, slice or split what it keeps."""
        tensors = self.graph.tensors
        if not isinstance(layer, Movement):
            return sum(self.read_bits(tensors[name]) for name in dict.fromkeys(layer.inputs))
        if layer.op not in ("gather", "slice", "split"):
            return sum(self.read_bits(tensors[name]) for name in layer.inputs)
        kept = sum(tensors[name].elements for name in layer.outputs) * self.batch
        others = sum(self.read_bits(tensors[name]) for name in layer.inputs[1:])
        return kept * self.bits(tensors[layer.inputs[0]]) + others

    def operations(self, layer: Layer) -> int:
        """Return the vector-lane operations of a layer for the whole batch."""
        tensors = self.graph.tensors
        elements = max(tensors[name].elements for name in (layer.inputs[0], layer.outputs[0]))
        if isinstance(layer, Pool):
            elements = tensors[layer.outputs[0]].elements * prod(layer.kernel)
        return (
            elements
            * self.batch
            * self.accelerator.vector.operations_per_element.get(cast("VectorOperator", layer.op), 1)
        )

    def operand_bits(self, ifmap: Tensor, weight: Tensor) -> tuple[int, int]:
        """Return the stored widths of a product's operands; what a layer made is as wide as it was stored."""
        return self.bits(ifmap), self.bits(weight, weight=weight.constant)

    def multiplier(self, name: str, ifmap: Tensor, weight: Tensor) -> Multiplier:
        """Return how the array multiplies two operands of layer ``name``: as floats where either is one.

        Raises
        ------
        WorkloadError
            An operand is wider than the array's float path.
        ArchitectureError
            The array cannot multiply these widths.
        """
        support, stored = self.accelerator.precision, self.operand_bits(ifmap, weight)
        integers = ifmap.precision.integer_bits is not None and weight.precision.integer_bits is not None
        if support.float_bits is None or integers:
            try:
                return self.multiplier_of(*stored)
            except ArchitectureError as problem:
                message = f"layer {name!r} on {self.accelerator.name}: {problem}"
                raise ArchitectureError(message) from None
        if max(stored) > support.float_bits:
            message = (
                f"layer {name!r}: {max(stored)}-bit operands exceed the array's {support.float_bits}-bit floats; "
                "quantize the model or describe a wider float path (precision.float_bits)"
            )
            raise WorkloadError(message)
        return Multiplier(1, 1, support.float_bits, support.float_bits, is_float=True)

    def multiplier_of(self, ifmap_bits: int, weight_bits: int) -> Multiplier:
        """Return how the array multiplies integers of these widths.

        Raises
        ------
        ArchitectureError
            It cannot.
        """
        rate = product_rate(self.accelerator.precision, ifmap_bits, weight_bits)
        return Multiplier(
            rate.pack, rate.passes, rate.ifmap_bits, rate.weight_bits, False, rate.inner_pack, rate.energy_share
        )
