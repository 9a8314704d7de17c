"""One precision for each tensor, from the widths its readers read at.

* A tensor takes the width of its readers' quantizers; its element type where nobody quantizes it.
* A tensor that only an activation reads (a convolution before its ReLU) takes the width of the activation's result: the
  two are one pass through the array's drain, and no buffer ever holds the value between them.
* Layers that rename (reshape, concat...) read at the width of what they yield.
* Readers that disagree: the tensor has the widest width, and a free ``reshape`` gives the others theirs.
"""

from collections.abc import Mapping, Sequence

from simulator.workload.graph import ImportRow
from simulator.workload.importers.onnx_network import Draft, Network, Read
from simulator.workload.importers.onnx_values import Value
from simulator.workload.layers import Activation, Layer, Movement, Tensor
from simulator.workload.precision import Precision


def settle(network: Network, outputs: Sequence[Value]) -> tuple[list[Tensor], list[Layer], list[str]]:
    """Return tensors with their final precision, layers, and the names of the tensors that leave the network.

    Parameters
    ----------
    network : Network
        Complete: drafts in topological order.
    outputs : sequence of Value
        What the model returns, constants left out.
    """
    leaving = [network.read(value) for value in outputs]
    reads: dict[str, list[Read]] = {}
    for read in (*(read for draft in network.drafts for read in draft.reads), *leaving):
        reads.setdefault(read.tensor, []).append(read)
    _carry_back(network, reads)
    widths = {name: _widest(tensor, reads.get(name, [])) for name, tensor in network.tensors.items()}
    tensors = {name: tensor.model_copy(update={"precision": widths[name]}) for name, tensor in network.tensors.items()}
    aliases = _aliases(network, reads, tensors)
    layers = [_rewired(draft, aliases) for draft in network.drafts]
    for alias, name in {alias: name for (name, _), alias in aliases.items()}.items():
        layers.append(Movement(name=network.names.take(alias), op="reshape", inputs=(name,), outputs=(alias,)))
    names = [aliases.get((read.tensor, read.precision), read.tensor) for read in leaving]
    return list(tensors.values()), layers, list(dict.fromkeys(names))


def _carry_back(network: Network, reads: Mapping[str, list[Read]]) -> None:
    """Let unquantized reads of renaming layers and drain activations take the width of the result, last layer first."""
    produced = {name for draft in network.drafts for name in draft.layer.outputs}
    for draft in reversed(network.drafts):
        layer = draft.layer
        if not isinstance(layer, Activation | Movement):
            continue
        result = [read for name in layer.outputs for read in reads.get(name, [])]
        if not result or not all(read.quantized for read in result):
            continue
        width = max((read.precision for read in result), key=_width)
        for read in draft.reads:
            is_drain = len(reads[read.tensor]) == 1 and read.tensor in produced
            if not read.quantized and (is_drain or isinstance(layer, Movement)):
                read.precision, read.quantized = width, True


def _width(precision: Precision) -> tuple[int, bool]:
    return precision.bits, precision.kind == "float"


def _widest(tensor: Tensor, reads: Sequence[Read]) -> Precision:
    if tensor.constant or not reads:
        return tensor.precision
    return max((read.precision for read in reads), key=_width)


def _aliases(
    network: Network, reads: Mapping[str, Sequence[Read]], tensors: dict[str, Tensor]
) -> dict[tuple[str, Precision], str]:
    aliases: dict[tuple[str, Precision], str] = {}
    by_width: dict[tuple[str, tuple[int, bool]], str] = {}
    producers = {name: draft.node for draft in network.drafts for name in draft.layer.outputs}
    for name in list(tensors):
        base = tensors[name]
        for read in reads.get(name, []):
            width = (name, _width(read.precision))
            if base.constant or width[1] == _width(base.precision):
                continue
            if width not in by_width:
                alias = network.tensor_names.take(f"{name}.{read.precision.label}")
                by_width[width] = alias
                tensors[alias] = Tensor(name=alias, shape=base.shape, precision=read.precision)
                _note(network.rows, producers.get(name, ""), f"result is also read as {read.precision.label}")
            aliases[name, read.precision] = by_width[width]
    return aliases


def _note(rows: list[ImportRow], node: str, text: str) -> None:
    for i, row in enumerate(rows):
        if row.node == node:
            detail = f"{row.detail}; {text}" if row.detail else text
            rows[i] = row.model_copy(update={"detail": detail})
            return


def _rewired(draft: Draft, aliases: Mapping[tuple[str, Precision], str]) -> Layer:
    inputs = tuple(aliases.get((read.tensor, read.precision), read.tensor) for read in draft.reads)
    return draft.layer if inputs == draft.layer.inputs else draft.layer.model_copy(update={"inputs": inputs})
