"""Binding a network to an accelerator: which layers run where, which are fused, at which widths, and who feeds whom.

A chain of vector layers behind a multiply-accumulate layer is fused where the vector unit allows it, each tensor in
it has one reader, and a second operand comes from a layer that finished before: then it costs no traffic of its own.
Layers that only rename data cost nothing; those that move it are copies through DRAM; host layers are listed, not
timed.
"""

from dataclasses import dataclass, field
from operator import index as as_index
from typing import SupportsIndex

import numpy as np

from simulator.arch.description import Accelerator
from simulator.dataflow.core_cuts import whole_parts
from simulator.dataflow.fusion import Fusion, follow_chain
from simulator.dataflow.nests import group_packing, loop_fields, reads_rows_in_order
from simulator.dataflow.residency import IFMAP_COLUMN, RESIDUAL_COLUMN, WEIGHT_COLUMN, Read, Residency
from simulator.dataflow.resident_works import Feeds, feed_tables, keep_ofmaps
from simulator.dataflow.widths import Multiplier, Widths
from simulator.errors import WorkloadError
from simulator.records import COPY_WORK, MAC_WORK, VECTOR_WORK, WORK, Table, table
from simulator.workload.graph import LayerGraph
from simulator.workload.layers import (
    MAC_LAYERS,
    VECTOR_LAYERS,
    Host,
    Layer,
    Movement,
    Recurrent,
    Tensor,
)
from simulator.workload.loops import MacLoops

MAX_ELEMENTS = 2**56  # 64 bits each still fit 64-bit counters


@dataclass(frozen=True)
class Row:
    """One line of the results: a layer that is timed, with what was fused into it."""

    name: str
    op: str
    layer: int
    macs: int
    ifmap_bits: int
    weight_bits: int
    precision_assumed: bool
    fused: tuple[str, ...]


@dataclass(frozen=True)
class Untimed:
    """A layer that costs the accelerator nothing, and why; all its products are effectual where no zeros are known."""

    name: str
    op: str
    reason: str
    macs: int = 0
    effectual_macs: int = 0


@dataclass(frozen=True)
class BoundNetwork:
    """A network on an accelerator, ready for the mapper.

    Attributes
    ----------
    works : recarray of WORK
    multipliers : tuple of Multiplier
        How each work's operands are multiplied; meaningless for vector and copy works.
    row_of_work : tuple of int
        The result row of each work (a recurrent layer has two works).
    rows : tuple of Row
    untimed : tuple of Untimed
    producers, producer_spans, aligned, reads : int64 arrays
        As in :class:`simulator.dataflow.plan_tables.PlanInputs`.
    batch : int
    operands : tuple of (str, str, str, str)
        Names of each work's ifmap, weight, ofmap and residual tensors; empty where there is none.
    residency : Residency
        Which ofmaps stay in the buffer, and why the others do not.
    parts : recarray of PART
        Which part of a layer each work is, and on which core (:mod:`simulator.dataflow.core_split`).
    """

    works: Table
    multipliers: tuple[Multiplier, ...]
    row_of_work: tuple[int, ...]
    rows: tuple[Row, ...]
    untimed: tuple[Untimed, ...]
    producers: Table
    producer_spans: Table
    aligned: Table
    reads: Table
    batch: int
    parts: Table
    operands: tuple[tuple[str, str, str, str], ...] = ()
    residency: Residency = field(default_factory=Residency)

    @property
    def cores(self) -> Table:
        """The core that does each work [works]."""
        return np.ascontiguousarray(self.parts["core"])


