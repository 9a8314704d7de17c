"""What formats did in a run: bytes of each operand beside its raw ones, and which were bypassed."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from simulator.dataflow.binding import BoundNetwork
from simulator.engine.compression import StoredForm
from simulator.results import LayerResult

COUNTS = ("tiles", "bypassed_tiles", "raw_bytes", "encoded_bytes", "stored_bytes")


def with_formats(
    layers: Sequence[LayerResult], network: BoundNetwork, forms: Sequence[StoredForm]
) -> tuple[LayerResult, ...]:
    """Return the layers with the form of each operand; as they are where nothing has a format."""
    rows: dict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
    for form in forms:
        known = rows[network.row_of_work[form.work]].setdefault(
            form.operand, {"format": form.format, "size_from": form.size_from, **dict.fromkeys(COUNTS, 0)}
        )
        for name in COUNTS:
            known[name] += getattr(form, name)
        known["bypassed"] = known["bypassed_tiles"] == known["tiles"]
    return tuple(replace(layer, formats=rows[i]) if i in rows else layer for i, layer in enumerate(layers))


def bypass_remarks(layers: Sequence[LayerResult]) -> tuple[str, ...]:
    """Say where a format was bypassed, because it would have been no smaller than the raw tensor."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for layer in layers:
        for operand, form in (layer.formats or {}).items():
            if form["bypassed"]:
                found[form["format"], operand].append(layer.name)
    return tuple(
        f"{form} of {operand} is bypassed in {len(names)} of {len(layers)} layers, because it would be no smaller than "
        f"the raw tensor: {', '.join(names[:3])}{' ...' if len(names) > 3 else ''}"
        for (form, operand), names in found.items()
    )


UNPRICED_CODEC = (
    "energy of the codec is not priced (no source gives one): what formats save in DRAM energy is before what encoding "
    "and decoding cost"
)


def codec_remarks(layers: Sequence[LayerResult]) -> tuple[str, ...]:
    """Say that the codec's energy is missing, where a tensor is stored encoded."""
    forms = [form for layer in layers for form in (layer.formats or {}).values()]
    return () if all(form["bypassed"] for form in forms) else (UNPRICED_CODEC,)
