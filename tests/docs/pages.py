"""The code blocks of a page: found, run one after the other in one folder, compared with what stands under them.

* ```` ```python ```` runs; a ```` ```text ```` block right under it is what it prints.
* ```` ```console ````: after ``$`` a command, under it what a terminal of 100 columns shows.
* ```` ```sh ````: commands whose output is not shown; they must succeed.
* Any block with ``title="NAME"`` is a file that the reader writes: it is written, not run.
* ``...`` alone on a line stands for lines left out, ``[..]`` for any text inside a line (a time, a folder).
* ``<!-- needs: reference -->`` before a block: it is skipped where SIMULATOR_REFERENCE_DIR is not set;
  ``<!-- needs: optuna -->`` likewise without that package; ``<!-- not run: why -->`` is never run.
* ``<!-- picture: out/latency.svg as ../assets/x.svg -->``: a file the commands before it wrote, which the page shows.
"""

import contextlib
import importlib.util
import io
import os
import re
import runpy
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from typer.testing import CliRunner

from simulator.cli.app import app

BLOCK = re.compile(
    r"(?:<!-- (?P<remark>(?:needs|not run): [^>]+) -->\n+)?"
    r"(?P<indent> *)```(?P<language>[a-z]+)(?P<options>[^\n]*)\n(?P<body>.*?)(?<=\n)(?P=indent)```\n"
    r"(?P<gap>\n?)(?P<shown>(?P=indent)```text\n(?P<output>.*?)(?<=\n)(?P=indent)```\n)?",
    re.DOTALL,
)
PICTURE = re.compile(r"<!-- picture: (?P<made>\S+) as (?P<shown>\S+) -->")
TITLE = re.compile(r'title="([^"]+)"')
SETTING_UP = re.compile(
    r"(git clone|cd|python3? -m (venv|pip|pytest|mkdocs)|\.?\.?/?\.venv/bin/|\.ci/|pip install|source|export) ?"
)
TERMINAL = {"COLUMNS": "100", "TTY_COMPATIBLE": "1", "FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "xterm"}
ANSI = re.compile(r"\x1b\[[0-9;]*m")
ELISION, ANYTHING = "...", "[..]"


@dataclass
class Outcome:
    """What became of a page: its text with today's output, what differed, what was not run, and why."""

    text: str
    stale: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


class PageError(AssertionError):
    """A block failed, or has a form that nobody runs."""


def run_page(text: str) -> Outcome:
    """Run every block of a page in the current folder."""
    outcome = Outcome(text)
    names: dict[str, object] = {"__name__": "page"}
    pieces, end = [], 0
    for block in BLOCK.finditer(text):
        pieces.append(text[end : block.start()])
        pieces.append(_run_block(block, names, outcome))
        end = block.end()
    outcome.text = "".join([*pieces, text[end:]])
    return outcome


def _run_block(block: re.Match[str], names: dict[str, object], outcome: Outcome) -> str:
    remark, title = block["remark"] or "", TITLE.search(block["options"])
    reason = unmet(remark)
    if reason:
        outcome.skipped.append(reason)
    elif title:
        Path(title[1]).parent.mkdir(parents=True, exist_ok=True)
        Path(title[1]).write_text(_dedented(block["body"], block["indent"]), encoding="utf-8")
    elif block["language"] == "python":
        return _compared(block, "output", _printed_by(_dedented(block["body"], block["indent"]), names), outcome)
    elif block["language"] == "console":
        return _compared(block, "body", _terminal(block["body"]), outcome)
    elif block["language"] == "sh":
        for command in commands_of(block["body"]):
            _run_command(command)
    elif block["language"] not in ("json", "text", "ini", "csv"):
        raise PageError(f"a block of {block['language']} is neither run nor named as a file")
    return block[0]


def unmet(remark: str) -> str:
    """Return why a block cannot run here, or nothing."""
    kind, _, what = remark.partition(": ")
    if kind == "not run":
        return "" if not what else f"not run: {what}"
    if what == "reference":
        return "" if os.environ.get("SIMULATOR_REFERENCE_DIR") else "needs SIMULATOR_REFERENCE_DIR"
    return "" if not what or importlib.util.find_spec(what) else f"needs the package {what}"


def commands_of(body: str) -> list[str]:
    """Return the commands of a shell block that a reader with a working installation runs."""
    lines = body.replace("\\\n", " ").splitlines()
    stripped = [re.sub(r"(^|\s+)#.*$", "", line).strip() for line in lines]
    return [line for line in stripped if line and not SETTING_UP.match(line)]


def _dedented(body: str, indent: str) -> str:
    return "".join(line.removeprefix(indent) for line in body.splitlines(keepends=True))


def _printed_by(code: str, names: dict[str, object]) -> str:
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        exec(compile(code, "page", "exec"), names)
    return stream.getvalue()


def _terminal(body: str) -> str:
    """Return a console block as a terminal shows it today."""
    shown = []
    for entry in re.split(r"^(?=\$ )", body, flags=re.MULTILINE):
        if not entry.strip():
            continue
        command, told = re.match(r"\$ ((?:[^\n]*\\\n)*[^\n]*\n)(.*)", entry, re.DOTALL).groups()
        fails = "error: " in told
        printed = _run_command(command.replace("\\\n", " ").strip(), fails=fails)
        blank = "\n" if told.endswith("\n\n") else ""
        shown.append(f"$ {command}{_tidy(printed)}{blank}")
    return "".join(shown)


def _run_command(command: str, *, fails: bool = False) -> str:
    words = shlex.split(command)
    if words[0] == "simulator" and "|" not in words:
        with _environment(TERMINAL):
            result = CliRunner().invoke(app, words[1:], prog_name="simulator")
        said, complaint, code = result.stdout, result.stderr, result.exit_code
        if code not in (0, 2):
            raise PageError(f"{command}: {result.output}{result.exception!r}")
    elif words[0] == "python" and words[1].endswith(".py"):
        said, complaint, code = _run_script(words[1:]), "", 0
    else:
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=300)
        said, complaint, code = done.stdout, done.stderr, done.returncode
    if (code != 0) != fails:
        raise PageError(f"`{command}` ended with {code}:\n{said}{complaint}")
    return ANSI.sub("", said + complaint * fails)


