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
    monkeypatch.setattr(progress, "must_compile", lambda work: cold)
    with progress.simulating("net", quiet=quiet):
        pass
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", said)


def test_after_warmup_nothing_must_be_compiled(call):
    assert call("warmup", "--quiet").exit_code == 0
    assert not [work for work in progress.LAST_COMPILED if progress.must_compile(work)]


def test_an_empty_cache_must_compile(monkeypatch, tmp_path):
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    monkeypatch.setattr(progress, "cache_is_cold", lambda: False)
    monkeypatch.setattr(progress, "cache_directory", lambda: tmp_path)
    assert progress.must_compile("run")
    (tmp_path / "engine_x").mkdir()
    (tmp_path / "engine_x" / "accounting.account-43.py311.nbi").touch()
    assert not progress.must_compile("run")
    assert progress.must_compile("dram")
