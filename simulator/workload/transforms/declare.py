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
from simulator.workload.masks import PATTERNS
from simulator.workload.reductions import output_axis, reduction_axes
from simulator.workload.sparsity import (
    Balanced,
    Blocks,
    Dense,
    FromFile,
    NOfM,
    Pruned,
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
    ("balanced:64:0.1", "a tenth left, the same number for each of 64 PEs that share the outputs in turn"),
    ("pruned:KIND", "the largest magnitudes of the file's values, in any of the patterns above (pruned:0.1)"),
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
    base = Path.cwd() if folder is None else folder
    named = {name: _rooted(graph, tensor.sparsity) for name, tensor in graph.tensors.items()}
    graph = graph.with_sparsities(named, folder=Path(base.absolute().anchor))
    declared: dict[str, Sparsity] = {}
    for clause in (part.strip() for part in text.split(",")):
        where, equals, kind = clause.rpartition("=")
        if not kind or (equals and not where):
            raise _fault(clause, "is empty")
        for layer, name, is_weight in _operands(graph, where.strip() or "weights", clause):
            declared[name] = _described(graph, (layer, name, is_weight), (kind.strip(), clause), base)
    return graph.with_sparsities(declared)


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


def _described(graph: LayerGraph, operand: tuple[Layer, str, bool], spelled: tuple[str, str], base: Path) -> Sparsity:
    """Return what one KIND means for one tensor."""
    name, (kind, clause) = operand[1], spelled
    if kind == "dense":
        return Dense(kind="dense")
    if kind == "values":
        return _stored_values(graph, name, clause)
    if ".npz" in kind.lower():
        return _from_archive(kind, name, base)
    try:
        if kind.startswith("pruned:"):
            source = _stored_values(graph, name, clause)
            pattern = _pattern(graph, operand, kind.removeprefix("pruned:"), clause)
            if not isinstance(pattern, PATTERNS):
                raise _fault(clause, f"values cannot be pruned to {pattern.kind!r}")
            return Pruned.model_construct(kind="pruned", file=source.file, array=source.array, to=pattern)
        return _pattern(graph, operand, kind, clause)
    except ValidationError as problem:
        raise _fault(clause, str(problem.errors()[0]["msg"]).removeprefix("Value error, ")) from None


def _pattern(graph: LayerGraph, operand: tuple[Layer, str, bool], kind: str, clause: str) -> Sparsity:
    """Return a pattern that needs no file."""
    layer, name, is_weight = operand
    word, *rest = kind.split(":")
    inner = reduction_axes(graph)[name]
    outer = output_axis(layer) if is_weight else inner
    if word == "channels" and len(rest) == 1:
        return Structured(kind="structured", axis=outer, density=_density(rest[0], clause))
    if word == "balanced" and len(rest) == 2:
        pes, density = _count(rest[0], clause), _density(rest[1], clause)
        return Balanced(kind="balanced", density=density, pes=pes, axis=outer)
    if word == "blocks" and len(rest) == 2:
        shape = tuple(_count(size, clause) for size in rest[0].split("x"))
        return Blocks(kind="blocks", shape=shape, density=_density(rest[1], clause))
    if word == "skewed" and len(rest) in (2, 3):
        skews = tuple(_density(skew, clause) for skew in rest[1:])
        axes = (outer, inner)[: len(skews)]
        return Skewed(kind="skewed", density=_density(rest[0], clause), axes=axes, skews=skews)
    if len(rest) == 1:
        return NOfM(kind="n_of_m", n=_count(word, clause), m=_count(rest[0], clause))
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


def _from_archive(kind: str, name: str, base: Path) -> FromFile:
    end = kind.lower().index(".npz") + 4
    file, array = kind[:end], kind[end + 1 :]
    return FromFile.model_construct(kind="values", file=_from_root(base / file), array=array or name)


def _stored_values(graph: LayerGraph, name: str, clause: str) -> FromFile:
    sparsity = graph.tensors[name].sparsity
    if isinstance(sparsity, FromFile | Pruned) and sparsity.kind != "mask":
        return FromFile.model_construct(kind="values", file=sparsity.file, array=sparsity.array)
    raise _fault(clause, f"the values of {name!r} are not known: give an .onnx model that stores them, or an .npz")


def _rooted(graph: LayerGraph, sparsity: Sparsity) -> Sparsity:
    """Return a description whose file is named from the root of the file system: it may lie anywhere."""
    if not isinstance(sparsity, FromFile | Pruned) or graph.folder is None:
        return sparsity
    return sparsity.model_copy(update={"file": _from_root(graph.folder / sparsity.file)})


def _from_root(path: Path) -> str:
    absolute = path.absolute()
    return absolute.relative_to(absolute.anchor).as_posix()


def _fault(clause: str, what: str) -> WorkloadError:
    shown = ", ".join(example for example, _ in KINDS)
    return WorkloadError(
        f"--sparsity {clause!r}: {what}; write [WHERE=]KIND with WHERE weights, activations, LAYER or "
        f"LAYER.activations, and KIND one of {shown}"
    )
