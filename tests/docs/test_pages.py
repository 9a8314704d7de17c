"""Every command and snippet of README and docs is run, and prints what the page shows; ``--regenerate`` rewrites it."""

import os
import re
import shutil
import warnings

import pytest

from tests.architecture.source_tree import PROJECT, relative
from tests.docs.pages import PICTURE, PageError, abridged, commands_of, run_page, unmet

PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
WITH_CODE = [page for page in PAGES if "```" in page.read_text(encoding="utf-8")]


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="minutes without compiled kernels")
@pytest.mark.parametrize("path", WITH_CODE, ids=relative)
def test_a_page_shows_what_its_code_prints(path, request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        outcome = run_page(path.read_text(encoding="utf-8"))
    if request.config.getoption("--regenerate"):
        path.write_text(outcome.text, encoding="utf-8")
        for picture in PICTURE.finditer(outcome.text):
            shutil.copy(tmp_path / picture["made"], path.parent / picture["shown"])
    else:
        assert not outcome.stale, "pytest tests/docs --regenerate rewrites it:\n" + "\n".join(outcome.stale)
    pictures = [(tmp_path / one["made"], path.parent / one["shown"]) for one in PICTURE.finditer(outcome.text)]
    assert [shown.name for made, shown in pictures if not (made.is_file() and shown.is_file())] == []
    needs = sorted({reason for reason in outcome.skipped if reason.startswith("needs")})
    if needs:
        pytest.skip(f"the rest of the page is as shown; {len(outcome.skipped)} blocks not run: {', '.join(needs)}")


def page(*blocks):
    return "\n".join(("# Page\n", *blocks))


def test_stale_output_is_named_and_mended(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = page("```python\nprint(6 * 7)\n```\n\n```text\n41\n```\n", "after\n")
    outcome = run_page(text)
    assert "-41\n+42" in outcome.stale[0]
    assert outcome.text == text.replace("41", "42")
    assert run_page(outcome.text).stale == []


def test_a_command_is_run_and_its_omissions_are_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = page(
        "```console\n$ simulator list dataflows\n...\n```\n", "```sh\nsimulator new arch  # writes a file\n```\n"
    )
    assert run_page(text).stale == []
    assert (tmp_path / "accelerator.json").is_file()
    told = page("```console\n$ echo old; seq 4\nold\n1\n...\n7\n\n$ echo b\nb\n```\n")
    assert run_page(told).text == told.replace("7", "4")


def test_files_are_written_and_scripts_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = run_page(page('```python title="x.py"\nprint("hi")\n```\n', "```console\n$ python x.py\nhi\n```\n"))
    assert (outcome.stale, (tmp_path / "x.py").read_text(encoding="utf-8")) == ([], 'print("hi")\n')


def test_errors_are_shown_where_the_page_expects_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = run_page(page("```console\n$ simulator show lenet55\nerror: [..]\n```\n"))
    assert outcome.stale == []
    with pytest.raises(PageError, match="ended with 2"):
        run_page(page("```sh\nsimulator show lenet55\n```\n"))
    with pytest.raises(PageError, match="ended with 0"):
        run_page(page("```console\n$ echo well\nerror: x\n```\n"))


@pytest.mark.parametrize("block", ["```python\nprint(1)\n```\n", "```perl\nx\n```\n"])
def test_nothing_escapes(block):
    with pytest.raises(PageError):
        run_page(page(block))


def test_needs_are_told(monkeypatch):
    monkeypatch.delenv("SIMULATOR_REFERENCE_DIR", raising=False)
    assert "SIMULATOR_REFERENCE_DIR" in unmet("needs: reference")
    assert unmet("needs: no_such_package") == "needs the package no_such_package"
    assert unmet("needs: numpy") == unmet("") == ""
    outcome = run_page(page("<!-- needs: no_such_package -->\n```python\n1 / 0\n```\n"))
    assert outcome.skipped == ["needs the package no_such_package"]


def test_setting_up_is_left_to_the_newcomer_test():
    assert commands_of("git clone x\ncd x\n# why\nsimulator run a \\\n  --quiet  # b\n") == [
        "simulator run a    --quiet"
    ]


def test_abridging_keeps_head_and_tail():
    assert abridged("a\n ...\ny\nz\n", "1\n2\n3\n4\n") == "1\n ...\n3\n4\n"
    assert abridged("a\n...\nz\n", "1\n2\n") == "1\n2\n"
    assert abridged("a\n...\nm x\nn\n...\n", "1\n2\nm y\n3\n4\n5\n") == "1\n...\nm y\n3\n...\n"
    assert abridged("a\n...\n", "1\n2\n3\n") == "1\n...\n"
    assert abridged("a\nb\n", "1\n") == "1\n"
    assert abridged("a\n", "1\n2\n") == "1\n2\n"
    assert abridged("in [..] s, 4\n", "in 1 s, 5\n") == "in 1 s, 5\n"


@pytest.mark.parametrize("path", WITH_CODE, ids=relative)
def test_every_fence_is_seen(path):
    text = path.read_text(encoding="utf-8")
    fences = re.findall(r"^ *```[a-z]+", text, re.MULTILINE)
    from tests.docs.pages import BLOCK

    seen = sum(1 + (block["shown"] is not None) for block in BLOCK.finditer(text))
    assert len(fences) == seen
