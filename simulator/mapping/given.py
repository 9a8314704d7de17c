"""Mappings as people write and read them: checked on the way in, reusable on the way out."""

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.errors import MappingError
from simulator.records import DATAFLOW_NAMES, MAC_WORK, MAPPING, ORDER_NAMES, Table, table

TILE_FIELDS = ("N", "P", "Q", "G", "K", "C")
MAX_CHUNKS = 2**20
RECURRENT = "recurrent"
PARTS = "parts"
GivenMappings = Mapping[str, Mapping[str, Any]]


def given_mapping(
    work: Any,  # noqa: ANN401
    given: object,
    name: str,
    flows: tuple[str, Sequence[str]],
    *,
    clip: bool = False,
) -> Table:
    """Check a user's mapping against the layer's extents.

    Parameters
    ----------
    work : record of WORK
    given : mapping
        ``{"order": str, "dataflow": str, "tile": {dimension: extent}}``; ``{"chunks": int}`` for vector and copy work.
    name : str
        The layer, for errors.
    flows : (str, sequence of str)
        The dataflow where none is given, and all that the array runs.
    clip : bool
        The work may be a part of its layer: a tile larger than the part is the part.

    Raises
    ------
    MappingError
        It is no mapping of this layer on this array; names the field, its value and what would do.
    """
    result = table(MAPPING, 1)
    given = checked_form(given, name)
    if work.kind == MAC_WORK:
        _fill_tiled(work, _clipped(work, given) if clip else given, name, flows, result[0])
    else:
        _fill_chunked(given, name, result[0])
    return result


def checked_form(given: object, name: str) -> Mapping[str, Any]:
    """Return ``given`` if it is a mapping at all.

    Raises
    ------
    MappingError
        It is something else.
    """
    if isinstance(given, Mapping):
        return given
    message = f'mapping for {name!r}: {given!r} is no mapping; write {{"order": "mkc", "tile": {{"K": 128}}}}'
    raise MappingError(message)


def _clipped(work: Any, given: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ANN401
    tile = given.get("tile", {})
    if not isinstance(tile, Mapping):
        return given
    known = {name for name in TILE_FIELDS if isinstance(tile.get(name), int)}
    return {**given, "tile": {**tile, **{name: min(tile[name], int(work[name])) for name in known}}}


def _fill_chunked(given: Mapping[str, Any], name: str, result: Any) -> None:  # noqa: ANN401
    chunks = given.get("chunks", 1)
    if set(given) - {"chunks", PARTS} or not _is_extent(chunks, MAX_CHUNKS):
        message = f'mapping for {name!r}: {dict(given)!r}; vector and copy layers take {{"chunks": 1..{MAX_CHUNKS}}}'
        raise MappingError(message)
    result.chunks = chunks


def _fill_tiled(
    work: Any,  # noqa: ANN401
    given: Mapping[str, Any],
    name: str,
    flows: tuple[str, Sequence[str]],
    result: Any,  # noqa: ANN401
) -> None:
    default, allowed = flows
    order, tile, flow = given.get("order", "mkc"), given.get("tile", {}), given.get("dataflow", default)
    faults = {
        **{key: True for key in given if key not in ("order", "tile", "dataflow", RECURRENT, PARTS)},
        "order": order not in ORDER_NAMES,
        "tile": not isinstance(tile, Mapping),
        "dataflow": flow not in DATAFLOW_NAMES or flow not in allowed,
    }
    if any(faults.values()):
        wrong = next(key for key, faulty in faults.items() if faulty)
        message = (
            f"mapping for {name!r}: {wrong} = {given.get(wrong)!r}; "
            f'write {{"order": one of {", ".join(ORDER_NAMES)}, "dataflow": one of {", ".join(allowed)}, '
            f'"tile": {{"P": 7, "K": 128, ...}}}}'
        )
        raise MappingError(message)
    result.order = ORDER_NAMES.index(order)
    result.dataflow = DATAFLOW_NAMES.index(flow)
    result.chunks = 1
    for field, extent in tile.items():
        if field not in TILE_FIELDS or not _is_extent(extent, int(work[field])):
            limit = f"1..{work[field]}" if field in TILE_FIELDS else f"a dimension of {', '.join(TILE_FIELDS)}"
            message = f"mapping for {name!r}: tile.{field} = {extent!r}; give {limit}"
            raise MappingError(message)
    for field in TILE_FIELDS:
        result[field] = tile.get(field, work[field])
    _check_nesting(work, result, name)


def _is_extent(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _check_nesting(work: Any, mapping: Any, name: str) -> None:  # noqa: ANN401
    """Row tiles nest: columns are cut only within one row, rows only within one image, groups only whole."""
    faults = {
        "P": mapping.P < work.P and mapping.N > 1,
        "Q": mapping.Q < work.Q and (mapping.P > 1 or mapping.N > 1),
        "G": mapping.G > 1 and (mapping.K < work.K or mapping.C < work.C),
    }
    needs = {"P": "N = 1", "Q": "N = 1 and P = 1", "G": "whole K and C (or G = 1)"}
    for field, faulty in faults.items():
        if faulty:
            message = f"mapping for {name!r}: tile.{field} = {mapping[field]} needs {needs[field]}"
            raise MappingError(message)


def mapping_to_dict(work: Any, mapping: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a mapping in the form that a user can give back."""
    if work.kind != MAC_WORK:
        return {"chunks": int(mapping.chunks)}
    return {
        "dataflow": DATAFLOW_NAMES[int(mapping.dataflow)],
        "order": ORDER_NAMES[int(mapping.order)],
        "tile": {field: int(mapping[field]) for field in TILE_FIELDS},
    }


def row_mapping(works: Sequence[Any], mappings: Sequence[Any], wholes: Sequence[int]) -> dict[str, Any]:
    """Return the mapping of a result row; ``wholes`` says which of its works are parts of the same.

    A recurrent layer's second product stands under ``recurrent``. Where the parts of a layer that is split over cores
    have different mappings, the first's is shown, and each of them under ``parts``.
    """
    by_whole: dict[int, list[dict[str, Any]]] = {}
    for work, mapping, whole in zip(works, mappings, wholes, strict=True):
        by_whole.setdefault(whole, []).append(mapping_to_dict(work, mapping))
    found = [
        parts[0] | ({PARTS: parts} if any(part != parts[0] for part in parts) else {}) for parts in by_whole.values()
    ]
    return found[0] | ({RECURRENT: found[1]} if len(found) > 1 else {})
