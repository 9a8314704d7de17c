"""What a waiting user sees."""

import io

import pytest

from simulator.cli import compiling, progress
from simulator.cli.compiling import COMPILED, COMPILING, Stage


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_spinner_turns_on_a_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress.working("reading x"):
        pass
    assert "reading x" in terminal.getvalue()


@pytest.fixture
def lacking(monkeypatch):
    """Let a run lack two stages, the first of which is compiled at once."""
    ready, planning = set(), Stage("planning", "m:planning", ("planning",))
    engine = Stage("engine", "m:engine", ("engine",))
    monkeypatch.setattr(compiling, "is_compiled", lambda kernel: kernel.removeprefix("simulator.") in ready)
    monkeypatch.setattr(progress, "still_to_compile", lambda *works: (planning, engine))
    monkeypatch.setattr(progress, "compile_together", lambda *works: ready.add("planning"))
    return progress.Compilation((planning, engine))


@pytest.mark.parametrize(
    ("cold", "quiet", "said"),
    [(True, False, f"{COMPILING}\n{COMPILED} 0 s\n"), (False, False, ""), (True, True, ""), (False, True, "")],
)
def test_compiling_is_announced_and_timed_where_no_spinner_can_turn(lacking, monkeypatch, capsys, cold, quiet, said):
    if not cold:
        monkeypatch.setattr(progress, "still_to_compile", lambda *works: ())
    with progress.simulating("net", quiet=quiet):
        pass
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", said)


def test_a_waiting_user_sees_what_is_compiled_and_for_how_long(lacking, monkeypatch):
    assert lacking.__rich__() == f"{COMPILING}: 0 s, 0 of 2 ready"
    progress.compile_first("run", quiet=True)
    monkeypatch.setattr("time.monotonic", lambda: lacking._began + 12.4)
    assert lacking.__rich__() == f"{COMPILING}: 12 s, 1 of 2 ready"


def test_the_spinner_asks_again_as_it_turns(lacking, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    assert progress.compile_first("run")
    assert "1 of 2 ready" in terminal.getvalue()
    assert terminal.getvalue().endswith(f"{COMPILED} 0 s\n")
