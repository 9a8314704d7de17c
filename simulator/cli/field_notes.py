"""What the fields of a written description mean, beside its values and what they may be. Knows schemas only."""

import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Form = Mapping[str, Any]
_LONGEST_VALUE = 44
_UNITS = "Units stand at the end of names: `_hz`, `_bytes`, `_cycles`, `_bits`, `_pj_per_bit`, `_w`, `_v`, `_nm`."
_HEAD = ("| field | value here | may be | meaning |", "|---|---|---|---|")
_COMMON = {
    "schema": "Which form this file has: leave it.",
    "name": "Yours to choose; reports and other fields use it.",
    "op": "What the layer does; it decides which other fields there are.",
    "inputs": "Names of the tensors read, in the order of the operator: data, weights, bias.",
    "outputs": "Names of the tensors made.",
    "stride": "Elements from one window to the next, a number for each spatial axis.",
    "dilation": "Elements from one tap to the next, a number for each spatial axis.",
    "padding": "Zeros before and behind, a pair for each spatial axis.",
    "kernel": "Size of the window, a number for each spatial axis.",
    "function": "Which activation: relu, sigmoid, gelu and so on.",
    "source": "Where the description comes from.",
    "note": "What a reader should know.",
}


def field_notes(title: str, data: Form, schema: Form) -> str:
    """Return a Markdown page of every field of ``data``: path, value, what it may be, what it means.

    Parameters
    ----------
    title : str
    data : mapping
        The JSON value of a description.
    schema : mapping
        Its JSON Schema, numpydoc descriptions included.
    """
    rows = [f"| {' | '.join(map(_cell, row))} |" for row in _rows(data, schema, "", schema.get("$defs", {}))]
    return "\n".join([f"# {title}", "", _UNITS, "", *_HEAD, *rows]) + "\n"


def _rows(data: Form, form: Form, path: str, forms: Form) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row for each field of an object, then those of the objects in it."""
    _, meanings = documented(form.get("description", ""))
    properties = form.get("properties", {})
    for name, value in data.items():
        about = properties.get(name, {})
        inside = list(_objects(value, about, forms))
        meaning = about.get("description") or meanings.get(name) or _COMMON.get(name, "")
        shown = "see below" if inside else _short(value)
        yield f"`{path}{name}`", shown, re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", kind_of(about)), meaning
        listed = "[]" if isinstance(value, list) else ""
        for part, of in inside:
            kind = f"({part['op']})" if listed and "op" in part else ""
            yield from _rows(part, of, f"{path}{name}{listed}{kind}.", forms)


def _objects(value: Any, about: Form, forms: Form) -> Iterator[tuple[Form, Form]]:  # noqa: ANN401 - any JSON value
    """Yield the objects in a field with their forms; of a list one of each form."""
    seen: list[tuple[Any, Any]] = []
    for part in value if isinstance(value, list) else [value]:
        form = _form_of(part, about.get("items", {}) if isinstance(value, list) else about, forms)
        if form is not None and (form.get("title"), part.get("op")) not in seen:
            seen.append((form.get("title"), part.get("op")))
            yield part, form


def _form_of(value: Any, about: Form, forms: Form) -> Form | None:  # noqa: ANN401 - any JSON value
    """Return the form of an object among those that ``about`` allows: the first with all of its fields."""
    if not isinstance(value, dict):
        return None
    if "$ref" in about:
        return _form_of(value, forms[about["$ref"].rpartition("/")[2]], forms)
    for joined in ("anyOf", "oneOf", "allOf"):
        found = (_form_of(value, one, forms) for one in about.get(joined, ()))
        fits = next((form for form in found if form is not None), None)
        if fits is not None:
            return fits
    properties = about.get("properties")
    if properties is None or not set(value) <= set(properties):
        return None
    named = {
        name: one.get("enum", [one.get("const")]) for name, one in properties.items() if {"enum", "const"} & set(one)
    }
    return about if all(value.get(name, allowed[0]) in allowed for name, allowed in named.items()) else None


def _short(value: Any) -> str:  # noqa: ANN401 - any JSON value
    text = json.dumps(value, ensure_ascii=False)
    return f"`{text}`" if len(text) <= _LONGEST_VALUE else f"`{text[: _LONGEST_VALUE - 2]} …`"


def _cell(text: str) -> str:
    plain = re.sub(r":[a-z]+:`~?([^`]+)`", r"`\1`", text)
    return re.sub(r"\s+", " ", plain).replace("|", "\\|").strip()


def documented(text: str) -> tuple[str, dict[str, str]]:
    r"""Return a numpydoc docstring's summary, and the meaning of each parameter by name.

    Examples
    --------
    >>> documented("A thing.\n\nParameters\n----------\nrows, columns : int\n    Of PEs.\nname : str\n")
    ('A thing.', {'rows': 'Of PEs.', 'columns': 'Of PEs.', 'name': ''})
    """
    lines = inspect.cleandoc(text).splitlines()
    heads = [i for i, line in enumerate(lines) if re.fullmatch(r"-{3,}", line)]
    first = next((i for i in heads if lines[i - 1] in ("Parameters", "Attributes")), None)
    summary = " ".join(line for line in lines[: heads[0] - 1 if heads else len(lines)] if line).replace("``", "`")
    return summary, _meanings(lines[first + 1 :]) if first is not None else {}


def _meanings(lines: Sequence[str]) -> dict[str, str]:
    meanings: dict[str, str] = {}
    names: list[str] = []
    for line in lines:
        if re.fullmatch(r"[A-Z][a-z]+", line):
            break
        if line and not line.startswith(" "):
            names = [name.strip() for name in line.partition(" : ")[0].split(",")]
            meanings |= dict.fromkeys(names, "")
        else:
            meanings |= {name: f"{meanings[name]} {line.strip()}".strip().replace("``", "`") for name in names}
    return meanings


def kind_of(about: Form) -> str:
    """Return a field's type in words, links to other objects included.

    Examples
    --------
    >>> kind_of({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]})
    'integer ≥ 1 or null'
    """
    if "$ref" in about:
        title = about["$ref"].rpartition("/")[2]
        return f"[{title}](#{title.lower()})"
    for joined in ("anyOf", "oneOf", "allOf"):
        if joined in about:
            return " or ".join(dict.fromkeys(kind_of(one) for one in about[joined]))
    if "const" in about:
        return f"`{json.dumps(about['const'])}`"
    if "enum" in about:
        return ", ".join(f"`{json.dumps(one)}`" for one in about["enum"])
    if about.get("type") == "array":
        within = about.get("prefixItems") or [about.get("items", {})]
        return "list of " + ", ".join(dict.fromkeys(kind_of(one) for one in within))
    if about.get("type") == "object" and isinstance(about.get("additionalProperties"), dict):
        return f"object of {kind_of(about['additionalProperties'])}"
    return str(about.get("type", "any")) + _limits(about)


def _limits(about: Form) -> str:
    lower, upper = about.get("minimum"), about.get("maximum")
    above, below = about.get("exclusiveMinimum"), about.get("exclusiveMaximum")
    parts = [f"≥ {lower:,}" if lower is not None else "", f"> {above:,}" if above is not None else ""]
    parts += [f"≤ {upper:,}" if upper is not None else "", f"&lt; {below:,}" if below is not None else ""]
    said = ", ".join(part for part in parts if part)
    return f" {said}" if said else ""
