"""README's excerpt is what the command prints on a terminal of 100 columns."""

import io
import os

import pytest
from rich.console import Console

from simulator import simulate
from simulator.report.layer_table import layer_table
from simulator.report.summary import heading, totals

COMMAND = "$ simulator run resnet50_w4w8 --arch tpu_like_128"
COLUMNS = 100


def excerpt(project):
    """Lines of the block that shows the command's output, without what was left out."""
    text = (project / "README.md").read_text(encoding="utf-8")
    block = text.partition(COMMAND)[2].partition("```")[0]
    return [line.rstrip() for line in block.splitlines() if line.strip() not in ("", "...")]


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="minutes without compiled kernels")
def test_the_excerpt_is_current(project):
    result = simulate("resnet50_w4w8", "tpu_like_128")
    stream = io.StringIO()
    Console(file=stream, width=COLUMNS, markup=False).print(layer_table(result, COLUMNS)[0])
    pairs = [*heading(result), *totals(result)]
    printed = {line.rstrip() for line in stream.getvalue().splitlines()}
    printed |= {" ".join(f"{name} {value}".split()) for name, value in pairs}
    stale = [line for line in excerpt(project) if line not in printed and " ".join(line.split()) not in printed]
    assert not stale, f"paste what `{COMMAND[2:]}` prints now into README.md; stale: {stale}"
    assert len(excerpt(project)) > 10
