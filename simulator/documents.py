"""JSON documents at the edge of the package: read, checked against their form, written whole. Knows files, not meaning.

Every description (accelerator, technology, workload) comes from a stranger: what is missing, too large, no regular
file, no UTF-8, no JSON, nested without end or misspelled ends in one error of the caller's class, one line a fault.
"""

import json
import math
import os
import re
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from reprlib import Repr
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from simulator.errors import SimulatorError, did_you_mean

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_VALUES = 4_000_000
MAX_FAULTS = 8
_KIND = re.compile(r"simulator\.(?P<kind>[a-z]+)/\d+")
_MANY_FAULTS, _KEPT_ITEMS = 5_000, 64

Form = TypeVar("Form", bound=BaseModel)
Schema = Mapping[str, Any]

_SHORT = Repr()
_SHORT.maxlevel = _SHORT.maxdict = 2
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60


def read_json(path: Path, error_type: type[SimulatorError]) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON value in ``path``.

    Parameters
    ----------
    path : Path
    error_type : type of SimulatorError
        What to raise: the caller's own branch of the tree.

    Raises
    ------
    SimulatorError
        Of class ``error_type``: the file is missing, no regular file, larger than 64 MiB, not UTF-8, not JSON, says a
        key twice or holds NaN or Infinity. The message names the file, the place and the remedy.
    """
    return parse_json(_read_text(path, error_type), str(path), error_type)


def _read_text(path: Path, error_type: type[SimulatorError]) -> str:
    try:
        if not path.exists():
            message = f"{path}: no such file; check the path"
            raise error_type(message)
        if not path.is_file():  # a device or a pipe may never end
            message = f"{path}: is no regular file; give the path of a JSON file"
            raise error_type(message)
        if path.stat().st_size > MAX_FILE_BYTES:
            message = f"{path}: larger than {MAX_FILE_BYTES} bytes; no description is that large"
            raise error_type(message)
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as problem:  # ValueError: not UTF-8, or a path with a NUL
        message = f"{path}: cannot be read ({problem}); give a readable UTF-8 JSON file"
        raise error_type(message) from None


def parse_json(text: str, where: str, error_type: type[SimulatorError]) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON value in ``text``; ``where`` is named in errors.

    Examples
    --------
    >>> from simulator.errors import WorkloadError
    >>> parse_json('{"bits": 8}', "a.json", WorkloadError)
    {'bits': 8}
    """
    if text.count(",") > MAX_VALUES:
        message = f"{where}: holds more than {MAX_VALUES} values; no description is that large"
        raise error_type(message)
    try:
        return json.loads(
            text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_without_repeated_keys
        )
    except RecursionError:
        message = f"{where}: is nested too deeply; a description has a few levels only"
        raise error_type(message) from None
    except ValueError as problem:
        message = f"{where}: is not valid JSON ({problem}); check that the file is complete"
        raise error_type(message) from None


def _refuse_constant(text: str) -> float:
    message = f"{text} is not a JSON number"
    raise ValueError(message)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        message = f"{text} is beyond what a 64-bit float holds"
        raise ValueError(message)
    return number


def _without_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        times = Counter(key for key, _ in pairs)
        message = f"key {next(key for key, count in times.items() if count > 1)!r} occurs twice in one object"
        raise ValueError(message)
    return result


def parse_form(form: type[Form], data: object, where: str, error_type: type[SimulatorError]) -> Form:
    """Return ``data`` (a JSON value) as the frozen description ``form``.

    Types are JSON's own: true is no integer, "8" no number.

    Parameters
    ----------
    form : type of pydantic.BaseModel
    data : object
        What :func:`read_json` returned.
    where : str
        File or object named in errors.
    error_type : type of SimulatorError

    Raises
    ------
    SimulatorError
        Of class ``error_type``, with every fault of form: see :func:`describe_faults`.
    """
    if not isinstance(data, dict):
        message = f"{where}: the top level is {_SHORT.repr(data)}; a description is a JSON object"
        raise error_type(message)
    _refuse_other_kind(form, data, where, error_type)
    try:
        text = json.dumps(data)
    except (RecursionError, TypeError, ValueError) as problem:  # a dictionary that no file gave
        message = f"{where}: is no JSON value ({problem}); give objects, lists, strings, numbers, true, false and null"
        raise error_type(message) from None
    try:
        return form.model_validate_json(text, strict=True)
    except ValidationError as problem:
        schema = form.model_json_schema(by_alias=True)
        first = _first_faults(form, data, problem)
        raise error_type(describe_faults(where, first, schema, data, count=problem.error_count())) from None


def _refuse_other_kind(
    form: type[BaseModel], data: Mapping[str, object], where: str, error_type: type[SimulatorError]
) -> None:
    """Say that a file is another kind of description, instead of listing all fields that such a file has not."""
    found = _KIND.fullmatch(str(data.get("schema")))
    field = next((field for field in form.model_fields.values() if field.alias == "schema"), None)
    allowed = get_args(field.annotation) if field is not None else ()
    wanted = _KIND.fullmatch(str(allowed[0])) if allowed else None
    if found and wanted and found["kind"] != wanted["kind"]:
        message = f"{where}: holds {_article(found['kind'])} ({found[0]!r}), not {_article(wanted['kind'])}"
        raise error_type(f"{message}; give a file whose schema is {wanted[0]!r}")


