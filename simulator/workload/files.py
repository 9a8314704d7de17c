"""Workload files: reading, checking and writing ``simulator.workload/1`` JSON."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from simulator.documents import parse_form, read_json, write_atomically
from simulator.errors import WorkloadError
from simulator.workload.graph import LayerGraph, Provenance, build_graph
from simulator.workload.layers import Layer, Name, Tensor

SCHEMA = "simulator.workload/1"


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


def load_workload_json(path: Path) -> LayerGraph:
    """Read, check and order the workload in ``path``.

    Raises
    ------
    WorkloadError
        Every fault of form at once (field, value, what is allowed), or the first fault of meaning.
    """
    form = parse_form(WorkloadFile, read_json(path, WorkloadError), str(path), WorkloadError)
    graph = build_graph(
        form.name,
        form.tensors,
        form.layers,
        form.inputs,
        form.outputs,
        provenance=form.provenance,
        file=str(path),
    )
    return replace(graph, folder=path.parent)


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


def save_workload(graph: LayerGraph, path: Path | str) -> None:
    """Write ``graph`` to ``path``: beside it first, then renamed, so that no half-written file is ever seen."""
    data = workload_to_dict(graph)
    lines = [f"  {json.dumps(key)}: {_rows(value)}" for key, value in data.items()]
    write_atomically(Path(path), "{\n" + ",\n".join(lines) + "\n}\n", WorkloadError)


def _rows(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """One line a tensor and a layer: diffs stay readable and files small."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join("    " + json.dumps(item, separators=(",", ":")) for item in value) + "\n  ]"
    return json.dumps(value)


def workload_json_schema() -> dict[str, Any]:
    """Return the published JSON Schema of workload files."""
    schema = WorkloadFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}


def save_workload_schema(path: Path) -> None:
    """Write the JSON Schema of workload files to ``path`` (``docs/schema/workload.json``)."""
    write_atomically(path, json.dumps(workload_json_schema(), indent=1) + "\n", WorkloadError)
