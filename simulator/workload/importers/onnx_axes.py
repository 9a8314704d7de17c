"""What decides a shape: whole numbers from constant inputs or attributes, and axes counted from the front."""

from collections.abc import Sequence

from simulator.workload.importers.onnx_nodes import Node
from simulator.workload.importers.onnx_values import Value


def constant_integers(node: Node, index: int, attribute: str = "") -> list[int] | None:
    """Return the whole numbers of a constant input, or of the attribute older operator sets have in its place.

    None where neither is given; a WorkloadError where the input is given but not known.
    """
    value = node.optional(index)
    if value is None:
        found = node.integers(attribute) if attribute else None
        return None if found is None else list(found)
    numbers = value.integers()
    if numbers is None:
        raise node.fault(
            f"input {index} ({value.tensor!r}) decides the shape but is no known constant",
            "export with fixed shapes, run a simplifier on the model, or keep its data file beside it",
        )
    return numbers


def normal_axes(axes: Sequence[int], rank: int) -> list[int]:
    """Return axes counted from the front; one that does not exist is a ValueError.

    Examples
    --------
    >>> normal_axes([-1, 0], 3)
    [2, 0]
    """
    wrong = [axis for axis in axes if not -rank <= axis < rank]
    if wrong:
        message = f"axis {wrong[0]} does not exist among {rank}"
        raise ValueError(message)
    return [axis % rank for axis in axes]


def reduced_axes(node: Node) -> list[int]:
    """Return the axes a reduction sums over: none where it is told to do nothing."""
    rank = len(node.value(0).shape)
    if node.op.startswith("Arg"):
        return normal_axes([node.integer("axis", 0)], rank)
    axes = constant_integers(node, 1, "axes")
    if not axes:
        return [] if node.integer("noop_with_empty_axes", 0) else list(range(rank))
    return normal_axes(axes, rank)


def constant_numbers(value: Value | None) -> list[float] | None:
    """Return the numbers of a constant, None where it is absent or empty; one that is not known is a ValueError."""
    if value is None or value.elements == 0:
        return None
    if value.array is None or value.array.dtype.kind not in "biuf":
        message = f"{value.tensor!r} decides the shape but is no known constant"
        raise ValueError(message)
    return [float(number) for number in value.array.reshape(-1)]
