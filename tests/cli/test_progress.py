"""What a waiting user sees."""

import io

import pytest

from simulator.cli import progress
from simulator.cli.compiling import COMPILING


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_spinner_turns_on_a_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress.working("reading x"):
        pass
    assert "reading x" in terminal.getvalue()


@pytest.mark.parametrize(
    ("cold", "quiet", "said"), [(True, False, COMPILING + "\n"), (False, False, ""), (True, True, "")]
)
def test_compiling_is_announced_once_where_no_spinner_can_turn(monkeypatch, capsys, cold, quiet, said):
    monkeypatch.setattr(progress, "must_compile", lambda work: cold)
    with progress.simulating("net", quiet=quiet):
        pass
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", said)
