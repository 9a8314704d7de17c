"""Whole-network results asked for before: in memory, and in a file between processes.

What can be kept soundly: a layer's share of a run depends on its neighbours (prefetch, overlap), so no layer's result
is kept by itself. A run of the whole network depends on its works (shapes and widths), their mappings, which follow
from works and machine, who feeds whom, the machine with its prices, and the zeros that gate: all of it goes into the
key, as content. An entry holds every row's cycles, energy and DRAM bytes, so a latency table's cells are kept too.
"""

from collections import OrderedDict

import numpy as np
import numpy.typing as npt

from simulator.records import Table
from simulator.search.batch_run import BatchRun, Rows
from simulator.search.known_mappings import KnownMappings, check_sizes
from simulator.search.store import Store, content_key

MOST_BYTES = 64 * 2**20
_NUMBER_BYTES = 8


class KnownResults:
    """Results of one network on one machine by what its works are.

    Parameters
    ----------
    batch_run : BatchRun
    mappings : KnownMappings
    machine_content : bytes
        The accelerator in full: prices, gating and all.
    store : Store, optional
    """

    def __init__(
        self, batch_run: BatchRun, mappings: KnownMappings, machine_content: bytes, store: Store | None = None
    ) -> None:
        self._store = store
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._rows = len(batch_run.network.rows)
        network = batch_run.network
        feeds = (np.ascontiguousarray(one) for one in batch_run.feeds)
        shapes = (str((one.shape, one.dtype.str)).encode() + one.tobytes() for one in feeds)
        places = np.asarray(network.row_of_work, np.int64).tobytes()
        switching = np.asarray(batch_run.switching, np.float64).tobytes()
        parts = (mappings.settings, machine_content, places, switching, *shapes)
        self._settings = content_key(b"result", *parts)

    def keys(self, works: Table, mac_pj: npt.NDArray[np.float64]) -> list[bytes]:
        """Return what names the result of each assignment's works [B, W] and beat prices [B, W]."""
        return [
            content_key(self._settings, one.tobytes(), prices.tobytes())
            for one, prices in zip(works, mac_pj, strict=True)
        ]

    def read(self, keys: list[bytes]) -> dict[bytes, bytes]:
        """Return what is known of ``keys``.

        Raises
        ------
        SimulatorError
            The file or an entry is damaged.
        """
        found = {key: self._kept[key] for key in keys if key in self._kept}
        if self._store is not None and len(found) < len(keys):
            read = self._store.read(key for key in keys if key not in found)
            check_sizes(self._store, read, lambda _: 3 * _NUMBER_BYTES * self._rows)
            self._keep(read)
            found |= read
        return found

    def write(self, keys: list[bytes], rows: Rows) -> dict[bytes, bytes]:
        """Keep the results of ``keys``, in order; return them by key."""
        packed = {key: b"".join(column[i].tobytes() for column in rows) for i, key in enumerate(keys)}
        self._keep(packed)
        if self._store is not None:
            self._store.write(packed)
        return packed

    def _keep(self, packed: dict[bytes, bytes]) -> None:
        self._kept |= packed
        size = max(1, 3 * _NUMBER_BYTES * self._rows)
        while len(self._kept) * size > MOST_BYTES:  # the oldest make room
            self._kept.popitem(last=False)

    def unpack(self, packed: list[bytes]) -> Rows:
        """Return entries as rows [B, rows]."""
        shape = (len(packed), 3, self._rows)
        numbers = np.frombuffer(b"".join(packed), np.int64).reshape(shape)
        energy_pj = np.ascontiguousarray(numbers[:, 1]).view(np.float64)
        return Rows(numbers[:, 0], energy_pj, numbers[:, 2])
