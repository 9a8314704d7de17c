"""Mappings as people write and read them: checked on the way in, reusable on the way out."""

from collections.abc import Mapping
from typing import Any

from simulator.errors import MappingError
from simulator.records import DATAFLOW_NAMES, MAC_WORK, MAPPING, ORDER_NAMES, Table, table

TILE_FIELDS = ("N", "P", "Q", "G", "K", "C")
GivenMappings = Mapping[str, Mapping[str, Any]]


def given_mapping(work: Any, given: Mapping[str, Any], name: str, dataflow: str) -> Table:  # noqa: ANN401
    """Check a user's mapping against the layer's extents."""
    order, tile, flow = given.get("order", "mkc"), given.get("tile", {}), given.get("dataflow", dataflow)
    faults = {
        **{key: True for key in given if key not in ("order", "tile", "dataflow")},
        "order": order not in ORDER_NAMES,
        "tile": not isinstance(tile, Mapping),
        "dataflow": flow not in DATAFLOW_NAMES,
    }
    if any(faults.values()):
        wrong = next(key for key, faulty in faults.items() if faulty)
        message = (
            f"mapping for {name!r}: {wrong} = {given.get(wrong)!r}; "
            f'write {{"order": one of {", ".join(ORDER_NAMES)}, "dataflow": "ws", "tile": {{"P": 7, "K": 128, ...}}}}'
        )
        raise MappingError(message)
    result = table(MAPPING, 1)
    result[0].order = ORDER_NAMES.index(order)
    result[0].dataflow = DATAFLOW_NAMES.index(flow)
    result[0].chunks = 1
    for field, extent in tile.items():
        if field not in TILE_FIELDS or not isinstance(extent, int) or not 1 <= extent <= work[field]:
            limit = f"1..{work[field]}" if field in TILE_FIELDS else f"a dimension of {', '.join(TILE_FIELDS)}"
            message = f"mapping for {name!r}: tile.{field} = {extent!r}; give {limit}"
            raise MappingError(message)
    for field in TILE_FIELDS:
        result[0][field] = tile.get(field, work[field])
    _check_nesting(work, result[0], name)
    return result


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
