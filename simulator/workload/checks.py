"""What makes a network sound: one producer a tensor, no cycle, shapes that agree, counts that fit 64 bits.

Each check raises :class:`~simulator.errors.WorkloadError` naming ``where`` (the file), the layer or tensor, and the
remedy.
"""

import heapq
from collections.abc import Mapping, Sequence
from typing import NoReturn

from simulator.errors import WorkloadError, did_you_mean
from simulator.workload.layers import MAX_COUNT, MAX_DIMENSION, Layer, Movement, Reduction, Tensor
from simulator.workload.shapes import check_movement, check_reduction, infer_output_shape


def refuse_doubles(names: Sequence[str], where: str, what: str) -> None:
    """Refuse the first name that occurs twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            message = f"{where}: {what} {name!r} is defined twice; give each {what} its own name"
            raise WorkloadError(message)
        seen.add(name)


def check_ends(table: Mapping[str, Tensor], inputs: Sequence[str], outputs: Sequence[str], where: str) -> None:
    """Check that the network has outputs, that they and its inputs are tensors, and its inputs no constants."""
    if not outputs:
        message = f"{where}: outputs = []: a network without outputs leaves nothing to simulate; name its results there"
        raise WorkloadError(message)
    for what, names in (("input", inputs), ("output", outputs)):
        missing = [name for name in names if name not in table]
        if missing:
            hint = did_you_mean(missing[0], table)
            message = (
                f"{where}: network {what} {missing[0]!r} is not among the tensors{hint}; add it or correct the name"
            )
            raise WorkloadError(message)
    constant = [name for name in inputs if table[name].constant]
    if constant:
        message = f"{where}: network input {constant[0]!r} is marked constant; drop the mark, or take it off the inputs"
        raise WorkloadError(message)


def check_counts(table: Mapping[str, Tensor], total_macs: int, where: str) -> None:
    """Refuse a network whose multiply-accumulates or bits would overflow the 64-bit counters."""
    if total_macs > MAX_COUNT:
        message = f"{where}: {total_macs} multiply-accumulates overflow 64-bit counters; check the tensor shapes"
        raise WorkloadError(message)
    sizes_bits = {name: tensor.elements * tensor.precision.bits for name, tensor in table.items()}
    if sum(sizes_bits.values()) > MAX_COUNT:
        largest = table[max(sizes_bits, key=lambda name: sizes_bits[name])]
        message = (
            f"{where}: the tensors hold {sum(sizes_bits.values())} bits, which overflows 64-bit counters; "
            f"check the largest, {largest.name!r} of shape {list(largest.shape)}"
        )
        raise WorkloadError(message)


def topological_order(
    layers: Sequence[Layer], table: Mapping[str, Tensor], inputs: set[str], where: str
) -> list[Layer]:
    """Return the layers so that producers precede consumers; of those ready, the first in the file goes first."""
    producer = _producers(layers, table, inputs, where)
    needs: list[set[int]] = [set() for _ in layers]
    for i, layer in enumerate(layers):
        for tensor in layer.inputs:
            if tensor in producer:
                needs[i].add(producer[tensor])
            elif tensor not in inputs and not (tensor in table and table[tensor].constant):
                hint = did_you_mean(tensor, {*producer, *inputs} - {tensor})
                message = (
                    f"{where}: layer {layer.name!r} reads {tensor!r}, which nothing produces{hint}; "
                    "list it among the inputs, mark it constant, or add its producer"
                )
                raise WorkloadError(message)
    order = _sorted_by_need(needs)
    if len(order) < len(layers):
        _refuse_cycle(layers, needs, where)
    return [layers[i] for i in order]


def _sorted_by_need(needs: Sequence[set[int]]) -> list[int]:
    """Return indices so that each follows those it needs, the lowest ready one first; those on a cycle are missing."""
    users: list[list[int]] = [[] for _ in needs]
    for i, needed in enumerate(needs):
        for other in needed:
            users[other].append(i)
    missing = [len(needed) for needed in needs]
    ready = [i for i, count in enumerate(missing) if not count]
    order = []
    while ready:
        done = heapq.heappop(ready)
        order.append(done)
        for user in users[done]:
            missing[user] -= 1
            if not missing[user]:
                heapq.heappush(ready, user)
    return order


def _refuse_cycle(layers: Sequence[Layer], needs: Sequence[set[int]], where: str) -> NoReturn:
    import networkx as nx  # a tenth of a second to load, and only a faulty graph asks for it

    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(layers)))
    graph.add_edges_from((other, i) for i, needed in enumerate(needs) for other in needed)
    names = [repr(layers[edge[0]].name) for edge in nx.find_cycle(graph)]
    shown = [*names[:8], "..."] if len(names) > 8 else [*names, names[0]]
    message = f"{where}: layers form a cycle ({' -> '.join(shown)}); break it: a layer graph must be acyclic"
    raise WorkloadError(message)


def _producers(layers: Sequence[Layer], table: Mapping[str, Tensor], inputs: set[str], where: str) -> dict[str, int]:
    producer: dict[str, int] = {}
    for i, layer in enumerate(layers):
        for tensor in layer.outputs:
            if tensor in producer:
                other = f"layer {layers[producer[tensor]].name!r}"
            elif tensor in inputs:
                other = "the outside: it is a network input"
            elif tensor in table and table[tensor].constant:
                other = "nobody: it is marked constant"
            else:
                producer[tensor] = i
                continue
            message = f"{where}: tensor {tensor!r} is written by layer {layer.name!r} and by {other}; rename one"
            raise WorkloadError(message)
    return producer


def check_shapes(layer: Layer, table: dict[str, Tensor], where: str) -> None:
    """Check one layer's operands, and add its first output to ``table`` where the operator fixes the shape."""
    missing = [name for name in layer.inputs if name not in table]
    if missing:
        message = f"{where}: layer {layer.name!r}: tensor {missing[0]!r} has no shape; add it to the tensors"
        raise WorkloadError(message)
    try:
        shape = infer_output_shape(layer, [table[name].shape for name in layer.inputs])
        if shape is not None:
            _set_output_shape(layer, shape, table)
        unknown = [name for name in layer.outputs if name not in table]
        if unknown:
            message = f"tensor {unknown[0]!r} has no shape; add it to the tensors"
            raise ValueError(message)  # noqa: TRY301 - one place adds the layer's name
        if isinstance(layer, Reduction):
            check_reduction(layer, [table[name].shape for name in layer.inputs])
        if isinstance(layer, Movement):
            inputs, outputs = ([table[name].shape for name in names] for names in (layer.inputs, layer.outputs))
            check_movement(layer, inputs, outputs)
    except ValueError as error:
        message = f"{where}: layer {layer.name!r} ({layer.op}): {error}"
        raise WorkloadError(message) from None


def _set_output_shape(layer: Layer, shape: tuple[int, ...], table: dict[str, Tensor]) -> None:
    first = layer.outputs[0]
    if max(shape, default=1) > MAX_DIMENSION:
        message = f"output {first!r} would be {list(shape)}; no axis may exceed {MAX_DIMENSION}, check the operands"
        raise ValueError(message)
    if first not in table:
        table[first] = Tensor(name=first, shape=shape, precision=table[layer.inputs[0]].precision)
    elif tuple(table[first].shape) != shape:
        message = (
            f"output {first!r} is given as {list(table[first].shape)} but its operands make it {list(shape)}; "
            "correct the tensor's shape or the layer"
        )
        raise ValueError(message)
