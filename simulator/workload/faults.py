"""Faults of a file's form, told so that a person can mend them: one line each, with file, field, value and remedy."""

from collections.abc import Mapping, Sequence
from reprlib import Repr
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from simulator.errors import did_you_mean

_SHORT = Repr()
_SHORT.maxlevel = _SHORT.maxdict = 2
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60
MAX_LISTED_NAMES = 12


def describe_faults(
    where: str,
    problem: ValidationError,
    schema: Mapping[str, Any] | None = None,
    data: object = None,
    *,
    limit: int = 8,
) -> str:
    """Return a message of one line a fault.

    Parameters
    ----------
    where : str
        The file.
    problem : pydantic.ValidationError
        What the check found.
    schema : mapping, optional
        JSON Schema of the form: the nearest known key is then offered for an unknown one.
    data : object, optional
        What was checked: the ``name`` of a faulty item of a list is then told beside its index.
    limit : int
        Faults listed before "and N more".
    """
    faults = problem.errors(include_url=False)
    lines = [f"{where}: {_describe(fault, schema or {}, data)}" for fault in faults[:limit]]
    if len(faults) > limit:
        lines.append(f"{where}: ... and {len(faults) - limit} more faults")
    return "\n".join(lines)


def _describe(fault: ErrorDetails, schema: Mapping[str, Any], data: object) -> str:
    place = _place(fault["loc"], data)
    value = _SHORT.repr(fault["input"])
    context = fault.get("ctx", {})
    match fault["type"]:
        case "missing":
            return f"{place}: is missing; add it"
        case "extra_forbidden":
            known = _known_keys(fault["loc"], schema)
            return f"{place} = {value}: unknown key{_offer(str(fault['loc'][-1]), known)}; rename or remove it"
        case "union_tag_not_found":
            return f"{place}: has no {context['discriminator']}; add it"
        case "union_tag_invalid":
            key = str(context["discriminator"]).strip("'")
            known = _quoted(str(context["expected_tags"]))
            place = _place((*fault["loc"], key), data)
            hint = _offer(str(context["tag"]), known)
            return f"{place} = {context['tag']!r}: unknown{hint}; give a known {key}"
        case "literal_error":
            known = _quoted(str(context["expected"]).replace(" or ", ", "))
            return f"{place} = {value}: {fault['msg']}{did_you_mean(str(fault['input']), known)}"
        case "value_error":
            return f"{place}: {context['error']}"
        case _:
            return f"{place} = {value}: {fault['msg']}"


def _place(location: Sequence[str | int], data: object) -> str:
    """Return ``layers[3].stride (in 'conv1')``; union tags, which are not in the file, are left out."""
    text, named = "", ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
            data = data[part] if isinstance(data, list) and part < len(data) else None
            if isinstance(data, dict) and isinstance(data.get("name"), str):
                named = f" (in {_SHORT.repr(data['name'])})"
        elif isinstance(data, dict) and part not in data and part in (data.get("op"), data.get("kind")):
            continue
        else:
            key = part if part.isidentifier() else _SHORT.repr(part)
            text += f".{key}" if text else key
            data = data.get(part) if isinstance(data, dict) else None
    return f"{text or '(top level)'}{named}"


def _offer(word: str, known: Sequence[str]) -> str:
    """Return the nearest known word, or the known words where they are few."""
    near = did_you_mean(word, known)
    return near if near or not 0 < len(known) <= MAX_LISTED_NAMES else f" (known: {', '.join(known)})"


def _quoted(listing: str) -> list[str]:
    return [word.strip().strip("'") for word in listing.split(",")]


def _known_keys(location: Sequence[str | int], schema: Mapping[str, Any]) -> list[str]:
    """Return the keys allowed there, by walking the JSON Schema down; union tags pick their branch."""
    node = schema
    for part in location[:-1]:
        if isinstance(part, int):
            node = node.get("items", {})
        elif part in node.get("properties", {}):
            node = node["properties"][part]
        else:
            node = {"$ref": node.get("discriminator", {}).get("mapping", {}).get(part, "")}
        node = _resolve(node, schema)
    return list(node.get("properties", {}))


def _resolve(node: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    definition = str(node.get("$ref", "")).removeprefix("#/$defs/")
    resolved: Mapping[str, Any] = schema.get("$defs", {}).get(definition, node)
    return resolved
