"""A network as a directed graph of layers over named tensors: checked, frozen, in one deterministic order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from simulator.errors import WorkloadError, did_you_mean
from simulator.workload.checks import check_counts, check_ends, check_shapes, refuse_doubles, topological_order
from simulator.workload.layers import MAC_LAYERS, Host, Layer, Tensor
from simulator.workload.loops import MacLoops, mac_loops
from simulator.workload.precision import Precision
from simulator.workload.sparsity import Sparsity, check_axes

if TYPE_CHECKING:
    import networkx as nx


class Provenance(BaseModel):
    """Where a workload comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = ""
    licence: str = ""
    sha256: str = ""
    note: str = ""


class ImportRow(BaseModel):
    """What became of one node of an imported model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: str
    operator: str
    fate: Literal["mapped", "folded", "host", "UNSUPPORTED"]
    detail: str = ""


# What a graph derives from layers and shapes alone: another choice of precisions need not derive it again.
_FROM_SHAPES = ("producer_of", "consumers_of", "total_macs", "_loops")


@dataclass(frozen=True)
class LayerGraph:
    """A checked network.

    Build one with :func:`build_graph` (which orders and checks) rather than directly.

    Attributes
    ----------
    name : str
    tensors : mapping of str to Tensor
    layers : tuple of Layer
        In topological order; ties keep the order of the file.
    inputs, outputs : tuple of str
        Tensors that enter from and leave to the outside.
    provenance : Provenance
    import_table : tuple of ImportRow
        Empty unless an importer made the graph.
    folder : Path, optional
        Where the files of masks and values lie that tensors name; None where there are none.
    """

    name: str
    tensors: Mapping[str, Tensor]
    layers: tuple[Layer, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    provenance: Provenance = field(default_factory=Provenance)
    import_table: tuple[ImportRow, ...] = field(default=(), compare=False)
    folder: Path | None = field(default=None, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy by value: a sweep sends graphs to other processes, and a mapping proxy cannot travel."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return _graph_from, (values | {"tensors": dict(self.tensors)},)

    @cached_property
    def producer_of(self) -> Mapping[str, int]:
        """Index of the layer that writes each tensor."""
        return {name: i for i, layer in enumerate(self.layers) for name in layer.outputs}

    @cached_property
    def consumers_of(self) -> Mapping[str, tuple[int, ...]]:
        """Indices of the layers that read each tensor, in order."""
        readers: dict[str, list[int]] = {}
        for i, layer in enumerate(self.layers):
            for name in dict.fromkeys(layer.inputs):
                readers.setdefault(name, []).append(i)
        return {name: tuple(indices) for name, indices in readers.items()}

    def loops_of(self, layer: Layer) -> tuple[MacLoops, ...]:
        """Return the multiply-accumulate nests of ``layer`` (none for vector and movement layers)."""
        known = self._loops.get(id(layer))
        return mac_loops(layer, self.tensors) if known is None else known

    @cached_property
    def _loops(self) -> Mapping[int, tuple[MacLoops, ...]]:
        """Nests by identity of the layer, which lives as long as the graph does."""
        return {id(layer): mac_loops(layer, self.tensors) for layer in self.layers}

    def macs_of(self, layer: Layer) -> int:
        """Multiply-accumulates of one layer, for the batch in the graph's shapes."""
        if isinstance(layer, Host):
            return layer.macs
        return sum(loops.macs for loops in self.loops_of(layer))

    @cached_property
    def total_macs(self) -> int:
        """Multiply-accumulates of the whole network, attention products and host layers included."""
        return sum(self.macs_of(layer) for layer in self.layers)

    @property
    def mac_layers(self) -> tuple[Layer, ...]:
        """Layers that multiply and accumulate, in order: the rows of bit assignments and latency tables."""
        return tuple(layer for layer in self.layers if isinstance(layer, MAC_LAYERS))

    def with_precisions(self, precisions: Mapping[str, Precision]) -> "LayerGraph":
        """Return the same network with other precisions for the named tensors.

        Raises
        ------
        WorkloadError
            A name is not a tensor of this graph.
        """
        self._refuse_unknown(precisions)
        return self._changed("precision", precisions)

    def with_sparsities(self, sparsities: Mapping[str, Sparsity], *, folder: Path | None = None) -> "LayerGraph":
        """Return the same network with other sparsities for the named tensors.

        Parameters
        ----------
        sparsities : mapping of str to Sparsity
            By tensor.
        folder : Path, optional
            Where the files lie that they name; the graph's own where not given.

        Raises
        ------
        WorkloadError
            A name is not a tensor of this graph, or a description does not fit its shape.
        """
        self._refuse_unknown(sparsities)
        for name, sparsity in sparsities.items():
            try:
                check_axes(sparsity, self.tensors[name].shape)
            except ValueError as problem:
                message = f"workload {self.name}: tensor {name!r}: {problem}"
                raise WorkloadError(message) from None
        changed = self._changed("sparsity", sparsities)
        return changed if folder is None else replace(changed, folder=folder)

    def _refuse_unknown(self, names: Iterable[str]) -> None:
        unknown = sorted(set(names) - set(self.tensors))
        if unknown:
            hint = did_you_mean(unknown[0], self.tensors)
            message = f"workload {self.name}: no tensor named {unknown[0]!r}{hint}; see `simulator show {self.name}`"
            raise WorkloadError(message)

    def _changed(self, field_name: str, values: Mapping[str, Any]) -> "LayerGraph":
        tensors = dict(self.tensors)
        for name, value in values.items():
            tensors[name] = tensors[name].model_copy(update={field_name: value})
        changed = replace(self, tensors=MappingProxyType(tensors))
        vars(changed).update({derived: getattr(self, derived) for derived in _FROM_SHAPES})
        return changed

    def to_networkx(self) -> "nx.DiGraph[str]":
        """Return layers as nodes and tensors as edges (attribute ``tensor``)."""
        import networkx as nx  # a tenth of a second to load, and no run needs it

        graph: nx.DiGraph[str] = nx.DiGraph(name=self.name)
        for layer in self.layers:
            graph.add_node(layer.name, op=layer.op)
        for tensor, producer in self.producer_of.items():
            for consumer in self.consumers_of.get(tensor, ()):
                graph.add_edge(self.layers[producer].name, self.layers[consumer].name, tensor=tensor)
        return graph


