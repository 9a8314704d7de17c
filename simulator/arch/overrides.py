"""``PATH=VALUE`` overrides of a description, and the path of every number in it. Knows the form, not the meaning."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simulator.arch.description import Accelerator
from simulator.arch.last_level import LastLevelScratchpad
from simulator.errors import ArchitectureError, did_you_mean

OVERRIDDEN = "overridden"
UNSOURCED = "no source given"
_OPEN_MAPPINGS = ("sources", "vector.operations_per_element")
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a description: its path (list entries by name where they have one), value and source."""

    path: str
    value: float
    source: str


def numbers(accelerator: Accelerator) -> tuple[Number, ...]:
    """Return every number of a description with its source, defaults included; one core is no number.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> numbers(load_accelerator("tpu_v1", overrides=["array.rows=64"]))[1]
    Number(path='array.rows', value=64, source='overridden')
    """
    data = accelerator.model_dump(mode="json", by_alias=True, exclude={"sources"})
    return tuple(
        Number(path, value, accelerator.sources.get(path, UNSOURCED))
        for path, value in _leaves(data, ())
        if isinstance(value, int | float) and not isinstance(value, bool) and (path, value) != ("cores", 1)
    )


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, _entry_key(item, index)))
    else:
        yield ".".join(path), value


def _entry_key(item: Any, index: int) -> str:  # noqa: ANN401 - any JSON value
    return str(item["name"]) if isinstance(item, dict) and "name" in item else str(index)


def apply_override(data: dict[str, Any], override: str) -> None:
    """Change one field of a complete description in place; its source becomes ``overridden``.

    Parameters
    ----------
    data : dict
        A description with every field present (``Accelerator.model_dump(mode="json", by_alias=True)``).
    override : str
        ``PATH=VALUE``: a dotted path, a list entered by an entry's ``name`` or index (``buffers.unified.slots``,
        ``buffers[0].slots``); the value is JSON, or a bare word.

    Raises
    ------
    ArchitectureError
        Malformed, or the path leads nowhere.
    """
    path, equals, text = override.partition("=")
    parts = _BRACKETS.sub(r".\1", path.strip()).strip(".").split(".")
    if not equals or not all(parts):
        message = f"--set {override!r}: write PATH=VALUE, for example array.rows=64"
        raise ArchitectureError(message)
    if parts[0] == "sources" and len(parts) > 1:  # the keys of this mapping are paths themselves
        parts = ["sources", ".".join(parts[1:])]
    if (
        parts[0] == "last_level" and len(parts) > 1 and data.get("last_level") is None
    ):  # the one part that may be missing
        fields = LastLevelScratchpad.model_fields
        data["last_level"] = {name: None if one.is_required() else one.default for name, one in fields.items()}
    place: Any = data
    canonical: list[str] = []
    for part in parts[:-1]:
        key = _key_in(place, part, canonical, override, may_be_new=False)
        place = place[key]
        canonical.append(_entry_key(place, key) if isinstance(key, int) else key)
    key = _key_in(place, parts[-1], canonical, override, may_be_new=".".join(canonical) in _OPEN_MAPPINGS)
    canonical.append(_entry_key(place[key], key) if isinstance(key, int) else key)
    place[key] = _value(text, override)
    _mark(data, tuple(canonical), place[key])


def _key_in(
    place: Any,  # noqa: ANN401 - any JSON value
    part: str,
    canonical: list[str],
    override: str,
    *,
    may_be_new: bool,
) -> str | int:
    """Return the key or index under which ``part`` is found in ``place``."""
    where = ".".join(canonical)
    if isinstance(place, dict):
        if part in place or may_be_new:
            return part
        known = list(place)
    elif isinstance(place, list):
        names = [_entry_key(item, index) for index, item in enumerate(place)]
        if part in names:
            return names.index(part)
        if part.isdecimal() and int(part[:9]) < len(place):
            return int(part[:9])
        known = names
    else:
        message = f"--set {override!r}: {where} = {place!r} is a plain value; end the path there"
        raise ArchitectureError(message)
    inside = f" in {where}" if where else ""
    allowed = f"{did_you_mean(part, known)} (allowed: {', '.join(known)})"
    message = f"--set {override!r}: no field {part!r}{inside}{allowed}; correct the path"
    raise ArchitectureError(message)


def _value(text: str, override: str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        value = json.loads(text)
    except RecursionError:
        message = f"--set {override[:40]!r}...: the value is nested too deeply; give a plain value"
        raise ArchitectureError(message) from None
    except ValueError:
        return text.strip()
    if isinstance(value, float) and not math.isfinite(value):
        message = f"--set {override!r}: the value is not finite; give a finite number"
        raise ArchitectureError(message)
    return value


def _mark(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Replace the sources of ``path`` and of everything below it."""
    sources = data["sources"]
    if path[0] == "sources" or not isinstance(sources, dict):
        return
    place = ".".join(path)
    kept = {key: text for key, text in sources.items() if key != place and not key.startswith(f"{place}.")}
    data["sources"] = kept | {leaf: OVERRIDDEN for leaf, _ in _leaves(value, path)}
