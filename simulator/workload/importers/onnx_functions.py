"""Local functions of a model, inlined; refused where they call themselves or would explode."""

from collections import Counter

import onnx.inliner
from onnx import FunctionProto, ModelProto

from simulator.errors import WorkloadError

MAX_NODES = 500_000


def inline_functions(model: ModelProto, where: str) -> ModelProto:
    """Return ``model`` with every call of a local function replaced by the function's nodes.

    Raises
    ------
    WorkloadError
        A function calls itself, the calls multiply beyond ``MAX_NODES`` nodes, or the inliner refuses the model.
    """
    if not model.functions:
        return model
    table = {(function.domain, function.name): function for function in model.functions}
    sizes: dict[tuple[str, str], int] = {}
    total = sum(_size((node.domain, node.op_type), table, sizes, (), where) for node in model.graph.node)
    if total > MAX_NODES:
        message = f"{where}: its local functions expand to {total} nodes; inline and simplify the model when exporting"
        raise WorkloadError(message)
    try:
        return onnx.inliner.inline_local_functions(model)
    except (RuntimeError, ValueError, TypeError, KeyError, IndexError) as problem:
        message = f"{where}: its local functions cannot be inlined ({problem}); inline them when exporting"
        raise WorkloadError(message) from None


def _size(
    key: tuple[str, str],
    table: dict[tuple[str, str], FunctionProto],
    sizes: dict[tuple[str, str], int],
    callers: tuple[tuple[str, str], ...],
    where: str,
) -> int:
    if key not in table:
        return 1
    if key in callers or len(callers) > 64:
        message = (
            f"{where}: local function {key[1]!r} calls itself; an exported model has no recursion, export it again"
        )
        raise WorkloadError(message)
    if key not in sizes:
        calls = Counter((node.domain, node.op_type) for node in table[key].node)
        sizes[key] = sum(times * _size(call, table, sizes, (*callers, key), where) for call, times in calls.items())
    return sizes[key]