class Binder:
    """Walks a graph once, in order, and collects works, rows and producers."""

    def __init__(self, graph: LayerGraph, accelerator: Accelerator, batch: int) -> None:
        self.graph = graph
        self.accelerator = accelerator
        self.batch = batch
        self.widths = Widths(graph, accelerator, batch)
        self.works: list[dict[str, int]] = []
        self.multipliers: list[Multiplier] = []
        self.rows: list[Row] = []
        self.row_of_work: list[int] = []
        self.untimed: list[Untimed] = []
        self.feeds: list[Feeds] = []
        self.reads: list[list[Read]] = []
        self.outside: set[str] = set()  # tensors with a part that no work wrote
        self.leaving: set[int] = set()  # works whose ofmaps the host reads
        self.ifmap_tensor: list[str] = []
        self.ofmap_tensor: list[str] = []
        self.operands: list[tuple[str, str, str, str]] = []
        self.source_of: dict[str, tuple[int, ...]] = {}
        self.absorbed: set[int] = set()

    def sources(self, tensor: str) -> tuple[int, ...]:
        """Works whose stores make ``tensor``; empty for network inputs and constants."""
        return self.source_of.get(tensor, ())

    def _is_outside(self, tensor: str) -> bool:
        """Whether some part of ``tensor`` is a network input, a constant, or the host's."""
        return tensor in self.outside or not self.sources(tensor)

    def _read(self, column: int, tensor: str, bits: int) -> Read:
        return Read(column, self.sources(tensor), bits, not self._is_outside(tensor))

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
        """Let a layer that costs nothing pass: its outputs are where its inputs were."""
        sources = tuple(dict.fromkeys(source for name in layer.inputs for source in self.sources(name)))
        on_host = isinstance(layer, Host)
        if on_host:
            self.leaving.update(sources)
        for name in layer.outputs:
            self.source_of[name] = sources
            if on_host or any(self._is_outside(part) for part in layer.inputs):
                self.outside.add(name)
        reason = "runs on the host" if isinstance(layer, Host) else "renames data"
        macs = self.graph.macs_of(layer) * self.batch
        self.untimed.append(Untimed(layer.name, layer.op, reason, macs, macs))

    def _chain(self, index: int, layer: Layer) -> Fusion:
        """Return the chain fused behind ``layer``: none behind a recurrent layer, whose gates are its own."""
        if isinstance(layer, Recurrent):
            return Fusion(tensor=layer.outputs[0])
        fusion = follow_chain(self.widths, index, self.source_of)
        self.absorbed.update(fusion.layers)
        return fusion

    def _bind_mac(self, index: int, layer: Layer) -> None:
        tensors = self.graph.tensors
        fusion = self._chain(index, layer)
        loops = self.graph.loops_of(layer)
        extra = layer.inputs[3:] if isinstance(layer, Recurrent) else layer.inputs[2:]
        fusion.parameter_bits += sum(
            self.widths.parameter_bits(tensors[name]) for name in extra if tensors[name].constant
        )
        first = len(self.works)
        for nest in loops:
            self._add_mac_work(layer, nest, fusion, recurrent_step=nest is not loops[0])
        ifmap, weight = tensors[layer.inputs[0]], tensors[layer.inputs[1]]
        stored = self.widths.operand_bits(ifmap, weight)
        self.rows.append(
            Row(
                name=layer.name,
                op=layer.op,
                layer=index,
                macs=self.graph.macs_of(layer) * self.batch,
                ifmap_bits=stored[0],
                weight_bits=stored[1],
                precision_assumed=self.widths.is_assumed(ifmap, weight, tensors[fusion.tensor]),
                fused=tuple(self.graph.layers[i].name for i in fusion.layers),
            )
        )
        self.row_of_work += [len(self.rows) - 1] * (len(self.works) - first)
        last = (len(self.works) - 1,)
        for name in (fusion.tensor, *layer.outputs):
            self.source_of[name] = last

    def _add_mac_work(self, layer: Layer, nest: MacLoops, fusion: Fusion, *, recurrent_step: bool) -> None:
        tensors = self.graph.tensors
        ifmap, weight, ofmap = tensors[nest.ifmap], tensors[nest.weight], tensors[fusion.tensor]
        ifmap_bits, weight_bits = self.widths.operand_bits(ifmap, weight)
        multiplier = self.widths.multiplier(layer.name, ifmap, weight)
        work = loop_fields(nest, self.batch)
        outputs = work["sequence_steps"] * work["N"] * work["G"] * work["K"] * work["P"] * work["Q"]
        project = isinstance(layer, Recurrent) and not recurrent_step
        work |= {
            "kind": MAC_WORK,
            "ifmap_on_chip": int(recurrent_step),
            "ifmap_bits": ifmap_bits,
            "weight_bits": weight_bits,
            "psum_bits": self.accelerator.array.psum_bits,
            "ofmap_bits": self.widths.bits(ofmap),
            "ofmap_elements": outputs if project else ofmap.elements * self.batch,
            "residual_bits": self._residual_bits(fusion, recurrent_step=recurrent_step, ofmap=ofmap),
            "parameter_bits": 0 if recurrent_step else fusion.parameter_bits,
            "operations": outputs if recurrent_step else fusion.operations,
            "pack": multiplier.pack,
            "inner_pack": multiplier.inner_pack,
            "passes": multiplier.passes,
            "group_packing": group_packing(self.accelerator.array, nest, multiplier),
            "macs": nest.macs * self.batch,
        }
        self.works.append(work)
        self.multipliers.append(multiplier)
        self._feed(self._mac_reads(nest, fusion, recurrent_step=recurrent_step))
        self.ifmap_tensor.append(nest.ifmap if reads_rows_in_order(layer) else "")
        self.ofmap_tensor.append(fusion.tensor)
        second = fusion.tensor if recurrent_step else fusion.residual or ""
        self.operands.append((nest.ifmap, nest.weight, fusion.tensor, second))

    def _mac_reads(self, nest: MacLoops, fusion: Fusion, *, recurrent_step: bool) -> list[Read]:
        """Return what the newest work reads of what other works wrote; its own state is none of it."""
        work, tensors = self.works[-1], self.graph.tensors
        reads = []
        if not recurrent_step:
            reads.append(self._read(IFMAP_COLUMN, nest.ifmap, tensors[nest.ifmap].elements * work["ifmap_bits"]))
        if not nest.weight_is_constant:
            reads.append(self._read(WEIGHT_COLUMN, nest.weight, tensors[nest.weight].elements * work["weight_bits"]))
        if recurrent_step:  # the projection of its inputs
            reads.append(Read(RESIDUAL_COLUMN, (len(self.works) - 2,), self.works[-2]["ofmap_bits"], whole=True))
        elif fusion.residual is not None:
            elements = tensors[fusion.residual].elements
            reads.append(self._read(RESIDUAL_COLUMN, fusion.residual, elements * work["residual_bits"]))
        return reads

    def _feed(self, reads: list[Read]) -> None:
        """Note who feeds the newest work, operand by operand."""
        self.reads.append(reads)
        columns: list[dict[int, None]] = [{}, {}, {}]
        for read in reads:
            columns[read.column].update(dict.fromkeys(read.sources))
        self.feeds.append((tuple(columns[0]), tuple(columns[1]), tuple(columns[2])))

    def _residual_bits(self, fusion: Fusion, *, recurrent_step: bool, ofmap: Tensor) -> int:
        if recurrent_step:  # the projected input of this time step
            return self.widths.bits(ofmap)
        return 0 if fusion.residual is None else self.widths.bits(self.graph.tensors[fusion.residual])

    def _bind_vector(self, index: int, layer: Layer) -> None:
        self._add_plain(index, layer, VECTOR_WORK, self.widths.operations(layer))

    def _bind_copy(self, index: int, layer: Movement) -> None:
        self._add_plain(index, layer, COPY_WORK, 0)

    def _add_plain(self, index: int, layer: Layer, kind: int, operations: int) -> None:
        tensors = self.graph.tensors
        outputs = [tensors[name] for name in layer.outputs]
        work = dict.fromkeys(WORK.names or (), 0)
        work |= {
            "kind": kind,
            "input_bits": self.widths.input_bits(layer),
            "operations": operations,
            "ofmap_bits": self.widths.bits(outputs[0]),
            "ofmap_elements": sum(tensor.elements for tensor in outputs) * self.batch,
        }
        self.works.append(work)
        self.multipliers.append(Multiplier(1, 1, 0, 0))
        names = dict.fromkeys(layer.inputs)
        self._feed([self._read(IFMAP_COLUMN, name, self.widths.read_bits(tensors[name])) for name in names])
        self.ifmap_tensor.append("")
        self.ofmap_tensor.append(layer.outputs[0])
        self.operands.append(("", "", layer.outputs[0], ""))
        width = self.widths.bits(tensors[layer.inputs[0]])
        self.rows.append(
            Row(
                name=layer.name,
                op=layer.op,
                layer=index,
                macs=0,
                ifmap_bits=width,
                weight_bits=0,
                precision_assumed=self.widths.is_assumed(*(tensors[name] for name in layer.inputs[:1]), *outputs),
                fused=(),
            )
        )
        self.row_of_work.append(len(self.rows) - 1)
        for name in layer.outputs:
            self.source_of[name] = (len(self.works) - 1,)

    def _finish(self) -> BoundNetwork:
        for name in self.graph.outputs:
            self.leaving.update(self.sources(name))
        residency = keep_ofmaps(self.works, self.reads, self.leaving, self.accelerator.buffer_of("ifmap"))
        works = table(WORK, len(self.works))
        for i, work in enumerate(self.works):
            self._check_counts(i, work)
            works[i] = tuple(work[name] for name in WORK.names or ())
        producers, spans, how = feed_tables(self.feeds, self.reads, residency)
        aligned = np.array([self._is_aligned(i) for i in range(len(self.works))], np.int64)
        return BoundNetwork(
            works,
            tuple(self.multipliers),
            tuple(self.row_of_work),
            tuple(self.rows),
            tuple(self.untimed),
            producers,
            spans,
            aligned.reshape(len(self.works)),
            how,
            self.batch,
            whole_parts(works),
            tuple(self.operands),
            residency,
        )

    def _check_counts(self, index: int, work: dict[str, int]) -> None:
        """Refuse work whose bits or operations would not fit the counters."""
        most = max(work["input_bits"], work["operations"], work["ofmap_elements"] * max(1, work["ofmap_bits"]))
        if most > MAX_ELEMENTS * 64:
            name = self.rows[self.row_of_work[index]].name
            message = (
                f"layer {name!r} with batch = {self.batch}: {most} bits or operations do not fit 62 bits; "
                f"{_remedy_of_size(self.batch)}"
            )
            raise WorkloadError(message)

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


