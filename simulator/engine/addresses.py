"""Where every tensor of a network lies in DRAM.

Each tensor has a region that begins where every bank begins a new row. A tensor that one layer writes and another reads
with the same size is one region; where a reader sees it in another shape, or several layers feed it, the reader's
view is a region of its own.
"""

import numpy as np

from simulator.dataflow.binding import BoundNetwork
from simulator.engine.descriptors import REGION, Layout, ceil_bytes, words
from simulator.memory.dma import RegionAllocator
from simulator.records import MAC_WORK, Table, table

IFMAP_COLUMN, WEIGHT_COLUMN, RESIDUAL_COLUMN = range(3)


def place_tensors(network: BoundNetwork, mappings: Table, layout: Layout, allocator: RegionAllocator) -> Table:
    """Return one REGION record a work: where its tensors begin.

    Raises
    ------
    WorkloadError
        The tensors do not fit the DRAM; names how much is missing.
    """
    sizes = tensor_bytes(network, mappings, layout)
    regions = table(REGION, len(network.works))
    regions["weight_rows"] = sizes["weight_rows"]
    written: dict[int, tuple[int, int]] = {}  # work: first byte and size of its ofmap
    views: dict[tuple[tuple[int, ...], int], int] = {}

    def read(work: int, column: int, size_bytes: int) -> int:
        begin, end = network.producer_spans[work, column]
        feeds = tuple(network.producers[begin:end].tolist())
        if len(feeds) == 1 and written.get(feeds[0], (0, -1))[1] == size_bytes:
            return written[feeds[0]][0]
        if not feeds:
            return allocator.take(size_bytes)
        if (feeds, size_bytes) not in views:
            views[feeds, size_bytes] = allocator.take(size_bytes)
        return views[feeds, size_bytes]

    for i, size in enumerate(sizes.tolist()):
        ifmap, weight, psum, residual, ofmap, _ = size
        found = [read(i, column, nbytes) for column, nbytes in ((IFMAP_COLUMN, ifmap), (WEIGHT_COLUMN, weight))]
        found += [allocator.take(psum), read(i, RESIDUAL_COLUMN, residual)]
        written[i] = (allocator.take(ofmap), ofmap)
        regions[i] = (*found, written[i][0], size[-1])
    return regions


def tensor_bytes(network: BoundNetwork, mappings: Table, layout: Layout) -> Table:
    """Return the bytes of each tensor of each work as REGION records (``weight_rows`` as there)."""
    works, sizes = network.works, table(REGION, len(network.works))
    is_mac = works["kind"] == MAC_WORK
    n, g, k, c, h, w, p, q = (works[name] for name in "NGKCHWPQ")
    steps = works["sequence_steps"]
    outputs = steps * n * p * q * g * k
    elements = ceil_bytes(works["ofmap_elements"] * works["ofmap_bits"])
    inputs = layout.map_bytes(n, np.maximum(1, g * c), h, w, works["ifmap_bits"])
    sizes["ifmap"] = np.where(is_mac, np.where(works["ifmap_on_chip"] == 1, 0, inputs), ceil_bytes(works["input_bits"]))
    channels = np.maximum(1, g * k)
    plain = steps * layout.map_bytes(n, channels, p, q, works["ofmap_bits"])
    scattered = elements + np.where(is_mac, works["ofmap_elements"], 0)  # each tile's store ends on a byte
    sizes["ofmap"] = np.where(is_mac & (outputs == works["ofmap_elements"]), plain, scattered)
    sizes["residual"] = steps * layout.map_bytes(n, channels, p, q, works["residual_bits"])
    dynamic = network.producer_spans[:, WEIGHT_COLUMN, 1] > network.producer_spans[:, WEIGHT_COLUMN, 0]
    sizes["weight_rows"] = is_mac & (dynamic | (layout.weights == "rows"))
    tile = {name: np.maximum(1, mappings[name]) for name in "NPQGKC"}
    tiles = {name: -(-works[name] // tile[name]) for name in tile}
    inner = c * works["R"] * works["S"] * works["weight_bits"]
    parameters = ceil_bytes(works["parameter_bits"])
    rows = g * k * ceil_bytes(inner) + np.where(parameters > 0, parameters + 1, 0)
    number = tiles["G"] * tiles["K"] * tiles["C"]
    packed = ceil_bytes(g * k * inner) + parameters + number * (layout.word_bytes + 2) + 2 * layout.word_bytes
    sizes["weight"] = np.where(is_mac, np.where(sizes["weight_rows"] == 1, rows, packed), 0)
    psum = tile["N"] * tile["P"] * tile["Q"] * tile["G"] * tile["K"] * works["psum_bits"]
    number = tiles["N"] * tiles["P"] * tiles["Q"] * tiles["G"] * tiles["K"]
    sizes["psum"] = np.where(is_mac & (tiles["C"] > 1), number * words(psum, layout), 0)
    return sizes
