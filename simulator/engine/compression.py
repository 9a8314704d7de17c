"""Compressed tensors on a tape: bytes and codec cycles of every tile that is stored encoded.

Each tile is encoded by itself and is one run of its own length, or lies raw where its encoded form is no smaller; raw
tiles pass the codec by. docs/model/compression.md draws it. A layer's tiles at once, in numpy: nothing to compile.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.arch.compression import FeatureMapFormat, WeightFormat
from simulator.arch.description import Accelerator
from simulator.dataflow.binding import BoundNetwork
from simulator.dataflow.tape import Tape
from simulator.dataflow.widths import Widths
from simulator.engine.descriptors import REGION, Layout, Nest, Tiles
from simulator.engine.stored_tensors import StoredTensors
from simulator.formats.tile_sizes import TileShapes, expected_bits, mask_bits
from simulator.records import IFMAP, PSUM, RESIDUAL, WEIGHT, WRITE, Table, table
from simulator.units import BITS_PER_BYTE, ceil_div
from simulator.workload.layers import Layer
from simulator.workload.masks import Masks

Counts = npt.NDArray[np.int64]
Form = WeightFormat | FeatureMapFormat


@dataclass(frozen=True)
class StoredForm:
    """How the tiles of one operand of one work were moved.

    Attributes
    ----------
    work : int
    operand : str
    format : str
    tiles, bypassed_tiles : int
        Transfers, and those that were raw because the encoded tile was no smaller.
    raw_bytes, encoded_bytes, stored_bytes : int
        Of all those transfers: as dense tiles, if every tile were encoded, and as they were moved [bytes].
    size_from : {"mask", "density"}
        Whether sizes are exact or expected.
    """

    work: int
    operand: str
    format: str
    tiles: int
    bypassed_tiles: int
    raw_bytes: int
    encoded_bytes: int
    stored_bytes: int
    size_from: str


class Compressed(NamedTuple):
    """What compression did to a tape."""

    tape: Tape
    encoded: npt.NDArray[np.bool_]  # [transfers]: stored encoded
    raw_bytes: Counts  # [transfers]: payload of the dense tiles
    forms: tuple[StoredForm, ...]

    @property
    def raw_tape(self) -> Tape:
        """The tape as if every tile were raw: encoded or not, a tile lies where its dense form would."""
        if not self.encoded.any():
            return self.tape
        transfers = self.tape.transfers.copy()
        transfers["payload_bytes"] = self.raw_bytes
        return replace(self.tape, transfers=transfers)


class _Group(NamedTuple):
    """Tiles of one operand of one work, and what their encoded forms take."""

    operand: str
    form: Form
    transfers: Counts  # [n] ids
    elements: Counts  # [n]
    raw_bits: Counts  # [n]
    encoded_bits: Counts  # [n]
    extra_bits: Counts  # [n] biases and scales that come raw behind a tile
    size_from: str


def compress(
    tape: Tape, network: BoundNetwork, mappings: Table, machine: tuple[Accelerator, Layout], masks: Masks
) -> Compressed:
    """Return ``tape`` with the bytes and codec cycles of encoded tiles; as it is where the accelerator has no format.

    Parameters
    ----------
    tape : Tape
    network : BoundNetwork
    mappings : recarray of MAPPING
    machine : (Accelerator, Layout)
    masks : Masks
        Of the graph that was bound.

    Raises
    ------
    ArchitectureError
        A format's fields are too narrow for a tile.
    """
    accelerator, layout = machine
    if not accelerator.compression.is_used or len(tape.transfers) == 0:
        return Compressed(tape, np.zeros(len(tape.transfers), np.bool_), tape.transfers["payload_bytes"], ())
    transfers, counters = tape.transfers.copy(), tape.counters.copy()
    nest = Nest(tape.transfers, network.works, mappings, table(REGION, len(network.works)), layout)
    sizes = _Sizes(accelerator, network, StoredTensors(masks), nest)
    encoded, forms = np.zeros(len(transfers), np.bool_), []
    rates = accelerator.compression.codec_elements_per_cycle
    for work in range(len(network.works)):
        for group in sizes.of_work(work, tape.spans[work]):
            kept = group.encoded_bits < group.raw_bits
            bits = np.where(kept, group.encoded_bits, group.raw_bits) + group.extra_bits
            stored = np.where(kept, -(-bits // BITS_PER_BYTE), transfers["payload_bytes"][group.transfers])
            direction = int(transfers["direction"][group.transfers[0]])
            rate = rates[1 if direction == WRITE else 0]
            _count(counters[work], group.operand, int((stored - transfers["payload_bytes"][group.transfers]).sum()))
            forms.append(_stored_form(work, group, kept, (transfers["payload_bytes"][group.transfers], stored)))
            transfers["payload_bytes"][group.transfers] = stored
            transfers["codec_cycles"][group.transfers] = np.where(kept, -(-group.elements // rate), 0)
            encoded[group.transfers] = kept
    made = replace(tape, transfers=transfers, counters=counters)
    return Compressed(made, encoded, tape.transfers["payload_bytes"].copy(), tuple(forms))


def _count(counters: Any, operand: str, change_bytes: int) -> None:  # noqa: ANN401 - a COUNTERS record
    counters[f"{operand}_dram_bytes"] += change_bytes


def _stored_form(work: int, group: _Group, kept: npt.NDArray[np.bool_], moved: tuple[Counts, Counts]) -> StoredForm:
    everything = group.encoded_bits + group.extra_bits
    return StoredForm(
        work=work,
        operand=group.operand,
        format=group.form.format,
        tiles=len(kept),
        bypassed_tiles=int((~kept).sum()),
        raw_bytes=int(moved[0].sum()),
        encoded_bytes=int((-(-everything // BITS_PER_BYTE)).sum()),
        stored_bytes=int(moved[1].sum()),
        size_from=group.size_from,
    )


class _Sizes:
    """Finds the tiles of each work's tensors and what they take."""

    def __init__(self, accelerator: Accelerator, network: BoundNetwork, stored: StoredTensors, nest: Nest) -> None:
        self.network, self.stored, self.nest = network, stored, nest
        self.compression = accelerator.compression
        self.widths = Widths(stored.graph, accelerator, network.batch)
        rows = np.asarray(network.row_of_work)
        self.is_first = np.append(rows[1:] == rows[:-1], False)  # of a recurrent layer's two works
        self.is_second = np.insert(rows[1:] == rows[:-1], 0, False)[: len(rows)]

    def of_work(self, work: int, span: Any) -> Iterator[_Group]:  # noqa: ANN401 - a LAYER_SPAN record
        """Yield the operands of a work that have a format and move at all."""
        index = np.arange(span.first_transfer, span.first_transfer + span.transfers)
        at = Tiles(index[self.nest.moves[index]], self.nest)
        if not self.network.row_of_work or not len(at.index):
            return
        layer = self.stored.graph.layers[self.network.rows[self.network.row_of_work[work]].layer]
        is_mac = bool(self.nest.is_mac[at.index[0]])
        groups = self._of_product(work, at, layer) if is_mac else self._of_chunks(at, layer)
        yield from (group for group in groups if len(group.transfers))

    def _of_product(self, work: int, at: Tiles, layer: Layer) -> Iterator[_Group]:
        names = self.network.operands[work]
        operand, direction = at.transfers["operand"], at.transfers["direction"]
        is_final = (operand == PSUM) & (direction == WRITE) & (at.c == at.tiles("C") - 1)
        constant = self.stored.graph.tensors[names[1]].constant
        if constant and self.compression.weight.format != "raw":
            yield self._weights(at.where(operand == WEIGHT), names[1], layer)
        if self.compression.feature_map.format == "raw":
            return
        ofmap = "" if self.is_first[work] else names[2]  # what a recurrent layer projects is no tensor of the graph
        residual = "" if self.is_second[work] else names[3]
        yield self._maps("ifmap", at.where(operand == IFMAP), names[0], layer)
        yield self._maps("ofmap", at.where(is_final), ofmap, layer)
        yield self._maps("residual", at.where(operand == RESIDUAL), residual, layer)
        if not constant:
            yield self._made_weights(at.where(operand == WEIGHT), names[1])

    def _weights(self, at: Tiles, name: str, layer: Layer) -> _Group:
        """Constant weights: tiles of (g, k, c), biases and scales behind those of the first c."""
        form, bits = self.compression.weight, at.work("weight_bits")
        elements, extra = _weight_elements(at)
        taps, channels = at.work("R") * at.work("S"), at.part("G", at.g) * at.part("K", at.k)
        m = form.option("m")
        first, last = at.extent("C", at.c)
        groups = channels * taps * (-(-last // m) - first // m)
        shapes = TileShapes(elements, channels, at.part("C", at.c) * taps, groups)
        width = int(bits[0]) if len(bits) else 8
        matrix = self.stored.weights(name, layer) if len(bits) else None
        pattern = form.format == "n_of_m" and self.stored.keeps_pattern(name, layer, form.option("n"), m)
        if matrix is None:
            size = expected_bits(form, shapes, self.stored.density(name), width, in_pattern=pattern)
        else:
            cuts = (at.extent("G", at.g), at.extent("K", at.k), at.extent("C", at.c))
            size = _of_boxes(
                np.stack([*sum(cuts, ()), groups], axis=1),
                lambda box: mask_bits(form, _weight_tile(matrix, box), width, box[6], in_pattern=pattern),
            )
        source = "density" if matrix is None else "mask"
        return _Group("weight", form, at.index, elements, elements * bits, size, extra, source)

    def _made_weights(self, at: Tiles, name: str) -> _Group:
        """Weights that the network made: a feature map that is read in tiles of weights."""
        elements, extra = _weight_elements(at)
        return self._expected("weight", at, (elements, extra), name, at.work("weight_bits"))

    def _maps(self, operand: str, at: Tiles, name: str, layer: Layer) -> _Group:
        bits = at.work(f"{operand}_bits")
        box = at.ifmap_box() if operand == "ifmap" else at.output_box()
        elements = np.prod([end - begin for begin, end in box], axis=0)
        if operand == "ofmap":  # psums that are not the ofmap's elements one by one
            elements = np.where(at.is_plain, elements, at.transfers["payload_bytes"] * BITS_PER_BYTE // bits)
        found = self._expected(operand, at, (elements, np.zeros_like(elements)), name, bits)
        letters = "CHW" if operand == "ifmap" else "KPQ"
        if not len(at.index) or not at.is_plain.all():
            return found
        channels, height, width = (int(at.work(letter)[0]) for letter in letters)
        channels *= int(at.work("G")[0])
        if not self.stored.has_maps(name, channels, (height, width), layer):
            return found

        def size_of(cut: tuple[int, ...]) -> int:
            images = [
                self.stored.feature_map(name, image, channels, (height, width), layer)[
                    cut[2] : cut[3], cut[4] : cut[5], cut[6] : cut[7]
                ]
                for image in range(cut[0], cut[1])
            ]
            return mask_bits(self.compression.feature_map, _in_order(np.stack(images), self.nest.layout), int(bits[0]))

        size = _of_boxes(np.stack(sum(box, ()), axis=1), size_of)
        return found._replace(encoded_bits=size, size_from="mask")

    def _expected(self, operand: str, at: Tiles, sizes: tuple[Counts, Counts], name: str, bits: Counts) -> _Group:
        """Tiles of a feature map by its density; ``sizes`` = elements, bits that come raw behind each."""
        form, (elements, extra) = self.compression.feature_map, sizes
        shapes = TileShapes(elements, elements, elements, elements)
        width = int(bits[0]) if len(bits) else 8
        size = expected_bits(form, shapes, self.stored.density(name), width, in_pattern=False)
        return _Group(operand, form, at.index, elements, elements * bits, size, extra, "density")

    def _of_chunks(self, at: Tiles, layer: Layer) -> Iterator[_Group]:
        """Vector and copy work: chunks of what is read, each operand in proportion, and of what is written."""
        form = self.compression.feature_map
        if form.format == "raw":
            return
        writes, tensors = at.writes, self.stored.graph.tensors
        for operand, which, names in (("ifmap", ~writes, layer.inputs), ("ofmap", writes, layer.outputs)):
            part = at.where(which)
            whole = elements = encoded = 0
            for name in dict.fromkeys(names):
                tensor = tensors[name]
                raw, count = self.widths.read_bits(tensor), tensor.elements * self.network.batch
                one = np.array([count])
                size = raw
                if not tensor.constant:
                    shapes, width = TileShapes(one, one, one, one), self.widths.bits(tensor)
                    size = int(expected_bits(form, shapes, self.stored.density(name), width, in_pattern=False)[0])
                whole, elements, encoded = whole + raw, elements + count, encoded + size
            raw_bits = part.transfers["payload_bytes"] * BITS_PER_BYTE
            shared = [_share(raw_bits, total, whole) for total in (elements, encoded)]
            yield _Group(operand, form, part.index, shared[0], raw_bits, shared[1], np.zeros_like(raw_bits), "density")


def _share(parts: Counts, total: int, whole: int) -> Counts:
    """Return ``parts`` x ``total`` / ``whole``, rounded up."""
    return np.array([ceil_div(int(each) * total, max(1, whole)) for each in parts], np.int64)


def _weight_elements(at: Tiles) -> tuple[Counts, Counts]:
    """Return a weight tile's elements, and the bits of biases and scales that come with it."""
    channels = at.part("G", at.g) * at.part("K", at.k)
    elements = channels * at.part("C", at.c) * at.work("R") * at.work("S") * (1 - at.work("weight_resident"))
    everything = np.maximum(1, at.work("G") * at.work("K"))
    extra = np.where(at.c == 0, -(-at.work("parameter_bits") * channels // everything), 0)
    return elements, extra


def _weight_tile(matrix: npt.NDArray[np.bool_], box: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    part = matrix[box[0] : box[1], box[2] : box[3], box[4] : box[5]]
    return part.reshape(part.shape[0] * part.shape[1], -1)


def _in_order(images: npt.NDArray[np.bool_], layout: Layout) -> npt.NDArray[np.bool_]:
    """Return a tile [images, channels, height, width] as it lies in DRAM."""
    if layout.order == "NCHW":
        return images
    return np.moveaxis(images, 1, -1)


def _of_boxes(boxes: Counts, size_of: Callable[[tuple[int, ...]], int]) -> Counts:
    """Return the size of each box, found once for each different one."""
    distinct, which = np.unique(boxes, axis=0, return_inverse=True)
    sizes = np.array([size_of(tuple(int(edge) for edge in box)) for box in distinct], np.int64)
    return np.asarray(sizes[which.ravel()])
