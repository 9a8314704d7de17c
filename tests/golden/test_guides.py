"""The guides' code prints what stands under it; ``--regenerate`` writes it there."""

import contextlib
import io
import re

import pytest

from tests.architecture.source_tree import PROJECT

GUIDES = sorted((PROJECT / "docs" / "guide").glob("*.md"))
BLOCKS = re.compile(r"```python\n(?P<code>.*?)```\n\n```text\n(?P<output>.*?)```\n", re.DOTALL)


def printed(code, names):
    """Run a guide's block with the names of the blocks before it."""
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        exec(compile(code, "guide", "exec"), names)
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_the_code_of_a_guide_prints_what_stands_under_it(path, request):
    text = path.read_text(encoding="utf-8")
    names = {"__name__": "guide"}
    blocks = list(BLOCKS.finditer(text))
    assert len(blocks) == text.count("```python"), "every block of code is followed by what it prints"
    found = [printed(block["code"], names) for block in blocks]
    if request.config.getoption("--regenerate"):
        for block, output in reversed(list(zip(blocks, found, strict=True))):
            text = text[: block.start("output")] + output + text[block.end("output") :]
        path.write_text(text, encoding="utf-8")
    assert [block["output"] for block in BLOCKS.finditer(text)] == found
