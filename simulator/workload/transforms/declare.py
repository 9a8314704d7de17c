"""Declaring zeros: one line of text gives weights and activations of a network their sparsity.

``[WHERE=]KIND`` clauses with commas between, later ones over earlier ones. WHERE is ``weights`` (of every
multiply-accumulate layer; the default), ``activations`` (what these layers read, network inputs included), a layer's
name (its weights), or ``LAYER.weights``, ``LAYER.activations``. KIND is one of :data:`KINDS`.
"""

from collections.abc import Iterable
from math import isfinite
from pathlib import Path

from pydantic import ValidationError

from simulator.errors import WorkloadError, did_you_mean
from simulator.workload.graph import LayerGraph
from simulator.workload.layers import MAC_LAYERS, Layer, Recurrent
from simulator.workload.library import with_stored_values
from simulator.workload.reductions import output_axis, reduction_axes
from simulator.workload.sparsity import (
    Blocks,
    Dense,
    FromFile,
    NOfM,
    Skewed,
    Sparsity,
    Structured,
    UniformDensity,
)

KINDS = (
    ("dense", "no zeros"),
    ("0.3", "30 % non-zeros, spread evenly"),
    ("2:4", "at most 2 non-zeros in 4 neighbours along the reduction"),
    ("channels:0.5", "half of the output channels (weights) or input channels (activations) left"),
    ("blocks:4x4:0.5", "half of the 4 x 4 blocks of the last two axes left"),
    ("skewed:0.09:0.5[:0.3]", "densities of outputs (and inputs) spread by 0.5 (and 0.3) around a mean of 0.09"),
    ("FILE.npz[:ARRAY]", "a mask or values of the tensor's shape, one array for each tensor, by its name"),
    ("values", "the zeros of an ONNX model's own weights (the default for those)"),
)
"""What ``--sparsity`` takes: an example of each kind, and what it means."""


def declare_sparsity(graph: LayerGraph, text: str, *, folder: Path | None = None) -> LayerGraph:
    """Return ``graph`` with the sparsity that ``text`` declares.

    Parameters
    ----------
    graph : LayerGraph
    text : str
        Clauses, as above.
    folder : Path, optional
        Where relative files of masks lie; the working folder where not given.

    Raises
    ------
    WorkloadError
        A clause is not understood, a density leaves 0 to 1, N exceeds M, a layer is unknown, or a file cannot be read.

    Examples
    --------
    >>> from simulator.workload import load_workload
    >>> graph = declare_sparsity(load_workload("lenet5"), "2:4, activations=0.4")
    >>> graph.tensors[graph.layers[0].inputs[1]].sparsity
    NOfM(kind='n_of_m', n=2, m=4, axis=None)
    """
    declared: dict[str, Sparsity] = {}
    base = Path.cwd() if folder is None else folder
    for clause in (part.strip() for part in text.split(",")):
        where, equals, kind = clause.rpartition("=")
        if not kind or (equals and not where):
            raise _fault(clause, "is empty")
        for layer, name, is_weight in _operands(graph, where.strip() or "weights", clause):
            declared[name] = _described(graph, (layer, name, is_weight), (kind.strip(), clause))
    changed = graph.with_sparsities(declared)
    if any(isinstance(sparsity, FromFile) for sparsity in declared.values()):
        return _in_one_folder(changed, set(declared), base)
    return changed


def _operands(graph: LayerGraph, where: str, clause: str) -> list[tuple[Layer, str, bool]]:
    """Return (layer, tensor, whether it is a weight) of what a clause names."""
    layers: Iterable[Layer] = graph.mac_layers
    name, dot, operand = where.rpartition(".")
    if where in ("weights", "activations"):
        name, operand = "", where
    elif not dot or operand not in ("weights", "activations"):
        name, operand = where, "weights"
    if name:
        by_name = {layer.name: layer for layer in graph.mac_layers}
        if name not in by_name:
            hint = did_you_mean(name, (*by_name, "weights", "activations"))
            raise _fault(clause, f"{graph.name} has no multiply-accumulate layer {name!r}{hint}")
        layers = (by_name[name],)
    found = [
        (layer, tensor, operand == "weights")
        for layer in layers
        for tensor in _multiplied(layer)
        if graph.tensors[tensor].constant == (operand == "weights")
    ]
    if name and not found:
        raise _fault(clause, f"layer {name!r} multiplies no {operand}")
    return found


