"""The walk over a model's nodes: each becomes a layer, folds, goes to the host, or is reported as unsupported."""

from collections import ChainMap
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto

from simulator.errors import WorkloadError
from simulator.workload.graph import ImportRow
from simulator.workload.importers.onnx_constants import (
    array_value,
    constant_node,
    empty_value,
    folded_values,
    sparse_value,
    stored_value,
)
from simulator.workload.importers.onnx_inference import check_schema
from simulator.workload.importers.onnx_network import Network
from simulator.workload.importers.onnx_nodes import Node, Outcome, read_attributes
from simulator.workload.importers.onnx_operators import RULES
from simulator.workload.importers.onnx_order import ordered_nodes, read_names, subgraphs
from simulator.workload.importers.onnx_precision import QUANTIZER_RULES, is_code
from simulator.workload.importers.onnx_quantized import plain_form
from simulator.workload.importers.onnx_shapes import infer_results
from simulator.workload.importers.onnx_values import Value

_CHANCE = ("RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli")
_OPEN_SHAPE = dict.fromkeys(
    ("NonZero", "Unique", "NonMaxSuppression", "Compress", "Range", "ConstantOfShape", "StringSplit"),
    "the shape of its result depends on data",
)
_NOT_A_NET = {
    "If": "which branch runs is not known before the network runs",
    "Loop": "the number of turns is not known before the network runs",
    "Scan": "a scan's body is not unrolled",
    "SequenceMap": "sequences have no fixed shape",
}


