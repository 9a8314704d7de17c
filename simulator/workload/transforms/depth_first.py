"""Depth-first execution of a chain: its layers run stripe by stripe, so that what lies between them may stay on chip.

A transform of the graph and nothing else: the stripes are layers of their own, and residency (docs/model/residency.md)
keeps their ofmaps where there is room. No row is computed twice. docs/model/depth_first.md draws it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from simulator.errors import WorkloadError, did_you_mean
from simulator.workload.graph import LayerGraph, build_graph
from simulator.workload.layers import Activation, Conv, Elementwise, Layer, Movement, Normalization, Pool, Tensor

ROWS = 2  # the axis of [N, C, rows, columns] that is cut
_CHAIN = re.compile(r"(?P<first>.+?)\.\.(?P<last>.+):(?P<stripes>[0-9]{1,9})")


@dataclass(frozen=True)
class Window:
    """How a layer's output rows see its input rows; a layer of single elements has a window of one."""

    size: int
    outputs: int
    stride: int = 1
    reach: int = 1
    before: int = 0
    after: int = 0

    def end(self, rows: int) -> int:
        """Return how many input rows the first ``rows`` output rows need; all of them, all there are."""
        if rows == self.outputs:
            return self.size
        return min(self.size, max(0, (rows - 1) * self.stride - self.before + self.reach)) if rows else 0

    def span(self, begin: int, end: int) -> tuple[int, int, tuple[int, int]]:
        """Return [first, last) of the input rows that output rows [begin, end) see, and the padding around them."""
        first = max(0, begin * self.stride - self.before)
        below = (end - 1) * self.stride - self.before + self.reach - self.size
        after = self.after if end == self.outputs else max(0, below)
        return first, self.end(end), (max(0, self.before - begin * self.stride), after)


def depth_first(graph: LayerGraph, chains: str) -> LayerGraph:
    """Return ``graph`` with chains of layers cut into stripes that run one after the other, through all layers.

    Parameters
    ----------
    graph : LayerGraph
    chains : str
        ``FIRST..LAST:STRIPES``, several separated by commas: names of layers, and how many stripes of output rows.

    Raises
    ------
    WorkloadError
        A layer is not there, a chain is none, or it cannot be cut so.

    Examples
    --------
    >>> from simulator.workload import load_workload
    >>> cut = depth_first(load_workload("lenet5_int8"), "c1..c3:2")
    >>> [layer.name for layer in cut.mac_layers]
    ['c1@1', 'c3@1', 'c1@2', 'c3@2', 'c5', 'f6', 'output']
    """
    for text in chains.split(","):
        found = _CHAIN.fullmatch(text.strip())
        if found is None:
            message = f"depth-first chain {text.strip()!r}: write FIRST..LAST:STRIPES, for example conv1..conv3:4"
            raise WorkloadError(message)
        chain = _chain(graph, found["first"], found["last"])
        graph = _Cutter(graph, chain, int(found["stripes"])).cut()
    return graph


def _chain(graph: LayerGraph, first: str, last: str) -> tuple[Layer, ...]:
    """Return the layers from ``first`` to ``last``, each the only reader of the one before."""
    by_name = {layer.name: layer for layer in graph.layers}
    for name in (first, last):
        if name not in by_name:
            raise _refusal(graph, f"{first}..{last}", f"no layer {name!r}{did_you_mean(name, by_name)}")
    chain = [by_name[first]]
    while chain[-1].name != last:
        tensor = chain[-1].outputs[0]
        readers = graph.consumers_of.get(tensor, ())
        if len(readers) != 1 or tensor in graph.outputs:
            count = f"{len(readers)} readers" + (" and leaves the network" if tensor in graph.outputs else "")
            fault = f"{chain[-1].name!r} has {count}, so {last!r} does not follow in one chain; end it there"
            raise _refusal(graph, f"{first}..{last}", fault)
        chain.append(graph.layers[readers[0]])
    return tuple(chain)


def _refusal(graph: LayerGraph, chain: str, fault: str) -> WorkloadError:
    return WorkloadError(f"workload {graph.name}, depth-first chain {chain}: {fault}")


