"""ONNX models as layer graphs: float, QDQ, Q-Clip-DQ, QOperator, dynamic quantization, ONNX Runtime's and QONNX's.

The way of a model: read and check the file (``onnx_files``), bind the inputs (``onnx_inputs``), walk the nodes
(``onnx_walk``: shapes and constants by ``onnx_inference``, one rule for each operator in ``onnx_operators``), then give
each tensor its width (``onnx_settle``). Weight values are not kept: a workload is shapes and bits.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.errors import WorkloadError
from simulator.workload.graph import ImportRow, LayerGraph, Provenance, build_graph

if TYPE_CHECKING:
    from simulator.workload.importers.onnx_walk import Walk

Shape = tuple[int, ...]
_LISTED = 12


class UnsupportedModelError(WorkloadError):
    """A model holds nodes the importer cannot map.

    Attributes
    ----------
    import_table : tuple of ImportRow
        Every node's fate, the unsupported ones included.
    """

    def __init__(self, message: str, import_table: Sequence[ImportRow]) -> None:
        super().__init__(message)
        self.import_table = tuple(import_table)


def import_onnx(path: Path, *, shapes: Mapping[str, Shape] | None = None) -> LayerGraph:
    """Return the network in an ONNX file.

    Parameters
    ----------
    path : Path
        The ``.onnx`` file; external data is looked for in its folder only.
    shapes : mapping of str to tuple of int, optional
        Shapes of inputs whose dimensions the file leaves unbound.

    Returns
    -------
    LayerGraph
        Its ``import_table`` says what became of each node.

    Raises
    ------
    UnsupportedModelError
        A node has no rule; the error carries the import table.
    WorkloadError
        The file cannot be read, a dimension is unbound, a shape cannot be found, or the ``onnx`` package is missing.

    Examples
    --------
    >>> graph = import_onnx(Path("resnet50.onnx"), shapes={"x": (1, 3, 224, 224)})  # doctest: +SKIP
    >>> graph.total_macs  # doctest: +SKIP
    4089184256
    """
    try:
        from simulator.workload.importers.onnx_files import read_model
        from simulator.workload.importers.onnx_inputs import bind_inputs
        from simulator.workload.importers.onnx_walk import Walk, start_values
    except ImportError as problem:
        message = f"{path}: the onnx package is missing ({problem}); pip install 'neural-accelerator-simulator[onnx]'"
        raise WorkloadError(message) from None
    path = Path(path)
    model = read_model(path)
    walk = Walk(model, path)
    inputs = start_values(walk, bind_inputs(model.graph, shapes or {}, str(path)))
    walk.enter(model.graph)
    _refuse_unsupported(walk)
    return _finished(walk, path, inputs, [info.name for info in model.graph.output])


def _finished(walk: "Walk", path: Path, inputs: Sequence[str], outputs: Sequence[str]) -> LayerGraph:
    from simulator.workload.importers.onnx_settle import settle

    missing = [name for name in outputs if name not in walk.values]
    if missing or not outputs:
        what = f"output {missing[0]!r} is written by no layer" if missing else "the model has no outputs"
        message = f"{path}: {what}; export the model for inference"
        raise WorkloadError(message)
    results = [walk.values[name] for name in outputs]
    tensors, layers, leaving = settle(walk.network, [value for value in results if not value.constant])
    if not layers:
        message = f"{path}: no layer is left after folding {len(walk.network.rows)} nodes; there is nothing to simulate"
        raise WorkloadError(message)
    return build_graph(
        path.stem,
        tensors,
        layers,
        inputs,
        leaving,
        provenance=Provenance(source=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest()),
        import_table=walk.network.rows,
        file=str(path),
    )


def _refuse_unsupported(walk: "Walk") -> None:
    rows = [row for row in walk.network.rows if row.fate == "UNSUPPORTED"]
    if not rows:
        return
    causes = [row for row in rows if not row.detail.startswith("not reached")]
    lines = [f"  {row.node!r} ({row.operator}): {row.detail}" for row in causes[:_LISTED]]
    if len(causes) > _LISTED:
        lines.append(f"  ... and {len(causes) - _LISTED} more")
    message = (
        f"{walk.where}: {len(causes)} of {len(walk.network.rows)} nodes are UNSUPPORTED:\n"
        + "\n".join(lines)
        + "\nreplace these operators when exporting, or cut the model before them (onnx.utils.extract_model)"
    )
    raise UnsupportedModelError(message, walk.network.rows)
