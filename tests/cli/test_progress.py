"""What a waiting user sees."""

import io

import pytest

from simulator.cli import progress


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
    ("cold", "quiet", "said"), [(True, False, progress.COMPILING + "\n"), (False, False, ""), (True, True, "")]
)
def test_compiling_is_announced_once_where_no_spinner_can_turn(monkeypatch, capsys, cold, quiet, said):
    monkeypatch.setattr(progress, "cache_is_cold", lambda: cold)
    with progress.simulating("net", quiet=quiet):
        pass
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", said)