class _Cutter:
    """Cuts one chain of a graph."""

    def __init__(self, graph: LayerGraph, chain: Sequence[Layer], stripes: int) -> None:
        self.graph, self.chain, self.stripes = graph, chain, stripes
        self.title = f"{chain[0].name}..{chain[-1].name}:{stripes}"
        self.windows = [self._window(layer) for layer in chain]
        self.tensors: list[Tensor] = []
        self.layers: list[Layer] = []
        self.made: list[list[tuple[int, int, str]]] = [[] for _ in chain]  # [first, last) row and tensor, by layer
        rows = self.windows[-1].outputs
        if not 1 <= stripes <= rows:
            raise self._fault(f"stripes = {stripes}: {chain[-1].name!r} has {rows} output rows; give 1 to {rows}")

    def _fault(self, text: str) -> WorkloadError:
        return _refusal(self.graph, self.title, text)

    def _window(self, layer: Layer) -> Window:
        """Return how the layer sees rows; refuse one that does not work row by row."""
        shapes = [self.graph.tensors[name].shape for name in (layer.inputs[0], layer.outputs[0])]
        moving = [name for name in layer.inputs[1:] if not self.graph.tensors[name].constant]
        plain = isinstance(layer, Activation | Elementwise) or (
            isinstance(layer, Normalization) and layer.function == "batch"
        )
        if moving or any(len(shape) != 4 for shape in shapes) or not (plain or isinstance(layer, Conv | Pool)):
            raise self._fault(
                f"layer {layer.name!r} ({layer.op}) does not work row by row on one feature map; "
                "end the chain before it"
            )
        size, outputs = shapes[0][ROWS], shapes[1][ROWS]
        if isinstance(layer, Conv | Pool):
            kernel = self.graph.tensors[layer.inputs[1]].shape[2] if isinstance(layer, Conv) else layer.kernel[0]
            reach = (kernel - 1) * layer.dilation[0] + 1
            return Window(size, outputs, layer.stride[0], reach, *layer.padding[0])
        return Window(size, outputs)

    def cut(self) -> LayerGraph:
        """Return the graph with the chain's stripes in place of its layers."""
        for stripe, ends in enumerate(self._ends()):
            for i, (begin, end) in enumerate(ends):
                if end > begin:
                    self._add_stripe(i, stripe, (begin, end))
        last = self.chain[-1]
        parts = tuple(name for _, _, name in self.made[-1])
        self._move("concat", f"{last.name}@rows", parts, self.graph.tensors[last.outputs[0]])
        return self._graph()

    def _ends(self) -> Iterator[list[tuple[int, int]]]:
        """Yield, stripe by stripe, the output rows [begin, end) that each layer makes: as late as they are needed."""
        rows = self.windows[-1].outputs
        table = []
        for stripe in range(self.stripes + 1):
            ends = [rows * stripe // self.stripes]
            for window in reversed(self.windows[1:]):
                ends.insert(0, window.end(ends[0]))
            table.append(ends)
        for before, after in pairwise(table):
            yield list(zip(before, after, strict=True))

    def _add_stripe(self, i: int, stripe: int, rows: tuple[int, int]) -> None:
        layer = self.chain[i]
        name = f"{layer.name}@{stripe + 1}"
        first, last, padding = self.windows[i].span(*rows)
        if first >= last:
            raise self._fault(f"stripe {stripe + 1} of {layer.name!r} sees padding only; give fewer stripes")
        change: dict[str, Any] = {"name": name, "inputs": (self._input(i, name, first, last), *layer.inputs[1:])}
        change["outputs"] = (f"{name}.out",)
        if isinstance(layer, Conv | Pool):
            change["padding"] = (padding, *layer.padding[1:])
        self.layers.append(layer.model_copy(update=change))
        self._tensor(f"{name}.out", self.graph.tensors[layer.outputs[0]], rows[1] - rows[0])
        self.made[i].append((*rows, f"{name}.out"))

    def _input(self, i: int, name: str, first: int, last: int) -> str:
        """Return the tensor that holds rows [first, last) of what layer ``i`` of the chain reads."""
        source = self.graph.tensors[self.chain[i].inputs[0]]
        there = self.made[i - 1] if i else [(0, source.shape[ROWS], source.name)]
        parts = []
        for begin, end, tensor in there:
            low, high = max(begin, first), min(end, last)
            if low < high:
                piece = f"{name}.rows{low}"
                whole = (low, high) == (begin, end)
                parts.append(tensor if whole else self._slice(piece, tensor, self._tensor(piece, source, high - low)))
        if len(parts) == 1:
            return parts[0]
        return self._move("concat", f"{name}.rows", tuple(parts), self._tensor(f"{name}.rows", source, last - first))

    def _slice(self, name: str, tensor: str, rows: Tensor) -> str:
        return self._move("slice", name, (tensor,), rows)

    def _move(self, op: str, name: str, inputs: tuple[str, ...], output: Tensor) -> str:
        form = {"name": name, "op": op, "inputs": inputs, "outputs": (output.name,)}
        self.layers.append(Movement.model_validate(form))
        return output.name

    def _tensor(self, name: str, source: Tensor, rows: int) -> Tensor:
        """Add a tensor like ``source`` with so many rows."""
        if source.sparsity.kind not in {"dense", "uniform"}:
            raise self._fault(
                f"tensor {source.name!r} has zeros of kind {source.sparsity.kind!r}, which say nothing of its stripes; "
                "declare a density"
            )
        shape = (*source.shape[:ROWS], rows, *source.shape[ROWS + 1 :])
        self.tensors.append(source.model_copy(update={"name": name, "shape": shape}))
        return self.tensors[-1]

    def _graph(self) -> LayerGraph:
        graph = self.graph
        names = {layer.name for layer in self.chain}
        inner = {layer.outputs[0] for layer in self.chain[:-1]}
        place = next(i for i, layer in enumerate(graph.layers) if layer.name in names)
        rest = [layer for layer in graph.layers if layer.name not in names]
        cut = build_graph(
            graph.name,
            [tensor for tensor in graph.tensors.values() if tensor.name not in inner] + self.tensors,
            [*rest[:place], *self.layers, *rest[place:]],
            graph.inputs,
            graph.outputs,
            provenance=graph.provenance,
            import_table=graph.import_table,
        )
        return replace(cut, folder=graph.folder)
