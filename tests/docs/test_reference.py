"""The generated reference is what the code says; ``--regenerate`` rewrites it."""

import pytest

from simulator.cli.field_notes import documented, kind_of
from tests.architecture.source_tree import PROJECT
from tests.docs.reference import cell, pages, schemas

GENERATED = pages()


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_a_generated_page_is_current(name, request):
    path = PROJECT / "docs" / name
    if request.config.getoption("--regenerate"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(GENERATED[name], encoding="utf-8")
    assert path.is_file(), f"{path} is missing: run this test with --regenerate"
    assert path.read_text(encoding="utf-8") == GENERATED[name], "pytest tests/docs --regenerate rewrites it"


@pytest.mark.parametrize("name", sorted(schemas()))
def test_every_object_and_field_of_a_schema_is_on_its_page(name):
    page, schema = GENERATED[f"reference/{name}_schema.md"], schemas()[name]
    for title, form in schema.get("$defs", {}).items():
        part = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
        assert all(f"`{field}`" in part for field in form.get("properties", {})), title


def test_every_option_is_on_the_page_of_commands():
    page = GENERATED["reference/commands.md"]
    assert all(f"\n## {name}\n" in page for name in ("run", "lut", "sweep", "doctor"))
    assert all(f"`{option}`" in page for option in ("--arch", "--set", "--fidelity", "--html", "--scheduler"))


def test_red_rows_are_listed():
    page = GENERATED["reference/validation.md"]
    for path in sorted((PROJECT / "reports" / "validation").glob("*.csv")):
        part = page.partition(f"\n## {path.stem}\n")[2].partition("\n## ")[0]
        red = sum(line.endswith(",fail") for line in path.read_text(encoding="utf-8").splitlines())
        assert part.count("\n| ") == (red + 1 if red else 0), path.stem


def test_types_in_words():
    assert kind_of({"$ref": "#/$defs/Buffer"}) == "[Buffer](#buffer)"
    assert kind_of({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}) == "integer ≥ 1 or null"
    assert kind_of({"type": "array", "items": {"enum": ["ws", "os"]}}) == 'list of `"ws"`, `"os"`'
    assert cell("a | b\n<c>") == "a \\| b &lt;c>"


def test_docstrings_are_read():
    summary, meanings = documented(
        "A.\n\nParameters\n----------\nx, y : int\n    One\n    two.\n\nNotes\n-----\nz : no\n"
    )
    assert (summary, meanings) == ("A.", {"x": "One two.", "y": "One two."})
