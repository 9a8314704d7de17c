"""Mappings found so far for one machine: in memory by the work they belong to, and in a file between processes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.errors import SimulatorError
from simulator.mapping.search import Objective, find_mappings
from simulator.records import COST, MAPPING, WORK, Table, table
from simulator.search.store import Store, content_key

_PAIR = np.dtype([("mapping", MAPPING), ("cost", COST)])
_FIRST = {name: WORK.fields[name][1] for name in WORK.names} if WORK.fields and WORK.names else {}
_NEST = slice(0, _FIRST["ifmap_bits"])  # bytes of a work's loops
_PRODUCTS = [slice(_FIRST[name], _FIRST[name] + 8) for name in ("pack", "passes", "group_packing", "inner_pack")]


class KnownMappings:
    """The best mapping of every work asked for.

    Parameters
    ----------
    machine : (recarray, recarray)
        SYSTOLIC_HARDWARE and MEMORY_SPACE.
    dataflows, objective
        As :func:`simulator.mapping.search.map_network` takes them.
    store : Store, optional
        Where mappings are kept between processes.

    Attributes
    ----------
    place_of : dict of bytes to int
        The row of each work in ``mappings`` and ``costs``.
    """

    def __init__(
        self,
        machine: tuple[Table, Table],
        dataflows: tuple[str, ...],
        objective: Objective,
        store: Store | None = None,
    ) -> None:
        self.machine, self.dataflows, self.objective = machine, dataflows, objective
        self.place_of: dict[bytes, int] = {}
        self.mappings, self.costs = table(MAPPING, 64), table(COST, 64)
        self._store = store
        self._scratch: dict[int, Any] = {}
        self._latest: dict[bytes, int] = {}  # loops of a nest -> row of the mapping found last
        parts = (*(one.tobytes() for one in machine), ",".join(dataflows).encode(), objective.encode())
        self.settings = content_key(b"mapping", *parts)

    def places(self, works: Table) -> npt.NDArray[np.int64]:
        """Return the rows [...] of ``works`` [...], searching those not known."""
        keys = _records(works)
        missing = list(dict.fromkeys(key for key in keys if key not in self.place_of))
        if missing and self._store is not None:
            missing = self._fetch(missing)
        if missing:
            self._search(missing)
        return np.array([self.place_of[key] for key in keys], np.int64).reshape(works.shape)

    def _search(self, missing: list[bytes]) -> None:
        missing.sort(key=_kin)  # one nest's widths after the other: each is the next one's bound
        works = np.frombuffer(b"".join(missing), WORK).view(np.recarray)
        bounds = table(MAPPING, len(missing))
        for i, key in enumerate(missing):
            known = self._latest.get(key[_NEST])
            if known is not None:
                bounds[i] = self.mappings[known]
        found = find_mappings(works, self.machine, self.dataflows, self.objective, self._scratch, bounds)
        self._remember(missing, *found)
        if self._store is not None:
            names = (content_key(self.settings, key) for key in missing)
            values = (found[0][i].tobytes() + found[1][i].tobytes() for i in range(len(missing)))
            self._store.write(dict(zip(names, values, strict=True)))

    def _remember(self, keys: list[bytes], mappings: Table, costs: Table) -> None:
        first, last = len(self.place_of), len(self.place_of) + len(keys)
        if last > len(self.mappings):
            self.mappings, self.costs = (_grown(one, 2 * last) for one in (self.mappings, self.costs))
        self.mappings[first:last], self.costs[first:last] = mappings, costs
        self.place_of.update(zip(keys, range(first, last), strict=True))
        self._latest.update((key[_NEST], first + i) for i, key in enumerate(keys))

    def _fetch(self, missing: list[bytes]) -> list[bytes]:
        """Read what the file has of ``missing``; return what it has not.

        Raises
        ------
        SimulatorError
            The file or an entry is damaged.
        """
        store = self._store
        if store is None:
            return missing
        named = {content_key(self.settings, key): key for key in missing}
        values = store.read(named)
        check_sizes(store, values, lambda _: _PAIR.itemsize)
        if values:
            pairs = np.frombuffer(b"".join(values.values()), _PAIR)
            self._remember([named[name] for name in values], pairs["mapping"], pairs["cost"])
        return [key for name, key in named.items() if name not in values]


def _kin(key: bytes) -> tuple[bytes, bytes]:
    """Return what makes works neighbours: the nest, then how its products are packed."""
    return key[_NEST], b"".join([key[place] for place in _PRODUCTS])


def check_sizes(store: Store, values: dict[bytes, bytes], size_of: Callable[[bytes], int]) -> None:
    """Refuse entries of another size than they must have.

    Raises
    ------
    SimulatorError
        Names the file.
    """
    for name, value in values.items():
        if len(value) != size_of(name):
            message = f"cache {store.path}: an entry has {len(value)} bytes; delete it, or name another file"
            raise SimulatorError(message)


def _grown(records: Table, length: int) -> Table:
    grown = table(records.dtype, length)
    grown[: len(records)] = records
    return grown


def _records(works: Table) -> list[bytes]:
    """Return the bytes of each record, in order."""
    size, everything = works.dtype.itemsize, works.tobytes()
    return [everything[i : i + size] for i in range(0, len(everything), size)]
