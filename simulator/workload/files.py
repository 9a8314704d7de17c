"""Workload files: reading, checking and writing ``simulator.workload/1`` JSON."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulator.errors import SimulatorError, WorkloadError
from simulator.workload.faults import describe_faults
from simulator.workload.graph import LayerGraph, Provenance, build_graph
from simulator.workload.layers import Layer, Name, Tensor

SCHEMA = "simulator.workload/1"
MAX_FILE_BYTES = 64 * 1024 * 1024  # the largest network of the library takes 0.3 MB


class WorkloadFile(BaseModel):
    """The form of a workload file; its JSON Schema is published as ``docs/schema/workload.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal["simulator.workload/1"] = Field(alias="schema")
    name: Name
    provenance: Provenance = Provenance()
    inputs: tuple[Name, ...]
    outputs: tuple[Name, ...]
    tensors: tuple[Tensor, ...]
    layers: tuple[Layer, ...]


def read_json(path: Path, error: type[SimulatorError] = WorkloadError) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON value in ``path``, refusing what is missing, too large, not UTF-8, not JSON, or not finite.

    Raises
    ------
    WorkloadError
        Names the file, the place and the remedy.
    """
    return _parse(path, _read_text(path, error), error)


def _read_text(path: Path, error: type[SimulatorError]) -> str:
    try:
        if not path.exists():
            message = (
                f"{path}: no such file; give the path of a workload or a library name (`simulator list workloads`)"
            )
            raise error(message)
        if not path.is_file():  # a device or a pipe may never end
            message = f"{path}: is no regular file; give the path of a JSON file"
            raise error(message)
        if path.stat().st_size > MAX_FILE_BYTES:
            message = f"{path}: larger than {MAX_FILE_BYTES} bytes; this is no workload description"
            raise error(message)
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as problem:  # ValueError: not UTF-8, or a path with a NUL
        message = f"{path}: cannot be read ({problem}); give a readable UTF-8 JSON file"
        raise error(message) from None


def _parse(path: Path, text: str, error: type[SimulatorError]) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except RecursionError:
        message = f"{path}: is nested too deeply; a workload description has no more than six levels"
        raise error(message) from None
    except ValueError as problem:
        message = f"{path}: is not valid JSON ({problem}); check the file is complete"
        raise error(message) from None


def _refuse_constant(text: str) -> float:
    message = f"{text} is not a JSON number"
    raise ValueError(message)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        keys = [key for key, _ in pairs]
        message = f"key {next(key for key in keys if keys.count(key) > 1)!r} occurs twice in one object"
        raise ValueError(message)
    return result


def load_workload_json(path: Path) -> LayerGraph:
    """Read, check and order the workload in ``path``.

    Raises
    ------
    WorkloadError
        Every fault of form at once (field, value, what is allowed), or the first fault of meaning.
    """
    text = _read_text(path, WorkloadError)
    data = _parse(path, text, WorkloadError)
    if not isinstance(data, dict):
        message = f"{path}: the top level is {type(data).__name__}; a workload is an object with schema {SCHEMA!r}"
        raise WorkloadError(message)
    try:
        # From the text, because only there strict means JSON's own types: true is no integer, "8" no number.
        form = WorkloadFile.model_validate_json(text, strict=True)
    except ValidationError as problem:
        raise WorkloadError(describe_faults(str(path), problem, workload_json_schema(), data)) from None
    return build_graph(
        form.name,
        form.tensors,
        form.layers,
        form.inputs,
        form.outputs,
        provenance=form.provenance,
        file=str(path),
    )


def workload_to_dict(graph: LayerGraph) -> dict[str, Any]:
    """Return ``graph`` in the form of a workload file, defaults left out."""
    form = WorkloadFile.model_validate(
        {
            "schema": SCHEMA,
            "name": graph.name,
            "provenance": graph.provenance,
            "inputs": graph.inputs,
            "outputs": graph.outputs,
            "tensors": tuple(graph.tensors.values()),
            "layers": graph.layers,
        }
    )
    data = form.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {"schema": SCHEMA, **data}


def save_workload(graph: LayerGraph, path: Path) -> None:
    """Write ``graph`` to ``path``: beside it first, then renamed, so that no half-written file is ever seen."""
    data = workload_to_dict(graph)
    lines = [f"  {json.dumps(key)}: {_rows(value)}" for key, value in data.items()]
    write_atomically(path, "{\n" + ",\n".join(lines) + "\n}\n")


def _rows(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """One line a tensor and a layer: diffs stay readable and files small."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join("    " + json.dumps(item, separators=(",", ":")) for item in value) + "\n  ]"
    return json.dumps(value)


def write_atomically(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` through a file beside it and a rename.

    Raises
    ------
    WorkloadError
        The folder is missing or not writable.
    """
    beside = ""
    try:
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        Path(beside).chmod(0o644)
        Path(beside).replace(path)
    except (OSError, ValueError) as problem:
        if beside:
            Path(beside).unlink(missing_ok=True)
        message = f"{path}: cannot be written ({problem}); give a path in a folder that exists and is writable"
        raise WorkloadError(message) from None


def workload_json_schema() -> dict[str, Any]:
    """Return the published JSON Schema of workload files."""
    schema = WorkloadFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}


def save_workload_schema(path: Path) -> None:
    """Write the JSON Schema of workload files to ``path`` (``docs/schema/workload.json``)."""
    write_atomically(path, json.dumps(workload_json_schema(), indent=1) + "\n")
