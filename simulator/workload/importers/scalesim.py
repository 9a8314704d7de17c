"""SCALE-Sim topology files (.csv) as layer graphs.

A topology says nothing of how layers connect, nor how wide numbers are: each row becomes a layer with its own ifmap
(all are inputs of the graph), weights and ofmap (all are outputs), at int8. The tool counts a window that hangs over
the ifmap's end, ``ceil((H - Fh + s) / s)``; here that is padding at the end. A convolution row whose name contains
``DP`` is depthwise and becomes one layer a channel, as in the tool.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from simulator.errors import WorkloadError
from simulator.units import ceil_div
from simulator.workload.graph import ImportRow, LayerGraph, Provenance, build_graph
from simulator.workload.importers.scalesim_rows import TopologyRow, read_topology_rows
from simulator.workload.layers import Conv, Gemm, Layer, Tensor
from simulator.workload.precision import INT8
from simulator.workload.sparsity import Dense, NOfM

MAX_FILE_BYTES = 16 * 1024 * 1024
MAX_LAYERS = 1 << 16
_ASSUMED = (
    "SCALE-Sim topologies carry neither bit widths nor connections: int8 is assumed, "
    "and every layer reads its own network input"
)


def import_scalesim_topology(path: Path) -> LayerGraph:
    """Read a SCALE-Sim topology of convolution or matrix-product rows.

    Parameters
    ----------
    path : Path
        The ``.csv`` file.

    Returns
    -------
    LayerGraph
        One layer a row, in the file's order (a ``DP`` row: one a channel, named ``<name>Channel_<i>``); doubled names
        get a number. Weights of rows with ``N:M`` are :class:`~simulator.workload.sparsity.NOfM`. ``import_table`` has
        a line for each row.

    Raises
    ------
    WorkloadError
        The file cannot be read, or a row cannot: names line, field, value and remedy.
    """
    content = _read(path)
    rows = read_topology_rows(_decode(content, path), str(path))
    _check_layer_count(rows, path)
    tensors: list[Tensor] = []
    layers: list[Layer] = []
    table: list[ImportRow] = []
    names: dict[str, int] = {}
    for row in rows:
        table.append(_table_row(row))
        for name, channels in _expand(row):
            layer, operands = _layer(row, _unique(name or f"line_{row.line}", names), channels)
            layers.append(layer)
            tensors.extend(operands)
    return build_graph(
        path.stem,
        tensors,
        layers,
        [layer.inputs[0] for layer in layers],
        [layer.outputs[0] for layer in layers],
        provenance=Provenance(
            source=f"SCALE-Sim topology {path.name}", sha256=hashlib.sha256(content).hexdigest(), note=_ASSUMED
        ),
        import_table=table,
        file=str(path),
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        message = f"{path}: no such file; give the path of a SCALE-Sim topology .csv"
        raise WorkloadError(message) from None
    except (OSError, ValueError) as problem:
        message = f"{path}: cannot be read ({problem}); give a readable SCALE-Sim topology .csv"
        raise WorkloadError(message) from None
    if len(content) > MAX_FILE_BYTES:
        message = f"{path}: larger than {MAX_FILE_BYTES} bytes; this is no topology"
        raise WorkloadError(message)
    return content


def _decode(content: bytes, path: Path) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    if b"\0" in content:
        message = f"{path}: byte {content.index(0)} is 0: this is no text; export the table as comma-separated text"
        raise WorkloadError(message)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")  # old spreadsheet exports; only names can differ


def _check_layer_count(rows: Sequence[TopologyRow], path: Path) -> None:
    count = 0
    for row in rows:
        count += 0 if row.kind == "title" else row.numbers[4] if _is_depthwise(row) else 1
        if count > MAX_LAYERS:
            message = (
                f"{path}: line {row.line} ({row.name[:60]!r}) brings the topology to {count} layers, more than "
                f"{MAX_LAYERS}; a name with 'DP' makes one layer a channel: rename it, or split the file"
            )
            raise WorkloadError(message)
    if count == 0:
        message = f"{path}: no layer rows; below a header, give name,M,N,K or a convolution's name and 7 numbers a line"
        raise WorkloadError(message)


def _is_depthwise(row: TopologyRow) -> bool:
    return row.kind == "conv" and "DP" in row.name


def _expand(row: TopologyRow) -> Iterator[tuple[str, int]]:
    """Yield name and input channels of each layer that ``row`` stands for."""
    if row.kind == "title":
        return
    if not _is_depthwise(row):
        yield row.name, row.numbers[4] if row.kind == "conv" else 1
        return
    for channel in range(row.numbers[4]):
        yield f"{row.name}Channel_{channel}", 1


def _unique(name: str, taken: dict[str, int]) -> str:
    """Return ``name``, numbered from its second use on; ``taken`` counts the uses of each name."""
    candidate = name
    while candidate in taken:
        taken[name] += 1
        candidate = f"{name}_{taken[name]}"
    taken[candidate] = 1
    return candidate


def _table_row(row: TopologyRow) -> ImportRow:
    if row.kind == "title":
        return ImportRow(node=row.name, operator="title", fate="folded", detail=f"line {row.line}: no numbers, a title")
    detail = f"line {row.line}"
    if _is_depthwise(row):
        detail += f", depthwise: {row.numbers[4]} layers of one channel"
    if row.remark:
        detail += f", not read: {row.remark}"
    operator = "conv2d" if row.kind == "conv" else "gemm"
    return ImportRow(node=row.name, operator=operator, fate="mapped", detail=detail)


def _layer(row: TopologyRow, name: str, channels: int) -> tuple[Layer, tuple[Tensor, Tensor]]:
    if row.kind == "gemm":
        rows, cols, inner = row.numbers
        operands = _operands(row, name, (rows, inner), (inner, cols))
        return Gemm(name=name, op="gemm", **_wires(name)), operands
    height, width, filter_height, filter_width, _, filters, stride = row.numbers
    strides = (stride, row.stride_horizontal)
    layer = Conv(
        name=name,
        op="conv2d",
        stride=strides,
        dilation=(1, 1),
        padding=(_padding(height, filter_height, strides[0]), _padding(width, filter_width, strides[1])),
        **_wires(name),
    )
    shape = (filters, channels, filter_height, filter_width)
    return layer, _operands(row, name, (row.batch, channels, height, width), shape)


def _wires(name: str) -> dict[str, tuple[str, ...]]:
    return {"inputs": (f"{name}.ifmap", f"{name}.weight"), "outputs": (f"{name}.ofmap",)}


def _operands(row: TopologyRow, name: str, ifmap: tuple[int, ...], weight: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    sparsity = NOfM(kind="n_of_m", n=row.n_of_m[0], m=row.n_of_m[1]) if row.n_of_m else Dense(kind="dense")
    return (
        Tensor(name=f"{name}.ifmap", shape=ifmap, precision=INT8),
        Tensor(name=f"{name}.weight", shape=weight, precision=INT8, constant=True, sparsity=sparsity),
    )


def _padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the end padding that lets the last, ragged window in."""
    windows = ceil_div(size - kernel, stride) + 1
    return 0, (windows - 1) * stride + kernel - size
