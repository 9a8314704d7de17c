"""Local functions of a model, inlined; refused where they call themselves or would explode.

The ``onnx`` package's own inliner is C++ that trusts the model; this one is for files from strangers.
"""

from collections.abc import Callable, Mapping

from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto

from simulator.errors import WorkloadError

MAX_NODES = 500_000
MAX_DEPTH = 64
Key = tuple[str, str]
Rename = Callable[[str], str]


def inline_functions(model: ModelProto, where: str) -> ModelProto:
    """Return ``model`` with every call of a local function replaced by the function's nodes.

    Raises
    ------
    WorkloadError
        A function calls itself, or the calls multiply beyond ``MAX_NODES`` nodes.
    """
    if not model.functions:
        return model
    table = {(function.domain, function.name): function for function in model.functions}
    sizes: dict[Key, int] = {}
    total = sum(_size((node.domain, node.op_type), table, sizes, (), where) for node in model.graph.node)
    if total > MAX_NODES:
        message = f"{where}: its local functions expand to {total} nodes; inline and simplify the model when exporting"
        raise WorkloadError(message)
    nodes: list[NodeProto] = []
    for i, node in enumerate(model.graph.node):
        _expand(node, table, nodes, f"{node.name or node.op_type}.{i}")
    known = {entry.domain for entry in model.opset_import}
    for function in model.functions:
        for entry in function.opset_import:
            if entry.domain not in known:
                known.add(entry.domain)
                model.opset_import.append(entry)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    del model.functions[:]
    return model


def _size(
    key: Key, table: Mapping[Key, FunctionProto], sizes: dict[Key, int], callers: tuple[Key, ...], where: str
) -> int:
    if key not in table:
        return 1
    if key in callers or len(callers) > MAX_DEPTH:
        message = (
            f"{where}: local function {key[1]!r} calls itself; an exported model has no recursion, export it again"
        )
        raise WorkloadError(message)
    if key not in sizes:
        calls = [(node.domain, node.op_type) for node in table[key].node]
        sizes[key] = 1 + sum(_size(call, table, sizes, (*callers, key), where) for call in calls)
    return sizes[key]


def _expand(node: NodeProto, table: Mapping[Key, FunctionProto], nodes: list[NodeProto], prefix: str) -> None:
    """Append ``node``, or the body of the function it calls with names and attributes bound."""
    function = table.get((node.domain, node.op_type))
    if function is None:
        nodes.append(node)
        return
    names = dict(zip(function.output, node.output, strict=False))
    given = [*node.input, *[""] * (len(function.input) - len(node.input))]
    names.update(zip(function.input, given, strict=False))

    def rename(name: str) -> str:
        return names.get(name, f"{prefix}/{name}") if name else ""

    attributes = {attribute.name: attribute for attribute in (*function.attribute_proto, *node.attribute)}
    for i, inner in enumerate(function.node):
        _expand(_bound(inner, rename, attributes), table, nodes, f"{prefix}/{inner.name or inner.op_type}.{i}")
    _pass_through(function, node, nodes)


def _pass_through(function: FunctionProto, call: NodeProto, nodes: list[NodeProto]) -> None:
    """Alias the call's output where a function returns one of its own inputs."""
    inputs = dict(zip(function.input, call.input, strict=False))
    for formal, actual in zip(function.output, call.output, strict=False):
        if formal in inputs and actual:
            nodes.append(NodeProto(op_type="Identity", input=[inputs[formal]], output=[actual]))


def _bound(node: NodeProto, rename: Rename, attributes: Mapping[str, AttributeProto]) -> NodeProto:
    copy = NodeProto(op_type=node.op_type, domain=node.domain, name=node.name)
    copy.input.extend(rename(name) for name in node.input)
    copy.output.extend(rename(name) for name in node.output)
    for attribute in node.attribute:
        if attribute.ref_attr_name:
            if attribute.ref_attr_name in attributes:
                bound = copy.attribute.add()
                bound.CopyFrom(attributes[attribute.ref_attr_name])
                bound.name = attribute.name
            continue
        bound = copy.attribute.add()
        bound.CopyFrom(attribute)
        for graph in (bound.g, *bound.graphs):
            if graph.node:
                _bind_graph(graph, rename, attributes)
    return copy


def _bind_graph(graph: GraphProto, rename: Rename, attributes: Mapping[str, AttributeProto]) -> None:
    nodes = [_bound(node, rename, attributes) for node in graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    for info in (*graph.input, *graph.output, *graph.initializer):
        info.name = rename(info.name)
