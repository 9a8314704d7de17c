"""Binding a network to an accelerator: which layers run where, which are fused, at which widths, and who feeds whom.

A chain of vector layers behind a multiply-accumulate layer is fused where the vector unit allows it, each tensor in it has one
reader, and a second operand comes from a layer that finished before: then it costs no traffic of its own. Layers that only
rename data cost nothing; those that move it are copies through DRAM; host layers are listed, not timed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np

from simulator.arch.description import Accelerator
from simulator.arch.precision import product_rate, widest_integer_bits
from simulator.errors import WorkloadError
from simulator.records import COPY_WORK, MAC_WORK, VECTOR_WORK, WORK, Table, table
from simulator.workload.graph import LayerGraph
from simulator.workload.layers import (
    MAC_LAYERS,
    VECTOR_LAYERS,
    Activation,
    Elementwise,
    Host,
    Layer,
    Movement,
    Normalization,
    Pool,
    Recurrent,
    Tensor,
)
from simulator.workload.loops import MacLoops

MAX_PRODUCTS = 2**62


@dataclass(frozen=True)
class Row:
    """One line of the results: a layer that is timed, with what was fused into it."""

    name: str
    op: str
    layer: int
    macs: int
    ifmap_bits: int
    weight_bits: int
    multiplied_bits: tuple[int, int]
    precision_assumed: bool
    fused: tuple[str, ...]


@dataclass(frozen=True)
class Untimed:
    """A layer that costs the accelerator nothing, and why."""

    name: str
    op: str
    reason: str
    macs: int = 0


@dataclass(frozen=True)
class BoundNetwork:
    """A network on an accelerator, ready for the mapper.

    Attributes
    ----------
    works : recarray of WORK
    row_of_work : tuple of int
        The result row of each work (a recurrent layer has two works).
    rows : tuple of Row
    untimed : tuple of Untimed
    producers, producer_spans, aligned : int64 arrays
        As in :class:`simulator.dataflow.plan_tables.PlanInputs`.
    """

    works: Table
    row_of_work: tuple[int, ...]
    rows: tuple[Row, ...]
    untimed: tuple[Untimed, ...]
    producers: Table
    producer_spans: Table
    aligned: Table


@dataclass
class _Fusion:
    """A chain of vector layers behind one multiply-accumulate layer."""

    tensor: str
    names: list[str] = field(default_factory=list)
    operations: int = 0
    residual: str | None = None
    parameter_bits: int = 0


class Binder:
    """Walks a graph once, in order, and collects works, rows and producers."""

    def __init__(self, graph: LayerGraph, accelerator: Accelerator, batch: int) -> None:
        self.graph = graph
        self.accelerator = accelerator
        self.batch = batch
        self.widest = widest_integer_bits(accelerator.precision)
        self.works: list[dict[str, int]] = []
        self.rows: list[Row] = []
        self.row_of_work: list[int] = []
        self.untimed: list[Untimed] = []
        self.feeds: list[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = []
        self.ifmap_tensor: list[str] = []
        self.ofmap_tensor: list[str] = []
        self.source_of: dict[str, tuple[int, ...]] = {}
        self.absorbed: set[int] = set()

    def bits(self, tensor: Tensor, *, weight: bool = False) -> int:
        """Stored width of a tensor on this accelerator [bits]; what has no integer width takes the widest the array has."""
        if tensor.precision.integer_bits is not None or self.accelerator.precision.float_bits is not None:
            return tensor.precision.bits
        return self.widest[1 if weight else 0]

    def is_assumed(self, *tensors: Tensor) -> bool:
        """Whether any tensor's width is assumed rather than given."""
        if self.accelerator.precision.float_bits is not None:
            return False
        return any(tensor.precision.integer_bits is None for tensor in tensors)

    def sources(self, tensor: str) -> tuple[int, ...]:
        """Works whose stores make ``tensor``; empty for network inputs and constants."""
        return self.source_of.get(tensor, ())

    def operations(self, layer: Layer) -> int:
        """Vector-lane operations of a vector layer for the whole batch."""
        tensors = self.graph.tensors
        elements = max(tensors[name].elements for name in (layer.inputs[0], layer.outputs[0]))
        if isinstance(layer, Pool):
            elements = tensors[layer.outputs[0]].elements * prod(layer.kernel)
        return elements * self.batch * self.accelerator.vector.operations_per_element.get(layer.op, 1)

    def run(self) -> BoundNetwork:
        """Bind every layer in order."""
        for index, layer in enumerate(self.graph.layers):
            if index in self.absorbed:
                continue
            if isinstance(layer, MAC_LAYERS):
                self._bind_mac(index, layer)
            elif isinstance(layer, VECTOR_LAYERS):
                self._bind_vector(index, layer)
            elif isinstance(layer, Movement) and layer.moves_data:
                self._bind_copy(index, layer)
            else:
                self._pass_through(layer)
        return self._finish()

    def _pass_through(self, layer: Layer) -> None:
        """A layer that costs nothing: its outputs are where its inputs were."""
        sources = tuple(dict.fromkeys(source for name in layer.inputs for source in self.sources(name)))
        for name in layer.outputs:
            self.source_of[name] = sources
        reason = "runs on the host" if isinstance(layer, Host) else "renames data"
        macs = self.graph.macs_of(layer) * self.batch
        self.untimed.append(Untimed(layer.name, layer.op, reason, macs))

    def _fuse(self, index: int, layer: Layer) -> _Fusion:
        """Follow the chain of fusable vector layers behind ``layer``."""
        fusion = _Fusion(tensor=layer.outputs[0])
        while True:
            readers = self.graph.consumers_of.get(fusion.tensor, ())
            if len(readers) != 1 or fusion.tensor in self.graph.outputs:
                return fusion
            follower = self.graph.layers[readers[0]]
            if not self._absorb(fusion, follower, index):
                return fusion
            self.absorbed.add(readers[0])
            fusion.names.append(follower.name)
            fusion.operations += self.operations(follower)
            fusion.tensor = follower.outputs[0]

    def _absorb(self, fusion: _Fusion, layer: Layer, index: int) -> bool:
        """Take ``layer`` into the chain if the vector unit can do it on the way; remember its second operand."""
        fusable = isinstance(layer, Activation | Elementwise) or (
            isinstance(layer, Normalization) and layer.function == "batch"
        )
        if not fusable or layer.op not in self.accelerator.vector.fused:
            return False
        tensors = self.graph.tensors
        if tensors[layer.outputs[0]].elements != tensors[fusion.tensor].elements:
            return False
        others = [tensors[name] for name in layer.inputs if name != fusion.tensor]
        residuals = [tensor.name for tensor in others if not tensor.constant]
        if residuals and (len(residuals) > 1 or fusion.residual is not None):
            return False
        if residuals and not self._may_be_residual(residuals[0], fusion.tensor, index):
            return False
        fusion.residual = residuals[0] if residuals else fusion.residual
        fusion.parameter_bits += sum(self._parameter_bits(tensor) for tensor in others if tensor.constant)
        return True

    def _may_be_residual(self, name: str, like: str, index: int) -> bool:
        """Whether the second operand has the same size and is finished before layer ``index`` runs."""
        if self.graph.tensors[name].elements != self.graph.tensors[like].elements:
            return False
        producer = self.graph.producer_of.get(name)
        return producer is None or (producer < index and name in self.source_of)

    def _parameter_bits(self, tensor: Tensor) -> int:
        """Stored bits of a bias or folded scale: accumulator width where no integer width is given."""
        bits = tensor.precision.integer_bits or self.accelerator.array.psum_bits
        return tensor.elements * bits

    def _bind_mac(self, index: int, layer: Layer) -> None:
        tensors = self.graph.tensors
        fusion = _Fusion(tensor=layer.outputs[0]) if isinstance(layer, Recurrent) else self._fuse(index, layer)
        loops = self.graph.loops_of(layer)
        extra = layer.inputs[3:] if isinstance(layer, Recurrent) else layer.inputs[2:]
        fusion.parameter_bits += sum(self._parameter_bits(tensors[name]) for name in extra if tensors[name].constant)
        first = len(self.works)
        for nest in loops:
            self._add_mac_work(layer, nest, fusion, recurrent_step=nest is not loops[0])
        ifmap, weight = tensors[layer.inputs[0]], tensors[layer.inputs[1]]
        stored = (self.bits(ifmap), self.bits(weight, weight=True))
        self.rows.append(
            Row(
                name=layer.name,
                op=layer.op,
                layer=index,
                macs=self.graph.macs_of(layer) * self.batch,
                ifmap_bits=stored[0],
                weight_bits=stored[1],
                multiplied_bits=self._multiplied(layer.name, stored)[2],
                precision_assumed=self.is_assumed(ifmap, weight, tensors[fusion.tensor]),
                fused=tuple(fusion.names),
            )
        )
        self.row_of_work += [len(self.rows) - 1] * (len(self.works) - first)
        last = (len(self.works) - 1,)
        for name in (fusion.tensor, *layer.outputs):
            self.source_of[name] = last

    def _multiplied(self, name: str, stored: tuple[int, int]) -> tuple[int, int, tuple[int, int]]:
        """Return (products packed a PE, beats a product, widths multiplied) for stored widths."""
        support = self.accelerator.precision
        if support.float_bits is not None and max(stored) > max(pair.ifmap_bits for pair in support.pairs):
            if max(stored) > support.float_bits:
                message = (
                    f"layer {name!r}: {max(stored)}-bit operands exceed the array's {support.float_bits}-bit floats; "
                    "quantize the model or describe a wider float path (precision.float_bits)"
                )
                raise WorkloadError(message)
            return 1, 1, (support.float_bits, support.float_bits)
        rate = product_rate(support, *stored)
        return rate.pack, rate.passes, (rate.ifmap_bits, rate.weight_bits)

    def _add_mac_work(self, layer: Layer, nest: MacLoops, fusion: _Fusion, *, recurrent_step: bool) -> None:
        tensors = self.graph.tensors
        ifmap, weight, ofmap = tensors[nest.ifmap], tensors[nest.weight], tensors[fusion.tensor]
        ifmap_bits, weight_bits = self.bits(ifmap), self.bits(weight, weight=True)
        pack, passes, _ = self._multiplied(layer.name, (ifmap_bits, weight_bits))
        work = _loop_fields(nest, self.batch)
        outputs = work["sequence_steps"] * work["N"] * work["G"] * work["K"] * work["P"] * work["Q"]
        project = isinstance(layer, Recurrent) and not recurrent_step
        work |= {
            "kind": MAC_WORK,
            "ifmap_on_chip": int(recurrent_step),
            "ifmap_bits": ifmap_bits,
            "weight_bits": weight_bits,
            "psum_bits": self.accelerator.array.psum_bits,
            "ofmap_bits": self.bits(ofmap),
            "ofmap_elements": outputs if project else ofmap.elements * self.batch,
            "residual_bits": self._residual_bits(fusion, recurrent_step=recurrent_step, ofmap=ofmap),
            "parameter_bits": 0 if recurrent_step else fusion.parameter_bits,
            "operations": outputs if recurrent_step else fusion.operations,
            "pack": pack,
            "passes": passes,
            "group_packing": self._group_packing(nest, pack),
            "macs": nest.macs * self.batch,
        }
        residual = () if fusion.residual is None else self.sources(fusion.residual)
        if recurrent_step:
            residual = (len(self.works) - 1,)
        dynamic = self.sources(nest.weight) if not nest.weight_is_constant else ()
        self.works.append(work)
        self.feeds.append((() if recurrent_step else self.sources(nest.ifmap), dynamic, residual))
        self.ifmap_tensor.append(nest.ifmap)
        self.ofmap_tensor.append(fusion.tensor)

    def _residual_bits(self, fusion: _Fusion, *, recurrent_step: bool, ofmap: Tensor) -> int:
        if recurrent_step:  # the projected input of this time step
            return self.bits(ofmap)
        return 0 if fusion.residual is None else self.bits(self.graph.tensors[fusion.residual])

    def _group_packing(self, nest: MacLoops, pack: int) -> int:
        array = self.accelerator.array
        if not array.group_packing or nest.G == 1:
            return 1
        return max(1, min(array.rows // nest.inner, array.columns * pack // nest.K, nest.G))

    def _bind_vector(self, index: int, layer: Layer) -> None:
        tensors = self.graph.tensors
        stored = [self._read_bits(tensors[name]) for name in layer.inputs]
        self._add_plain(index, layer, VECTOR_WORK, sum(stored), self.operations(layer))

    def _read_bits(self, tensor: Tensor) -> int:
        """Bits a vector or copy layer reads of one operand: activations once for each image, constants once."""
        if tensor.constant:
            return self._parameter_bits(tensor)
        return tensor.elements * self.batch * self.bits(tensor)

    def _bind_copy(self, index: int, layer: Movement) -> None:
        tensors = self.graph.tensors
        if layer.op in ("gather", "slice", "split"):  # reads what it keeps
            source = self.bits(tensors[layer.inputs[0]])
            read = sum(tensors[name].elements for name in layer.outputs) * self.batch * source
        else:
            read = sum(self._read_bits(tensors[name]) for name in layer.inputs)
        self._add_plain(index, layer, COPY_WORK, read, 0)

    def _add_plain(self, index: int, layer: Layer, kind: int, read_bits: int, operations: int) -> None:
        tensors = self.graph.tensors
        outputs = [tensors[name] for name in layer.outputs]
        work = dict.fromkeys(WORK.names or (), 0)
        work |= {
            "kind": kind,
            "input_bits": read_bits,
            "operations": operations,
            "ofmap_bits": self.bits(outputs[0]),
            "ofmap_elements": sum(tensor.elements for tensor in outputs) * self.batch,
        }
        feeds = tuple(dict.fromkeys(source for name in layer.inputs for source in self.sources(name)))
        self.works.append(work)
        self.feeds.append((feeds, (), ()))
        self.ifmap_tensor.append("")
        self.ofmap_tensor.append(layer.outputs[0])
        width = self.bits(tensors[layer.inputs[0]])
        self.rows.append(
            Row(
                name=layer.name,
                op=layer.op,
                layer=index,
                macs=0,
                ifmap_bits=width,
                weight_bits=0,
                multiplied_bits=(0, 0),
                precision_assumed=self.is_assumed(*(tensors[name] for name in layer.inputs[:1]), *outputs),
                fused=(),
            )
        )
        self.row_of_work.append(len(self.rows) - 1)
        for name in layer.outputs:
            self.source_of[name] = (len(self.works) - 1,)

    def _finish(self) -> BoundNetwork:
        works = table(WORK, len(self.works))
        for i, work in enumerate(self.works):
            works[i] = tuple(work[name] for name in WORK.names or ())
        producers: list[int] = []
        spans = np.zeros((len(self.works), 3, 2), np.int64)
        for i, operands in enumerate(self.feeds):
            for j, sources in enumerate(operands):
                spans[i, j] = len(producers), len(producers) + len(sources)
                producers += sources
        aligned = np.array([self._is_aligned(i) for i in range(len(self.works))], np.int64)
        return BoundNetwork(
            works,
            tuple(self.row_of_work),
            tuple(self.rows),
            tuple(self.untimed),
            np.array(producers, np.int64),
            spans,
            aligned.reshape(len(self.works)),
        )

    def _is_aligned(self, index: int) -> int:
        """1 where the ifmap is exactly its one producer's ofmap, row for row."""
        sources = self.feeds[index][0]
        work = self.works[index]
        if work["kind"] != MAC_WORK or len(sources) != 1:
            return 0
        source = self.works[sources[0]]
        same = self.ofmap_tensor[sources[0]] == self.ifmap_tensor[index] and source["kind"] == MAC_WORK
        plain = source["N"] * source["P"] * source["Q"] * source["G"] * source["K"] == source["ofmap_elements"]
        shapes = (source["N"], source["P"], source["Q"]) == (work["N"], work["H"], work["W"])
        return int(same and plain and shapes and source["sequence_steps"] == 1)


def _loop_fields(nest: MacLoops, batch: int) -> dict[str, int]:
    """Loop extents of a nest for ``batch`` times its images."""
    work = dict.fromkeys(WORK.names or (), 0)
    work |= {name: getattr(nest, name) for name in ("N", "G", "K", "C", "P", "Q", "R", "S", "H", "W", "sequence_steps")}
    work |= {
        "stride_h": nest.stride[0],
        "stride_w": nest.stride[1],
        "dilation_h": nest.dilation[0],
        "dilation_w": nest.dilation[1],
        "pad_h": nest.padding[0],
        "pad_w": nest.padding[1],
    }
    if not nest.weight_is_constant:
        work["G"] *= batch
    else:
        work["N"] *= batch
    return work


def bind(graph: LayerGraph, accelerator: Accelerator, *, batch: int = 1) -> BoundNetwork:
    """Bind ``graph`` to ``accelerator`` for ``batch`` times the images in its shapes.

    Raises
    ------
    WorkloadError
        The counts overflow 64 bits, or a float operand exceeds the array's float path.
    ArchitectureError
        The array cannot multiply the operands' widths.
    """
    if batch < 1 or graph.total_macs * batch > MAX_PRODUCTS:
        message = f"batch = {batch}: give a batch of at least 1 for which {graph.total_macs} MACs an image fit 62 bits"
        raise WorkloadError(message)
    return Binder(graph, accelerator, batch).run()


def precision_summary(rows: Mapping[str, Row]) -> str:
    """Return the widths of the multiply-accumulate rows as people write them: ``W4A8 x26, W8A8 x28``."""
    counts: dict[str, int] = {}
    for row in rows.values():
        if row.macs:
            key = f"W{row.weight_bits}A{row.ifmap_bits}"
            counts[key] = counts.get(key, 0) + 1
    return ", ".join(f"{key} x{count}" for key, count in sorted(counts.items()))
