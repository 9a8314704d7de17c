"""The model reference: every kernel has a page that names it, every page its drawing, its source and its limits."""

import re

import pytest

from tests.architecture.source_tree import PROJECT, relative

MODEL = PROJECT / "docs" / "model"
PAGES = {page: page.read_text(encoding="utf-8") for page in sorted(MODEL.glob("*.md"))}
LAWS = {page: text for page, text in PAGES.items() if page.name != "vocabulary.md"}
WITHOUT_DRAWING = {"energy.md", "mapping.md", "precision.md", "zeros.md"}  # prices, data, tables: nothing to step
FILE = re.compile(r"`((?:simulator|tests)/[\w/]+(?:\*\.py|\.py|/)|\w+\.py)`")
LIMITS = re.compile(r"not modelled|assumed|known bends|lower bound|not searched", re.IGNORECASE)
SOURCE = re.compile(r"simulator/|source|tests/oracle|as `--sparsity`", re.IGNORECASE)


def files_named_by(text):
    """Return the files that a page names, by path, by bare name or as a folder's."""
    for name in FILE.findall(text):
        pattern = f"{name}*.py" if name.endswith("/") else name
        found = list(PROJECT.glob(pattern if "/" in name else f"simulator/**/{name}"))
        found = found or list(PROJECT.glob(f"tests/**/{name}"))
        yield name, found


def modules_with_kernels():
    for path in sorted((PROJECT / "simulator").rglob("*.py")):
        if re.search(r"^@kernel\b", path.read_text(encoding="utf-8"), re.MULTILINE):
            yield path


KERNELS = list(modules_with_kernels())


@pytest.mark.parametrize("path", LAWS, ids=relative)
def test_a_page_names_files_that_are_there(path):
    assert [name for name, found in files_named_by(LAWS[path]) if not found] == []


@pytest.mark.parametrize("path", KERNELS, ids=relative)
def test_every_kernel_has_a_page(path):
    naming = [page.name for page, text in LAWS.items() if any(path in found for _, found in files_named_by(text))]
    assert naming, f"no page of docs/model names {relative(path)}: draw its law, or name it where it is drawn"


def test_there_are_kernels_to_look_for():
    assert len(KERNELS) > 20


@pytest.mark.parametrize("path", LAWS, ids=relative)
def test_a_page_has_its_drawing_source_and_limits(path):
    text = LAWS[path]
    assert "## The drawing" in text or "```\n" in text or path.name in WITHOUT_DRAWING
    assert SOURCE.search(text)
    assert LIMITS.search(text), "a page says what its law leaves out or assumes"