class Walk:
    """One pass over a model.

    Parameters
    ----------
    model : ModelProto
        With bound inputs and inlined functions.
    path : Path
        Its file: named in errors, and the folder of external data.

    Attributes
    ----------
    network : Network
        What has been imported.
    lost : set of str
        Values that an unsupported node would have yielded, and all that follow from them.
    """

    def __init__(self, model: ModelProto, path: Path) -> None:
        self.where = str(path)
        self.folder = path.parent
        self.opsets = {("" if o.domain == "ai.onnx" else o.domain): o.version for o in model.opset_import}
        self.opset = self.opsets.setdefault("", onnx.defs.onnx_opset_version())
        self.network = Network(self.where, _readers(model.graph))
        self.values: MutableMapping[str, Value] = {}
        self.lost: set[str] = set()

    def enter(self, graph: GraphProto) -> None:
        """Take up a graph's stored tensors and visit its nodes in order."""
        for tensor in graph.initializer:
            self.values[tensor.name] = stored_value(tensor, self.folder, self.where)
        for sparse in graph.sparse_initializer:
            name = sparse.values.name
            self.values[name] = sparse_value(sparse, self.where, name)
        for node in ordered_nodes(graph.node, self.values.keys() | self.lost, self.where):
            self._visit(node)

    def _visit(self, proto: NodeProto) -> None:
        name = self.network.names.take(proto.name or next(filter(None, proto.output), "") or proto.op_type or "node")
        operator = f"{proto.domain}.{proto.op_type}" if proto.domain else proto.op_type
        missing = next((read for read in read_names(proto) if read in self.lost), None)
        if missing is not None:
            outcome = Outcome([], "UNSUPPORTED", f"not reached: {missing!r} comes from an unsupported node")
        else:
            outcome = self._outcome(proto, name)
        row = ImportRow.model_validate(
            {"node": name, "operator": operator, "fate": outcome.fate, "detail": outcome.detail}
        )
        self.network.rows.append(row)
        if outcome.fate == "UNSUPPORTED":
            self.lost.update(filter(None, proto.output))
            return
        for output, value in zip(proto.output, outcome.values, strict=False):
            if output and value is not None:
                self.values[output] = value

    def _outcome(self, proto: NodeProto, name: str) -> Outcome:
        if proto.op_type == "Constant" and not proto.input:
            return Outcome([constant_node(proto, self.folder, self.where)], "folded", "constant")
        if proto.op_type == "If":
            return self._branch(proto)
        if proto.op_type in _NOT_A_NET or any(True for _ in subgraphs(proto)):
            reason = _NOT_A_NET.get(proto.op_type, "a node with subgraphs")
            return Outcome([], "UNSUPPORTED", f"{reason}; unroll it when exporting")
        node = self._node(proto, name)
        if isinstance(node, Outcome):
            return node
        return self._apply(node)

    def _apply(self, node: Node) -> Outcome:
        key = (node.domain, node.op)
        if _is_size(node.domain, node.op):
            return Outcome([_shape_value(node)], "folded", "constant: every shape is known")
        known = node.activations()
        is_constant = bool(known) and all(value.constant for value in known) and node.op not in _CHANCE
        is_quantizer = key in QUANTIZER_RULES or (node.op == "Clip" and bool(known) and is_code(known[0]))
        if is_constant and not is_quantizer:
            return Outcome(folded_values(node), "folded", "constant")
        if node.results and all(shape is not None and 0 in shape for shape, _ in node.results):
            return Outcome([empty_value(node, i) for i in range(len(node.outputs))], "folded", "no elements")
        outcome = RULES[key](node, self.network)
        if node.note:
            outcome = Outcome(outcome.values, outcome.fate, "; ".join(filter(None, (outcome.detail, node.note))))
        return outcome

    def _node(self, proto: NodeProto, name: str) -> Node | Outcome:
        """Return the node in its plain form with inferred results, or the outcome of one that nobody knows."""
        inputs = [self._value(read, name, proto.op_type) if read else None for read in proto.input]
        plain = plain_form(proto, inputs)
        form = proto if plain is None else plain.proto
        operands = inputs if plain is None else plain.inputs
        opset = self.opset if plain is None or plain.opset is None else min(self.opset, plain.opset)
        try:
            has_schema = check_schema(form, {**self.opsets, "": opset})
        except ValueError as problem:
            message = f"{self.where}: node {name!r} is malformed: {problem}; export the model again"
            raise WorkloadError(message) from None
        domain = "" if form.domain == "ai.onnx" else form.domain
        known = [value for value in operands if value is not None]
        is_constant = has_schema and bool(known) and all(value.constant for value in known)
        if (domain, form.op_type) not in RULES and not is_constant and not _is_size(domain, form.op_type):
            reason = _OPEN_SHAPE.get(form.op_type, "the importer has no rule for this operator")
            return Outcome([], "UNSUPPORTED", reason)
        node = Node(
            name=name,
            op=form.op_type,
            domain=domain,
            inputs=list(operands),
            outputs=list(form.output),
            attributes=read_attributes(form),
            results=[],
            where=self.where,
            opset=opset,
            proto=form,
            result_precision=None if plain is None else plain.result_precision,
            note="" if plain is None else f"{proto.op_type} as {form.op_type}",
        )
        node.results = infer_results(node)
        if plain is not None:
            node.results = [(shape, plain.result_type) for shape, _ in node.results]
        return node

    def _value(self, read: str, name: str, operator: str) -> Value:
        found = self.values.get(read)
        if found is None:
            message = (
                f"{self.where}: node {name!r} ({operator}) reads {read!r}, an optional result this importer "
                "does not keep; export the model for inference"
            )
            raise WorkloadError(message)
        return found

    def _branch(self, proto: NodeProto) -> Outcome:
        """Walk the branch of an If whose condition is constant."""
        condition = self.values.get(proto.input[0]) if proto.input else None
        graphs = {attribute.name: attribute.g for attribute in proto.attribute}
        if condition is None or condition.array is None or condition.array.size != 1:
            return Outcome([], "UNSUPPORTED", f"{_NOT_A_NET['If']}; export the branch you want")
        taken = "then_branch" if bool(condition.array.reshape(-1)[0]) else "else_branch"
        graph = graphs.get(taken)
        if graph is None:
            return Outcome([], "UNSUPPORTED", f"has no {taken}")
        outer = self.values
        self.values = ChainMap({}, outer)
        try:
            self.enter(graph)
            lost = any(info.name in self.lost for info in graph.output)
            values = [self.values.get(info.name) for info in graph.output]
        finally:
            self.values = outer
        if lost:
            return Outcome([], "UNSUPPORTED", f"its {taken} has an unsupported node")
        return Outcome(values, "folded", f"the condition is constant: {taken}")


def _is_size(domain: str, operator: str) -> bool:
    return not domain and operator in ("Shape", "Size")


def _shape_value(node: Node) -> Value:
    shape = node.value(0).shape
    if node.op == "Size":
        return array_value(node.outputs[0], np.asarray(node.value(0).elements, dtype=np.int64), TensorProto.INT64)
    start, end = node.integer("start", 0), node.integer("end", len(shape))
    return array_value(node.outputs[0], np.asarray(shape[start:end], dtype=np.int64), TensorProto.INT64)


def _readers(graph: GraphProto) -> Mapping[str, Sequence[NodeProto | None]]:
    readers: dict[str, list[NodeProto | None]] = {}

    def collect(part: GraphProto) -> None:
        for node in part.node:
            for name in node.input:
                readers.setdefault(name, []).append(node)
            for inner in subgraphs(node):
                collect(inner)
        for info in part.output:
            readers.setdefault(info.name, []).append(None)

    collect(graph)
    return readers


def start_values(walk: Walk, inputs: Sequence[Value]) -> list[str]:
    """Register the model's inputs; return the names of their tensors."""
    names = []
    for value in inputs:
        tensor = walk.network.add_tensor(value.tensor, value.shape, value.precision)
        names.append(tensor)
        walk.values[value.tensor] = Value(tensor, value.shape, value.element_type, value.precision)
    return names