def _graph_from(values: dict[str, Any]) -> LayerGraph:
    return LayerGraph(**(values | {"tensors": MappingProxyType(values["tensors"])}))


def build_graph(  # noqa: PLR0913 - the parts of a workload file, by name
    name: str,
    tensors: Sequence[Tensor],
    layers: Sequence[Layer],
    inputs: Sequence[str],
    outputs: Sequence[str],
    *,
    provenance: Provenance | None = None,
    import_table: Sequence[ImportRow] = (),
    file: str = "",
) -> LayerGraph:
    """Check a network and put it in topological order.

    Parameters
    ----------
    name : str
        The workload's name.
    tensors : sequence of Tensor
        All of them, or all but outputs whose shape the operator fixes: those are inferred, with the precision of the
        layer's first input.
    layers : sequence of Layer
        In any order.
    inputs, outputs : sequence of str
        Tensor names.
    provenance, import_table, file
        Carried along; ``file`` is named in errors.

    Raises
    ------
    WorkloadError
        A name is doubled or missing, a tensor has two producers or none, the graph has a cycle, or shapes disagree.
    """
    where = file or f"workload {name}"
    for what, names in (
        ("tensor", [tensor.name for tensor in tensors]),
        ("layer", [layer.name for layer in layers]),
        ("network input", list(inputs)),
        ("network output", list(outputs)),
    ):
        refuse_doubles(names, where, what)
    table = {tensor.name: tensor for tensor in tensors}
    ordered = topological_order(layers, table, set(inputs), where)
    for layer in ordered:
        check_shapes(layer, table, where)
    check_ends(table, inputs, outputs, where)
    graph = LayerGraph(
        name=name,
        tensors=MappingProxyType(table),
        layers=tuple(ordered),
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        provenance=provenance or Provenance(),
        import_table=tuple(import_table),
    )
    check_counts(table, graph.total_macs, where)
    return graph
