"""The model's inputs: every dimension bound, by the file or by the caller, or an error that says how to bind it."""

from collections.abc import Mapping, Sequence

from onnx import GraphProto, ValueInfoProto

from simulator.errors import WorkloadError, did_you_mean
from simulator.workload.importers.onnx_values import Shape, Value, check_shape, precision_of_type


def bind_inputs(graph: GraphProto, shapes: Mapping[str, Shape], where: str) -> list[Value]:
    """Return the graph's true inputs (initializers left out) with complete shapes.

    Parameters
    ----------
    graph : GraphProto
    shapes : mapping of str to tuple of int
        The caller's shapes; a symbol bound in one input holds in all.

    Raises
    ------
    WorkloadError
        A dimension is unbound or impossible, a shape names no input or contradicts the file.
    """
    stored = {tensor.name for tensor in graph.initializer} | {s.values.name for s in graph.sparse_initializer}
    inputs = [info for info in graph.input if info.name not in stored]
    names = [info.name for info in inputs]
    for name in shapes:
        if name not in names:
            message = (
                f"{where}: --shape {name}: the model has no such input{did_you_mean(name, names)}; "
                f"its inputs are {', '.join(map(repr, names)) or '(none)'}"
            )
            raise WorkloadError(message)
    symbols = _symbols(inputs, shapes, where)
    unbound, values = [], []
    for info in inputs:
        dims = _dims(info, shapes.get(info.name), symbols)
        if dims is None or not all(isinstance(size, int) for size in dims):
            unbound.append((info.name, dims))
            continue
        values.append(_value(info, tuple(int(size) for size in dims), where))
    if unbound:
        raise WorkloadError(_unbound_message(unbound, where))
    return values


def _value(info: ValueInfoProto, shape: Shape, where: str) -> Value:
    kind = info.type.tensor_type.elem_type
    width = precision_of_type(kind)
    if not info.type.HasField("tensor_type") or width is None:
        message = (
            f"{where}: input {info.name!r} is no tensor of numbers (element type {kind}); "
            "export the model without sequence, map or string inputs"
        )
        raise WorkloadError(message)
    return Value(info.name, check_shape(shape, f"{where}: input {info.name!r}"), kind, width)


def _symbols(inputs: Sequence[ValueInfoProto], shapes: Mapping[str, Shape], where: str) -> dict[str, int]:
    """Check the caller's shapes against the file's; return what they bind each symbol to."""
    bound: dict[str, int] = {}
    for info in inputs:
        given = shapes.get(info.name)
        if given is None:
            continue
        check_shape(tuple(given), f"{where}: --shape {info.name}: the input")
        dims = info.type.tensor_type.shape.dim
        if info.type.tensor_type.HasField("shape") and len(dims) != len(given):
            message = f"{where}: --shape {info.name}: {len(given)} dimensions given, the input has {len(dims)}"
            raise WorkloadError(message)
        for dim, size in zip(dims, given, strict=False):
            if dim.dim_value > 0 and dim.dim_value != size:
                message = (
                    f"{where}: --shape {info.name}={_joined(given)}: the model fixes {dim.dim_value} where {size} is "
                    "given; give the model's own size, or export it with that dimension free"
                )
                raise WorkloadError(message)
            if dim.dim_param and bound.setdefault(dim.dim_param, size) != size:
                message = (
                    f"{where}: --shape {info.name}={_joined(given)}: dimension {dim.dim_param!r} is already bound to "
                    f"{bound[dim.dim_param]}; give it one size in all inputs"
                )
                raise WorkloadError(message)
    return bound


def _dims(info: ValueInfoProto, given: Shape | None, symbols: Mapping[str, int]) -> list[int | str] | None:
    if given is not None:
        return list(given)
    if not info.type.HasField("tensor_type"):
        return [1]
    kind = info.type.tensor_type
    if not kind.HasField("shape"):
        return None
    return [
        dim.dim_value if dim.dim_value > 0 else symbols.get(dim.dim_param, dim.dim_param or f"({dim.dim_value or '?'})")
        for dim in kind.shape.dim
    ]


def _unbound_message(unbound: Sequence[tuple[str, list[int | str] | None]], where: str) -> str:
    parts = []
    for name, dims in unbound:
        if dims is None:
            parts.append(f"input {name!r} has no shape; give --shape {name}=d0,d1,...")
            continue
        free = ", ".join(repr(size) for size in dims if not isinstance(size, int))
        # the first one left open is the batch, nearly always; `--batch` multiplies it
        wanted = ",".join(str(size) if isinstance(size, int) else f"d{i}" if i else "1" for i, size in enumerate(dims))
        parts.append(f"input {name!r} has unbound dimensions {free} in [{_joined(dims)}]; give --shape {name}={wanted}")
    return (
        "\n".join(f"{where}: {part}" for part in parts) + "\n(--shape NAME=d0,d1,... binds every dimension of an input)"
    )


def _joined(sizes: Sequence[int | str]) -> str:
    return ",".join(map(str, sizes))
