"""Where every tensor of a network lies in DRAM.

Each tensor has a region that begins where every bank begins a new row. A tensor that one layer writes and another reads
with the same size is one region; where a reader sees it in another shape, or several layers feed it, the reader's
view is a region of its own.
"""

from collections.abc import Hashable
from typing import Any

import numpy as np

from simulator.dataflow.binding import BoundNetwork
from simulator.engine.descriptors import REGION, Layout, ceil_bytes, words
from simulator.memory.dma import RegionAllocator
from simulator.records import MAC_WORK, Table, table

IFMAP_COLUMN, WEIGHT_COLUMN, RESIDUAL_COLUMN = range(3)


def place_tensors(network: BoundNetwork, mappings: Table, layout: Layout, allocator: RegionAllocator) -> Table:
    """Return one REGION record a work: where its tensors begin.

    The parts of a layer that is split over cores share its feature maps. Constants are arranged for each part as it
    reads them, once where parts read the same weights in the same tiles.

    Raises
    ------
    WorkloadError
        The tensors do not fit the DRAM; names how much is missing.
    """
    sizes, parts = tensor_bytes(network, mappings, layout), network.parts
    regions = table(REGION, len(network.works))
    wholes = parts["whole"].tolist()
    regions["weight_rows"] = sizes["weight_rows"]
    written: dict[int, tuple[int, int]] = {}  # whole work: first byte and size of its ofmap
    views: dict[tuple[Hashable, int], int] = {}

    def once(name: Hashable, size_bytes: int) -> int:
        if (name, size_bytes) not in views:
            views[name, size_bytes] = allocator.take(size_bytes)
        return views[name, size_bytes]

    def read(work: int, column: int, size_bytes: int) -> int:
        begin, end = network.producer_spans[work, column]
        feeds = tuple(dict.fromkeys(wholes[source] for source in network.producers[begin:end]))
        if len(feeds) == 1 and written.get(feeds[0], (0, -1))[1] == size_bytes:
            return written[feeds[0]][0]
        if not feeds:
            return once(_constant(parts[work], mappings[work], column), size_bytes)
        return once(feeds, size_bytes)

    for i, size in enumerate(sizes.tolist()):
        ifmap, weight, psum, residual, ofmap, *rest = size
        found = [read(i, column, nbytes) for column, nbytes in ((IFMAP_COLUMN, ifmap), (WEIGHT_COLUMN, weight))]
        found += [allocator.take(psum), read(i, RESIDUAL_COLUMN, residual)]
        if wholes[i] not in written:
            written[wholes[i]] = (allocator.take(ofmap), ofmap)
        regions[i] = (*found, written[wholes[i]][0], *rest)
    return regions


def _constant(part: Any, mapping: Any, column: int) -> Hashable:  # noqa: ANN401
    """Name a tensor that no work writes: a layer's input, or the constants of a part in the tiles that it reads."""
    if column != WEIGHT_COLUMN:
        return column, int(part.whole)
    tile = (int(mapping.G), int(mapping.K), int(mapping.C))
    return column, int(part.whole), int(part.first_ofmap_channel), tile


def tensor_bytes(network: BoundNetwork, mappings: Table, layout: Layout) -> Table:
    """Return the bytes of each tensor of each work as REGION records (``weight_rows``, ``first_weight_row`` as there).

    Of a part of a layer: feature maps and weights that the network makes are the whole layer's, constants its own.
    """
    works, parts, sizes = network.works, network.parts, table(REGION, len(network.works))
    is_mac = works["kind"] == MAC_WORK
    n, g, k, c, p, q = (works[name] for name in "NGKCPQ")
    steps = works["sequence_steps"]
    outputs = steps * n * p * q * g * k
    elements = ceil_bytes(_of_layer(parts, works["ofmap_elements"] * works["ofmap_bits"]))
    shape = (parts["images"], np.maximum(1, parts["ifmap_channels"]), parts["ifmap_rows"], works["W"])
    inputs = layout.map_bytes(*shape, works["ifmap_bits"])
    runs = ceil_bytes(_of_layer(parts, works["input_bits"]))
    sizes["ifmap"] = np.where(is_mac, np.where(works["ifmap_on_chip"] == 1, 0, inputs), runs)
    shape = (parts["images"], np.maximum(1, parts["ofmap_channels"]), parts["ofmap_rows"], q)
    plain = steps * layout.map_bytes(*shape, works["ofmap_bits"])
    scattered = elements + np.where(is_mac, _of_layer(parts, works["ofmap_elements"]), 0)  # each store ends on a byte
    sizes["ofmap"] = np.where(is_mac & (outputs == works["ofmap_elements"]), plain, scattered)
    sizes["residual"] = steps * layout.map_bytes(*shape, works["residual_bits"])
    dynamic = network.producer_spans[:, WEIGHT_COLUMN, 1] > network.producer_spans[:, WEIGHT_COLUMN, 0]
    sizes["weight_rows"] = is_mac & (dynamic | (layout.weights == "rows"))
    sizes["first_weight_row"] = np.where(dynamic, parts["first_ofmap_channel"], 0)
    tile = {name: np.maximum(1, mappings[name]) for name in "NPQGKC"}
    tiles = {name: -(-works[name] // tile[name]) for name in tile}
    inner = c * works["R"] * works["S"] * works["weight_bits"]
    parameters = ceil_bytes(works["parameter_bits"])
    channels = np.where(dynamic, parts["ofmap_channels"], g * k)
    rows = channels * ceil_bytes(inner) + np.where(parameters > 0, parameters + 1, 0)
    number = tiles["G"] * tiles["K"] * tiles["C"]
    packed = ceil_bytes(g * k * inner) + parameters + number * (layout.word_bytes + 2) + 2 * layout.word_bytes
    sizes["weight"] = np.where(is_mac, np.where(sizes["weight_rows"] == 1, rows, packed), 0)
    psum = tile["N"] * tile["P"] * tile["Q"] * tile["G"] * tile["K"] * works["psum_bits"]
    number = tiles["N"] * tiles["P"] * tiles["Q"] * tiles["G"] * tiles["K"]
    sizes["psum"] = np.where(is_mac & (tiles["C"] > 1), number * words(psum, layout), 0)
    return sizes


def _of_layer(parts: Table, values: Table) -> Table:
    """Return for each part the sum of ``values`` over all parts of its layer."""
    total = np.zeros(int(parts["whole"].max(initial=-1)) + 1, np.int64)
    np.add.at(total, parts["whole"], values)
    return total[parts["whole"]]