def _run_script(words: list[str]) -> str:
    stream, before = io.StringIO(), sys.argv
    sys.argv = words
    try:
        with contextlib.redirect_stdout(stream):
            runpy.run_path(words[0], run_name="__main__")
    finally:
        sys.argv = before
    return stream.getvalue()


@contextlib.contextmanager
def _environment(changes: dict[str, str]):
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _tidy(text: str) -> str:
    lines = [line.rstrip() for line in text.rstrip().splitlines()]
    return "".join(f"{line}\n" for line in lines)


def _compared(block: re.Match[str], group: str, now: str, outcome: Outcome) -> str:
    """Return the block with today's output where it differs, abridged as the page abridges it."""
    told = block[group]
    if told is None:
        if now.strip():
            raise PageError(f"this block prints, and no block of text under it says what:\n{block['body']}\n{now}")
        return block[0]
    fresh = abridged_page(told, now if group == "body" else _tidy(now), block["indent"])
    if fresh != told:
        outcome.stale.append(difference(told, fresh))
    start, end = block.span(group)
    return block[0][: start - block.start()] + fresh + block[0][end - block.start() :]


def abridged_page(told: str, now: str, indent: str = "") -> str:
    """Return each entry of ``now`` with the omissions of the entry of ``told`` that it answers."""
    pairs = zip_longest(_entries(_dedented(told, indent)), _entries(now), fillvalue="")
    lines = "".join(abridged(old, new) for old, new in pairs).splitlines()
    return "".join(f"{indent}{line}".rstrip() + "\n" for line in lines)


def _entries(text: str) -> list[str]:
    return [entry for entry in re.split(r"^(?=\$ )", text, flags=re.MULTILINE) if entry]


def abridged(told: str, now: str) -> str:
    """Return ``now`` with the lines left out, and the text left open, that ``told`` leaves.

    >>> abridged("a 1\\n...\\nz 9\\n", "a 2\\nb\\nc\\nz 8\\n")
    'a 2\\n...\\nz 8\\n'
    >>> abridged("took [..] s\\n", "took 3.1 s\\n")
    'took [..] s\\n'
    """
    lines, model = now.splitlines(), told.splitlines()
    open_lines = [line for line in model if ANYTHING in line]
    for i, line in enumerate(lines):
        lines[i] = next((one for one in open_lines if _matches(one, line)), line)
    kept, cursor = [], 0
    segments = _segments(model)
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        start = _where(segment, lines, cursor) if number and not last else max(cursor, len(lines) - len(segment))
        start = 0 if number == 0 else start
        if number and start > cursor:
            kept.append(next(line for line in model if line.strip() == ELISION))
        elif number:
            start = cursor
        cursor = len(lines) if last else min(start + len(segment), len(lines))
        kept += lines[start:cursor]
    return "".join(f"{line}\n" for line in kept)


def _segments(model: list[str]) -> list[list[str]]:
    """Return what stands between lines left out."""
    segments: list[list[str]] = [[]]
    for line in model:
        if line.strip() == ELISION:
            segments.append([])
        else:
            segments[-1].append(line)
    return segments


def _where(segment: list[str], lines: list[str], cursor: int) -> int:
    """Return where a segment in the middle starts today: at the line that starts with the same two words, or one."""
    first = next((line.split() for line in segment if line.split()), [""])
    for words in (2, 1):
        for i in range(cursor, len(lines)):
            if lines[i].split()[:words] == first[:words]:
                return i
    return cursor


def _matches(pattern: str, line: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split(ANYTHING)), line) is not None


def difference(told: str, now: str) -> str:
    """Return the lines that are no longer so, beside those that are now."""
    import difflib

    return "\n".join(difflib.unified_diff(told.splitlines(), now.splitlines(), "page", "today", lineterm="", n=0))
