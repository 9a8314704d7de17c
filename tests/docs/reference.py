"""The reference pages that are written from code: commands, schemas, validation. ``--regenerate`` writes them."""

import csv
import inspect
import json
import re
from collections import Counter
from functools import cached_property

from pydantic import BaseModel
from typer.main import get_command

import simulator
from simulator.arch.library import accelerator_json_schema
from simulator.cli.app import app
from simulator.cli.field_notes import documented, kind_of
from simulator.report.result_files import result_json_schema
from simulator.search.sweep_spec import SweepSpec
from simulator.workload.files import workload_json_schema
from tests.architecture.source_tree import PROJECT

WRITTEN = "<!-- Written from code by `pytest tests/docs --regenerate`: edit the code. -->\n"
VALIDATION = """# Validation

Published or measured numbers beside simulated ones, as `simulator validate --write reports/validation` recorded them.
A row that misses its target stays red, and is listed here. *Shown* rows have no reference or no target. Tags:
*published* and *recalled* numbers are others' (the latter quoted from memory), *fitted* rows share a calibrated
constant, *inferred* ones a guess at what the chip did, *predicted* ones have nothing to compare with.
"""
ABOUT = {
    "accelerator": "An accelerator description: what `--arch FILE.json` reads and `simulator new arch` writes",
    "workload": "A network: what `simulator run FILE.json` reads, `import` and `simulator new workload` write",
    "result": "A result: what `--json` writes and `report` and `compare` read",
    "sweep": "A sweep's specification: what `simulator sweep SPEC.json` reads",
}


def sweep_json_schema():
    """Return the JSON Schema of sweep specifications."""
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "simulator.sweep/1"}
    return about | SweepSpec.model_json_schema(by_alias=True)


def schemas():
    """Return each published schema by its name."""
    return {
        "accelerator": accelerator_json_schema(),
        "workload": workload_json_schema(),
        "result": result_json_schema(),
        "sweep": sweep_json_schema(),
    }


def pages():
    """Return the text of every generated file by its path under ``docs``."""
    found = {"reference/commands.md": commands_page(), "reference/validation.md": validation_page()}
    found["reference/python.md"] = python_page()
    found |= {f"reference/{name}_schema.md": schema_page(name, schema) for name, schema in schemas().items()}
    found["schema/sweep.json"] = json.dumps(sweep_json_schema(), indent=1) + "\n"
    return found


def cell(text):
    """Return text for a cell of a Markdown table."""
    plain = re.sub(r":[a-z]+:`~?([^`]+)`", r"`\1`", str(text))
    return re.sub(r"\s+", " ", plain).replace("|", "\\|").replace("<", "&lt;").strip()


def table(heads, rows):
    """Return a Markdown table."""
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"


def commands_page():
    """Return every command with its arguments and options."""
    parts = [f"{WRITTEN}\n# Commands\n\n`simulator COMMAND --help` prints the same. Exit codes: 0 done, 2 bad input"]
    parts.append(" (one message names file, field, value and remedy), 1 a fault of the simulator.\n")
    for name, command in get_command(app).commands.items():
        parts.append(f"\n## {name}\n\n{command.help.strip()}\n\n")
        shown = [one for one in command.params if not getattr(one, "hidden", False)]
        words = [one.metavar or one.name.upper() for one in shown if type(one).__name__.endswith("Argument")]
        usage = " ".join(["simulator", name, *words, "[OPTIONS]"])
        rows = [_parameter(one) for one in shown]
        parts.append(f"`{usage}`\n" + ("\n" + table(("", "", "meaning", "default"), rows) if rows else ""))
    return "".join(parts)


def _parameter(one):
    option = type(one).__name__.endswith("Option")
    spelled = [*one.opts, *one.secondary_opts] if option else [one.metavar or one.name.upper()]
    value = "" if not option or one.is_flag else one.metavar or ("N" if isinstance(one.default, int) else "VALUE")
    plain = one.default is None or one.default is False or one.default == ()
    shown = "required" if one.required else "" if plain else f"`{one.default}`"
    repeat = "repeatable" if option and one.multiple else ""
    name = " ".join(f"`{word}`" for word in spelled)
    return name, f"`{cell(value)}`" if value else "", cell(one.help or ""), shown or repeat