def _multiplied(layer: Layer) -> tuple[str, ...]:
    return layer.inputs[: 3 if isinstance(layer, Recurrent) else 2] if isinstance(layer, MAC_LAYERS) else ()


def _described(graph: LayerGraph, operand: tuple[Layer, str, bool], spelled: tuple[str, str]) -> Sparsity:
    """Return what one KIND means for one tensor."""
    layer, name, is_weight = operand
    kind, clause = spelled
    word, *rest = kind.split(":")
    try:
        if kind == "dense":
            return Dense(kind="dense")
        if kind == "values":
            return _stored_values(graph, name, clause)
        if ".npz" in kind.lower():
            return _from_archive(kind, name)
        if word == "channels" and len(rest) == 1:
            axis = output_axis(layer) if is_weight else reduction_axes(graph)[name]
            return Structured(kind="structured", axis=axis, density=_density(rest[0], clause))
        if word == "blocks" and len(rest) == 2:
            shape = tuple(_count(size, clause) for size in rest[0].split("x"))
            return Blocks(kind="blocks", shape=shape, density=_density(rest[1], clause))
        if word == "skewed" and len(rest) in (2, 3):
            axes = (output_axis(layer) if is_weight else reduction_axes(graph)[name], reduction_axes(graph)[name])
            skews = tuple(_density(skew, clause) for skew in rest[1:])
            return Skewed(kind="skewed", density=_density(rest[0], clause), axes=axes[: len(skews)], skews=skews)
        if len(rest) == 1:
            return NOfM(kind="n_of_m", n=_count(word, clause), m=_count(rest[0], clause))
    except ValidationError as problem:
        raise _fault(clause, str(problem.errors()[0]["msg"]).removeprefix("Value error, ")) from None
    return UniformDensity(kind="uniform", density=_density(kind, clause))


def _density(text: str, clause: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or not 0.0 <= value <= 1.0:
        raise _fault(clause, f"{text!r} is no density: give a number from 0 to 1")
    return value


def _count(text: str, clause: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 7 and int(text) > 0):
        raise _fault(clause, f"{text!r} is no count: give a whole number from 1")
    return int(text)


def _from_archive(kind: str, name: str) -> FromFile:
    end = kind.lower().index(".npz") + 4
    file, array = kind[:end], kind[end + 1 :]
    return FromFile.model_construct(kind="values", file=file, array=array or name)


def _stored_values(graph: LayerGraph, name: str, clause: str) -> Sparsity:
    sparsity = graph.tensors[name].sparsity
    if isinstance(sparsity, FromFile):
        return sparsity
    source = graph.provenance.source
    if graph.folder is not None and source.lower().endswith(".onnx"):
        stored = with_stored_values(graph, graph.folder / source).tensors[name].sparsity
        if isinstance(stored, FromFile):
            return stored
    raise _fault(clause, f"the values of {name!r} are not known: give an .onnx model that stores them, or an .npz")


def _in_one_folder(graph: LayerGraph, declared: set[str], base: Path) -> LayerGraph:
    """Return the network with every file named from one folder: masks given here lie in ``base``."""
    absolute = {}
    for name, tensor in graph.tensors.items():
        sparsity = tensor.sparsity
        if not isinstance(sparsity, FromFile):
            continue
        own = base if name in declared and sparsity.file.lower().endswith(".npz") else graph.folder
        path = ((own or base) / sparsity.file).absolute()
        # A file given by hand may lie anywhere; below one common root every path is a relative one.
        file = path.relative_to(path.anchor).as_posix()
        absolute[name] = FromFile.model_construct(kind=sparsity.kind, file=file, array=sparsity.array)
    return graph.with_sparsities(absolute, folder=Path(base.absolute().anchor))


def _fault(clause: str, what: str) -> WorkloadError:
    shown = ", ".join(example for example, _ in KINDS)
    return WorkloadError(
        f"--sparsity {clause!r}: {what}; write [WHERE=]KIND with WHERE weights, activations, LAYER or "
        f"LAYER.activations, and KIND one of {shown}"
    )
