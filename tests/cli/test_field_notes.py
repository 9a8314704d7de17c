"""What the fields of a starting file mean."""

import json

import pytest

from simulator.arch.library import accelerator_json_schema
from simulator.cli.field_notes import documented, field_notes, kind_of
from simulator.workload.files import workload_json_schema

SCHEMAS = {"arch": accelerator_json_schema(), "workload": workload_json_schema()}


def rows_of(page):
    cells = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in cells}


@pytest.mark.parametrize("what", ["arch", "workload"])
def test_every_field_of_a_starting_file_is_explained(call, tmp_path, what):
    path = tmp_path / "mine.json"
    assert "mine_fields.md" in call("new", what, "-o", path).stdout
    page = (tmp_path / "mine_fields.md").read_text(encoding="utf-8")
    data = json.loads(path.read_text(encoding="utf-8"))
    assert page == field_notes("The fields of mine.json", data, SCHEMAS[what])
    rows = rows_of(page)
    assert set(data) <= set(rows)
    unexplained = [name for name, row in rows.items() if row[0] != "see below" and not row[2:]]
    assert len(unexplained) < len(rows) / 5, unexplained


def test_limits_values_and_units_are_those_of_the_form():
    rows = rows_of(field_notes("x", {"clock_hz": 1e9, "array": {"kind": "systolic", "rows": 16}}, SCHEMAS["arch"]))
    assert rows["clock_hz"][0] == "`1000000000.0`"
    assert "≤ 100,000,000,000.0" in rows["clock_hz"][1]
    assert "[Hz]" in rows["clock_hz"][2]
    assert rows["array"][0] == "see below"
    assert rows["array.rows"][1] == "integer ≥ 1, ≤ 4,096"


def test_a_layer_is_explained_by_its_own_operator():
    layers = [{"op": op, "name": op, "inputs": [], "outputs": []} for op in ("add", "gemm", "gemm", "conv2d")]
    rows = rows_of(field_notes("x", {"layers": layers}, SCHEMAS["workload"]))
    for op in ("add", "gemm", "conv2d"):
        assert f'`"{op}"`' in rows[f"layers[]({op}).op"][1], op
    assert "conv2d" not in rows["layers[](add).op"][1]
    assert len(rows) == 1 + 3 * 4


def test_notes_there_already_are_not_replaced(call, refused, tmp_path):
    (tmp_path / "a_fields.md").write_text("mine")
    assert "a_fields.md: is there already" in refused("new", "arch", "-o", tmp_path / "a.json")
    assert not (tmp_path / "a.json").exists()
    assert call("new", "arch", "-o", tmp_path / "a.json", "--force").exit_code == 0


def test_types_and_docstrings_in_words():
    assert kind_of({"type": "array", "items": {"enum": ["ws", "os"]}}) == 'list of `"ws"`, `"os"`'
    assert documented("A.\n\nAttributes\n----------\nx : int\n    One\n    two.\n") == ("A.", {"x": "One two."})