def python_page():
    """Return the public names with their signatures, parameters, errors and examples."""
    text = f"{WRITTEN}\n# Python\n\nThe public face: `from simulator import ...`. All else may move between versions.\n"
    for name in (name for name in simulator.__all__ if not name.startswith("_")):
        thing = getattr(simulator, name)
        doc = inspect.cleandoc(thing.__doc__ or "")
        summary, meanings = documented(doc)
        text += f"\n## {name}\n\n{summary}\n\n"
        if not (inspect.isclass(thing) and issubclass(thing, Exception | BaseModel)):
            text += f"```text\n{name}{_signature(thing)}\n```\n\n"
        if meanings:
            text += table(("", "meaning"), [(f"`{one}`", cell(meaning)) for one, meaning in meanings.items()]) + "\n"
        _, _, raised = doc.partition("Raises\n------\n")
        if raised:
            text += f"Raises {_paragraph(raised)}\n\n"
        methods = [one for one in _methods(thing) if inspect.getdoc(getattr(thing, one))]
        text += "".join(f"- `.{one}`: {cell(_paragraph(inspect.getdoc(getattr(thing, one))))}\n" for one in methods)
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


def _signature(thing):
    """Return a call's signature, a line a parameter, without annotations: the table below names the types."""
    plain = [one.replace(annotation=inspect.Parameter.empty) for one in inspect.signature(thing).parameters.values()]
    return str(inspect.Signature(plain))


def _paragraph(text):
    lines = []
    for line in text.splitlines():
        if lines and not line.strip():
            break
        lines.append(line.strip())
    return cell(" ".join(lines).replace("``", "`"))


def _methods(thing):
    if not inspect.isclass(thing) or issubclass(thing, Exception):
        return []
    return sorted(
        one for one, value in vars(thing).items() if not one.startswith(("_", "model_")) and _described(value)
    )


def _described(value):
    return callable(value) or isinstance(value, property | classmethod | staticmethod | cached_property)


def schema_page(name, schema):
    """Return the tables of a schema: each object's fields with type, default and meaning."""
    forms = schema.get("$defs", {})
    text = f"{WRITTEN}\n# {name.capitalize()} files\n\n{ABOUT[name]}. The same as JSON Schema, for editors: "
    text += f"[`docs/schema/{name}.json`](../schema/{name}.json).\n\n## The file\n\n{form_part(schema)}"
    for title in sorted(forms):
        text += f"\n## {title}\n\n{form_part(forms[title])}"
    return text


def form_part(form):
    """Return one object of a schema: its summary, and a table of its fields."""
    summary, meanings = documented(form.get("description", ""))
    head = f"{summary}\n" if summary else ""
    if "properties" not in form:
        return f"{head}\n{kind_of(form)}\n" if "enum" in form or "const" in form else head
    rows = []
    for field, about in form["properties"].items():
        needed = field in form.get("required", ())
        plain = "default" in about and not isinstance(about["default"], dict)
        otherwise = f"`{cell(json.dumps(about['default']))}`" if plain else "its own" if "default" in about else ""
        default = "required" if needed else otherwise
        rows.append((f"`{field}`", kind_of(about), default, cell(about.get("description") or meanings.get(field, ""))))
    return f"{head}\n" + table(("field", "type", "default", "meaning"), rows)


def validation_page():
    """Return, chip by chip, how many rows pass and every row that does not."""
    text = f"{WRITTEN}\n{VALIDATION}\n"
    reports = {path.stem: _rows(path) for path in sorted((PROJECT / "reports" / "validation").glob("*.csv"))}
    counts = []
    for chip, rows in reports.items():
        verdicts = Counter(row["verdict"] for row in rows)
        unmeasured = any(row["verdict"] == "fail" and not row["error_pct"] for row in rows)
        worst = max((abs(float(row["error_pct"])) for row in rows if row["target_pct"] and row["error_pct"]), default=0)
        link = f"[{chip}](../../reports/validation/{chip}.md)"
        counts.append(
            (
                link,
                *(str(verdicts[one]) for one in ("pass", "fail", "shown")),
                "not in %" if unmeasured else f"{worst:.1f}",
            )
        )
    text += table(("chip", "pass", "fail", "shown", "largest error of a row with a target [%]"), counts)
    for chip, rows in reports.items():
        text += f"\n## {chip}\n\n" + _chip(chip, rows)
    return text


def _rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _chip(chip, rows):
    failed = [row for row in rows if row["verdict"] == "fail"]
    picture = PROJECT / "reports" / "validation" / f"{chip}.png"
    shown = f"![{chip}: simulated over published](../../reports/validation/{chip}.png)\n\n" if picture.is_file() else ""
    if not failed:
        compared = sum(row["verdict"] == "pass" for row in rows)
        return f"{shown}{f'All {compared} rows with a target pass.' if compared else 'No row has a target.'}\n"
    heads = ("name", "quantity", "unit", "reference", "simulated", "error_pct", "target_pct", "tag")
    return f"{shown}Rows that miss their target:\n\n" + table(
        heads, [[_number(row[head]) for head in heads] for row in failed]
    )


def _number(text):
    try:
        return f"{float(text):.4g}"
    except ValueError:
        return cell(text)
