"""Every relative link of the documentation leads to a file, and README's commands are the ones CI runs."""

import re
import subprocess

import pytest

from tests.architecture.source_tree import PROJECT, relative

SKIPPED_FOLDERS = {".git", ".venv", "node_modules", "dist", "build"}
PAGES = sorted(path for path in PROJECT.rglob("*.md") if not SKIPPED_FOLDERS & set(path.relative_to(PROJECT).parts))
LINK = re.compile(r"\]\(<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def relative_links(text: str) -> list[str]:
    links = LINK.findall(CODE.sub("", text))
    return [link.partition("#")[0] for link in links if not re.match(r"[a-z]+:|#", link)]


def test_links_are_found_outside_code_only():
    text = '[a](b.md#part) `[c](d.md)` [e](https://x.org) [f](#here) ![g](<h.png> "title")'
    assert relative_links(text) == ["b.md", "h.png"]


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_relative_links_lead_to_files(page):
    broken = [link for link in relative_links(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert not broken


def test_every_decision_record_is_listed_in_the_index():
    index = (PROJECT / "docs" / "index.md").read_text(encoding="utf-8")
    records = {path.name for path in (PROJECT / "docs" / "adr").glob("*.md")}
    assert {name for name in records if f"adr/{name}" not in index} == set()
    assert all(re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", name) for name in records)


def test_ci_runs_the_test_command_of_the_readme():
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    test_command = re.search(r"python -m (pytest.*)$", readme, re.MULTILINE)
    assert test_command
    assert f"-m {test_command[1]}" in (PROJECT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("script", ["run", "check"])
def test_ci_script_is_executable_and_parses(script):
    path = PROJECT / ".ci" / script
    assert path.stat().st_mode & 0o100
    subprocess.run(["bash", "-n", path], check=True)