def bind(graph: LayerGraph, accelerator: Accelerator, *, batch: SupportsIndex = 1) -> BoundNetwork:
    """Bind ``graph`` to ``accelerator`` for ``batch`` times the images in its shapes.

    Raises
    ------
    WorkloadError
        No layer takes time, the batch is no count, counts overflow 64 bits, or a float operand exceeds the array's
        float path.
    ArchitectureError
        The array cannot multiply the operands' widths.
    """
    images = _checked_batch(batch)
    largest = max((tensor.elements for tensor in graph.tensors.values()), default=0)
    if max(graph.total_macs, largest) * images > MAX_ELEMENTS:
        message = (
            f"batch = {images}: {graph.total_macs} MACs and tensors of {largest} elements an image are more than can "
            f"be counted ({MAX_ELEMENTS}); {_remedy_of_size(images)}"
        )
        raise WorkloadError(message)
    network = Binder(graph, accelerator, images).run()
    if not network.rows:
        message = f"workload {graph.name}: no layer to time; give a network with at least one compute or vector layer"
        raise WorkloadError(message)
    return network


def _remedy_of_size(batch: int) -> str:
    return "give a smaller batch" if batch > 1 else "check the shapes of its tensors"


def _checked_batch(batch: object) -> int:
    """Return the batch as a whole number of at least 1 (numpy integers included)."""
    if isinstance(batch, SupportsIndex) and not isinstance(batch, bool | np.bool_):
        images = as_index(batch)
        if images >= 1:
            return images
    message = f"batch = {batch!r}: give a whole number of at least 1"
    raise WorkloadError(message)
