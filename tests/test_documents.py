"""Documents are read, checked and written whole; every fault is one line with a remedy."""

import contextlib
import json
import os
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulator.documents import MAX_FAULTS, describe_faults, parse_form, parse_json, read_json, write_atomically
from simulator.errors import ArchitectureError, SimulationError, SimulatorError, WorkloadError


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "part"
    rows: int = Field(default=1, ge=1, le=64)
    kind: str = "a"


class Whole(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    parts: tuple[Part, ...]
    clock_hz: float = Field(default=1.0, gt=0.0, allow_inf_nan=False)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "not valid JSON"),
        (b"", "not valid JSON"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": 1e999}', "1e999 is beyond"),
        (b'{"a": 1, "a": 2}', "'a' occurs twice"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"[" * 200_000, "nested too deeply"),
        (b"9" * 5000, "not valid JSON"),
    ],
)
def test_a_broken_file_is_one_error_of_the_callers_class(tmp_path, content, told):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(ArchitectureError, match=told) as caught:
        read_json(path, ArchitectureError)
    assert str(path) in str(caught.value)


def test_a_missing_file_a_folder_and_a_pipe_are_refused(tmp_path):
    with pytest.raises(WorkloadError, match="no such file"):
        read_json(tmp_path / "none.json", WorkloadError)
    with pytest.raises(WorkloadError, match="no regular file"):
        read_json(tmp_path, WorkloadError)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WorkloadError, match="no regular file"):
        read_json(tmp_path / "pipe", WorkloadError)


def test_a_file_larger_than_the_limit_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("simulator.documents.MAX_FILE_BYTES", 3)
    (tmp_path / "a.json").write_text("[1, 2]")
    with pytest.raises(SimulationError, match="larger than 3 bytes"):
        read_json(tmp_path / "a.json", SimulationError)


def test_a_byte_order_mark_is_read_over(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf[1]")
    assert read_json(tmp_path / "a.json", WorkloadError) == [1]


@given(st.text())
def test_any_text_parses_or_is_refused(text):
    with contextlib.suppress(WorkloadError):
        json.dumps(parse_json(text, "x", WorkloadError), allow_nan=False)


def faults_of(data):
    with pytest.raises(WorkloadError) as caught:
        parse_form(Whole, data, "w.json", WorkloadError)
    return str(caught.value).splitlines()


def test_an_unknown_key_is_answered_with_the_nearest_and_all_allowed():
    (line,) = faults_of({"parts": [{"name": "left", "rowz": 3}]})
    assert line == (
        "w.json: parts[0].rowz (in 'left') = 3: unknown key (did you mean 'rows'?) (allowed: name, rows, kind); "
        "rename or remove it"
    )
    (line,) = faults_of({"parts": [], "zzz": 1})
    assert line == "w.json: zzz = 1: unknown key (allowed: parts, clock_hz); rename or remove it"


def test_every_fault_has_a_line_with_field_and_value():
    lines = faults_of({"parts": [{"rows": 0}, {"rows": 65}], "clock_hz": -1})
    assert [line.split(":")[1].strip() for line in lines] == [
        "parts[0].rows = 0",
        "parts[1].rows = 65",
        "clock_hz = -1",
    ]
    assert "greater than or equal to 1; change it" in lines[0]
    assert faults_of({}) == ["w.json: parts: is missing; add it"]


def test_faults_beyond_the_limit_are_counted():
    lines = faults_of({"parts": [{"rows": 0}] * (MAX_FAULTS + 3)})
    assert len(lines) == MAX_FAULTS + 1
    assert lines[-1] == "w.json: ... and 3 more faults"


@pytest.mark.parametrize("rows", [True, "8", 1.5, None, [1]])
def test_json_types_are_strict(rows):
    assert "parts[0].rows" in faults_of({"parts": [{"rows": rows}]})[0]


@pytest.mark.parametrize("data", [[], 3, None, "text"])
def test_the_top_level_must_be_an_object(data):
    assert "a description is a JSON object" in faults_of(data)[0]


def test_what_json_cannot_say_is_refused():
    assert "no JSON value" in faults_of({"parts": {1, 2}})[0]
    assert "no JSON value" in faults_of({"parts": 10**5000})[0]
    assert "clock_hz" in faults_of({"parts": [], "clock_hz": float("inf")})[0]
    assert faults_of({"parts": [{"name": "\ud800"}]})


def test_a_huge_value_is_shortened():
    (line,) = faults_of({"parts": "x" * 10_000})
    assert len(line) < 300


def test_faults_are_described_without_schema_or_data():
    with pytest.raises(ValidationError) as caught:
        Whole.model_validate({"parts": [{"rowz": 1}]})
    assert describe_faults("w", caught.value) == "w: parts[0].rowz = 1: unknown key; rename or remove it"


def test_writing_replaces_the_file_whole(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    write_atomically(path, json.dumps({"é": 1}), WorkloadError)
    assert read_json(path, WorkloadError) == {"é": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("name", ["missing/a.json", "folder", "nul\0.json"])
def test_what_cannot_be_written_is_one_error_and_leaves_nothing_behind(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(SimulatorError, match="cannot be written"):
        write_atomically(tmp_path / name, "text", ArchitectureError)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_text_that_is_no_unicode_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(ArchitectureError):
        write_atomically(path, "\ud800", ArchitectureError)
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_key_said_twice_among_many_is_found_at_once():
    text = "{" + ",".join(f'"k{i}":1' for i in range(60_000)) + ',"k59999":1}'
    with pytest.raises(WorkloadError, match="'k59999' occurs twice"):  # counting each key anew would take minutes
        parse_json(text, "a.json", WorkloadError)


def test_more_values_than_a_description_holds_are_refused(monkeypatch):
    monkeypatch.setattr("simulator.documents.MAX_VALUES", 1000)
    with pytest.raises(WorkloadError, match=r"a\.json: holds more than 1000 values"):
        parse_json("[" + "1," * 1001 + "1]", "a.json", WorkloadError)


def test_of_faults_without_number_the_first_are_told(monkeypatch):
    class Item(BaseModel):
        a: int

    class Form(BaseModel):
        items: tuple[Item, ...]

    told = []
    monkeypatch.setattr("simulator.documents._describe", lambda fault, *_: told.append(fault) or str(fault["loc"]))
    cut = []
    monkeypatch.setattr("simulator.documents._cut", lambda data: cut.append(data) or {"items": data["items"][:20]})
    with pytest.raises(WorkloadError, match=r"\('items', 0\)") as caught:
        parse_form(Form, {"items": [1] * 20_000}, "a.json", WorkloadError)
    assert str(caught.value).endswith("and 19992 more faults")
    assert len(told) == MAX_FAULTS
    assert len(cut) == 1


class Kinded(Part):
    schema_: Literal["simulator.workload/1"] = Field(alias="schema")


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ("simulator.accelerator/1", "x.json: holds an accelerator ('simulator.accelerator/1'), not a workload; give a"),
        ("simulator.result/2", "holds a result ('simulator.result/2'), not a workload"),
        ("simulator.workload/2", "schema = 'simulator.workload/2': unknown"),
        ("workload", "schema = 'workload': unknown"),
        (7, "schema = 7"),
    ],
)
def test_another_kind_of_file_is_named_instead_of_all_that_it_lacks(schema, told):
    with pytest.raises(WorkloadError) as fault:
        parse_form(Kinded, {"schema": schema, "lots": 1, "of": 2, "fields": 3}, "x.json", WorkloadError)
    assert told in str(fault.value)
    assert ("unknown key" in str(fault.value)) == ("holds" not in told)
