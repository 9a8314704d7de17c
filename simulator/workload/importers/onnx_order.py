"""The order of a graph's nodes: each after its producers, whatever order the file has them in."""

import heapq
from collections.abc import Collection, Iterator, Sequence

from onnx import AttributeProto, GraphProto, NodeProto

from simulator.errors import WorkloadError


def read_names(node: NodeProto) -> Iterator[str]:
    """Yield the values a node reads, those its subgraphs take from outside included."""
    yield from (name for name in node.input if name)
    for graph in subgraphs(node):
        own = {name for inner in graph.node for name in inner.output} | {tensor.name for tensor in graph.initializer}
        own |= {info.name for info in graph.input}
        for inner in graph.node:
            yield from (name for name in read_names(inner) if name not in own)
        yield from (info.name for info in graph.output if info.name not in own)


def subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    """Yield the graphs in a node's attributes."""
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g
        elif attribute.type == AttributeProto.GRAPHS:
            yield from attribute.graphs


def ordered_nodes(nodes: Sequence[NodeProto], known: Collection[str], where: str) -> list[NodeProto]:
    """Return the nodes in topological order; ties keep the order of the file.

    Raises
    ------
    WorkloadError
        A value has two producers or none, or the nodes form a cycle.
    """
    producer: dict[str, int] = {}
    for i, node in enumerate(nodes):
        for name in node.output:
            if name and (name in producer or name in known):
                message = f"{where}: value {name!r} is written twice; the file is damaged, export it again"
                raise WorkloadError(message)
            if name:
                producer[name] = i
    waiting, followers = _edges(nodes, producer, known, where)
    ready = [i for i, count in enumerate(waiting) if count == 0]
    order = []
    while ready:
        i = heapq.heappop(ready)
        order.append(nodes[i])
        for follower in followers[i]:
            waiting[follower] -= 1
            if waiting[follower] == 0:
                heapq.heappush(ready, follower)
    if len(order) < len(nodes):
        stuck = next(node for node, count in zip(nodes, waiting, strict=True) if count)
        message = f"{where}: node {stuck.name or stuck.op_type!r} is part of a cycle; a model must be acyclic"
        raise WorkloadError(message)
    return order


def _edges(
    nodes: Sequence[NodeProto], producer: dict[str, int], known: Collection[str], where: str
) -> tuple[list[int], list[list[int]]]:
    waiting = [0] * len(nodes)
    followers: list[list[int]] = [[] for _ in nodes]
    for i, node in enumerate(nodes):
        for name in dict.fromkeys(read_names(node)):
            if name in producer:
                waiting[i] += 1
                followers[producer[name]].append(i)
            elif name not in known:
                message = (
                    f"{where}: node {node.name or node.op_type!r} reads {name!r}, which nothing produces; "
                    "the file is damaged, export it again"
                )
                raise WorkloadError(message)
    return waiting, followers