def _article(word: str) -> str:
    return f"{'an' if word[:1] in 'aeiou' else 'a'} {word}"


def _first_faults(form: type[BaseModel], data: object, problem: ValidationError) -> ValidationError:
    """Return ``problem``; where its faults are without number, those of the first items: telling one takes its time."""
    if problem.error_count() <= _MANY_FAULTS:
        return problem
    try:
        form.model_validate_json(json.dumps(_cut(data)), strict=True)
    except ValidationError as fewer:
        return fewer
    return problem


def _cut(value: object) -> object:
    """Return a JSON value with the first items of each list and object only."""
    if isinstance(value, dict):
        return {key: _cut(value[key]) for key in list(value)[:_KEPT_ITEMS]}
    return [_cut(item) for item in value[:_KEPT_ITEMS]] if isinstance(value, list) else value


def describe_faults(
    where: str,
    problem: ValidationError,
    schema: Schema | None = None,
    data: object = None,
    *,
    limit: int = MAX_FAULTS,
    count: int = 0,
) -> str:
    """Return a message of one line a fault: file, field, value, what is wrong and how to mend it.

    Parameters
    ----------
    where : str
        The file.
    problem : pydantic.ValidationError
        What the check found.
    schema : mapping, optional
        JSON Schema of the form: an unknown key is then answered with the nearest known one and all that are allowed.
    data : object, optional
        What was checked: the ``name`` of a faulty item of a list is then told beside its index.
    limit : int
        Faults listed before "and N more".
    count : int
        How many there are, where ``problem`` holds only some.
    """
    faults = problem.errors(include_url=False)
    there = max(count, len(faults))
    lines = [f"{where}: {_describe(fault, schema or {}, data)}" for fault in faults[:limit]]
    if there > limit:
        lines.append(f"{where}: ... and {there - limit} more faults")
    return "\n".join(lines)


def _describe(fault: ErrorDetails, schema: Schema, data: object) -> str:
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
            key, known = str(context["discriminator"]).strip("'"), _words(str(context["expected_tags"]))
            return (
                f"{place}.{key} = {context['tag']!r}: unknown{_offer(str(context['tag']), known)}; give a known {key}"
            )
        case "literal_error":
            known = _words(str(context["expected"]).replace(" or ", ", "))
            return f"{place} = {value}: unknown{_offer(str(fault['input']), known)}; give one of them"
        case "tuple_type" | "list_type":
            return f"{place} = {value}: is no list; give a JSON list, even of one item"
        case "value_error":  # a validator of ours: it knows fields and remedy
            return f"{place}: {context['error']}" if fault["loc"] else str(context["error"])
        case _:
            return f"{place} = {value}: {_lower(fault['msg'])}; change it"


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _place(location: Sequence[str | int], data: object) -> str:
    """Return ``layers[3].stride (in 'conv1')``; union tags, which are not in the file, are left out."""
    text, named = "", ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
            data = data[part] if isinstance(data, list) and part < len(data) else None
            if isinstance(data, dict) and isinstance(data.get("name"), str):
                named = f" (in {_SHORT.repr(data['name'])})"
        elif _is_no_key(part, data):
            continue
        else:
            key = part if part.isidentifier() else _SHORT.repr(part)
            text += f".{key}" if text else key
            data = data.get(part) if isinstance(data, dict) else None
    return f"{text or '(top level)'}{named}"


def _is_no_key(part: str, data: object) -> bool:
    """Tell a union's tag, and pydantic's word for a mapping's key itself, from a key of the file."""
    if part == "[key]":
        return True
    return isinstance(data, dict) and part not in data and part in (data.get("op"), data.get("kind"))


def _offer(word: str, known: Sequence[str]) -> str:
    return did_you_mean(word, known) + (f" (allowed: {', '.join(known)})" if known else "")


def _words(listing: str) -> list[str]:
    return [word.strip().strip("'") for word in listing.split(",")]


def _known_keys(location: Sequence[str | int], schema: Schema) -> list[str]:
    """Walk the JSON Schema down to the object that holds the unknown key; union tags pick their branch."""
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


def _resolve(node: Schema, schema: Schema) -> Schema:
    definition = str(node.get("$ref", "")).removeprefix("#/$defs/")
    resolved: Schema = schema.get("$defs", {}).get(definition, node)
    return resolved


def write_atomically(path: Path, text: str | bytes, error_type: type[SimulatorError]) -> None:
    """Write ``text`` (UTF-8) to ``path`` through a file beside it and a rename: no half-written file is ever seen.

    Raises
    ------
    SimulatorError
        Of class ``error_type``: the folder is missing or not writable, or ``path`` is a folder.
    """
    beside = ""
    try:
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode() if isinstance(text, str) else text)
        Path(beside).chmod(0o644)
        Path(beside).replace(path)
    except (OSError, ValueError) as problem:  # ValueError: a path with a NUL, or a lone surrogate in the text
        if beside:
            Path(beside).unlink(missing_ok=True)
        message = f"{path}: cannot be written ({problem}); give a path in a folder that exists and is writable"
        raise error_type(message) from None
