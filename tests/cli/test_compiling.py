"""What must be compiled, and processes that compile at once."""

import sys

import pytest

from simulator.cli import compiling
from simulator.cli.compiling import Stage


def test_after_warmup_nothing_must_be_compiled(call):
    assert call("warmup", "--quiet").exit_code == 0
    assert not [work for work in compiling.STAGES if compiling.still_to_compile(work)]


def test_work_whose_stage_lacks_one_kernel_must_compile(monkeypatch):
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    monkeypatch.setattr(compiling, "is_compiled", lambda kernel: kernel != "simulator.engine.accounting.account")
    assert compiling.still_to_compile("run")
    assert compiling.still_to_compile("event")
    assert not compiling.still_to_compile("dram")
    assert not compiling.still_to_compile("engine")
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert not compiling.still_to_compile("run")


def test_every_kernel_of_a_stage_is_one():
    """A misspelt name would be compiled for ever: no entry in the cache could have it."""
    from importlib import import_module

    for stages in compiling.STAGES.values():
        for stage in stages:
            assert callable(compiling._rehearsal(stage))
            for kernel in stage.kernels:
                module, _, name = kernel.rpartition(".")
                assert callable(getattr(import_module(f"simulator.{module}"), name))


@pytest.fixture
def stages(monkeypatch, tmp_path, request):
    """Three stages that leave a file each instead of machine code, wherever they run."""
    (tmp_path / "rehearsed.py").write_text(
        "import os, time\nfrom pathlib import Path\n"
        f"here = Path({str(tmp_path)!r})\n"
        "def slow(): time.sleep(0.2); (here / 'slow').write_text(str(os.getpid()))\n"
        "def quick(): (here / 'quick').write_text(str(os.getpid()))\n"
        "def last(): (here / 'last').write_text(str(os.getpid()))\n"
        "def hangs(): time.sleep(60)\n"
        "def fails(): 1 // 0\n"
    )
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(compiling, "cache_directory", lambda: tmp_path)
    monkeypatch.setattr(
        compiling, "is_compiled", lambda kernel: (tmp_path / kernel.removeprefix("simulator.")).exists()
    )

    monkeypatch.setattr(compiling, "processors", lambda: 3)

    def use(*names, **families):
        made = (Stage(name, f"rehearsed:{name}", (name,), families.get(name, "engine")) for name in names)
        monkeypatch.setitem(compiling.STAGES, "run", tuple(made))

    yield use
    sys.modules.pop("rehearsed", None)


def test_the_longest_stages_run_beside_and_are_waited_for(stages, tmp_path):
    import os

    stages("slow", "quick", "last")
    compiling.compile_together("run")
    where = {name: int((tmp_path / name).read_text()) for name in ("slow", "quick", "last")}
    assert len(set(where.values())) == 3
    assert where["last"] == os.getpid()


def test_two_processors_take_a_family_each(stages, tmp_path, monkeypatch):
    import os

    stages("slow", "quick", "last", quick="planning")
    monkeypatch.setattr(compiling, "processors", lambda: 2)
    compiling.compile_together("run")
    where = {name: int((tmp_path / name).read_text()) for name in ("slow", "quick", "last")}
    assert where["slow"] == where["last"] != where["quick"] == os.getpid()


@pytest.mark.parametrize("count", [1, 2, 3, 64])
def test_every_stage_is_done_once_and_this_process_has_some(count):
    every = tuple(dict.fromkeys(stage for stages in compiling.STAGES.values() for stage in stages))
    for stages in (*filter(None, compiling.STAGES.values()), every):
        beside, here = compiling.shared_out(stages, count)
        assert sorted(stage.name for chain in (*beside, here) for stage in chain) == sorted(s.name for s in stages)
        assert here
        assert all(beside)
        assert len(beside) < min(count, 3)
    assert {stage.family for stage in every} == {"planning", "engine"}
    assert len({stage.family for stage in every}) == compiling.FAMILIES


def test_only_what_is_missing_is_compiled(stages, tmp_path):
    stages("slow", "quick", "last")
    (tmp_path / "quick").write_text("before")
    compiling.compile_together("run")
    assert (tmp_path / "quick").read_text() == "before"
    assert (tmp_path / "slow").exists()


def test_a_failure_here_ends_the_other_processes(stages, monkeypatch):
    stages("hangs", "fails")
    started, begin = [], compiling._start
    monkeypatch.setattr(compiling, "_start", lambda chain: started.append(begin(chain)) or started[-1])
    with pytest.raises(ZeroDivisionError):
        compiling.compile_together("run")
    assert [process.poll() is not None for process in started] == [True]


def test_what_a_stage_behind_a_failed_one_lacks_is_done_here(stages, tmp_path, monkeypatch):
    stages("fails", "last", "quick", quick="planning")
    monkeypatch.setattr(compiling, "processors", lambda: 2)
    with pytest.raises(ZeroDivisionError):
        compiling.compile_together("run")
    assert (tmp_path / "quick").exists()


def test_a_stage_that_failed_beside_is_done_here(stages, tmp_path, monkeypatch):
    stages("slow", "quick", "last")
    monkeypatch.setattr(sys, "executable", "/no/such/interpreter")
    compiling.compile_together("run")
    assert {path.name for path in tmp_path.iterdir()} >= {"slow", "quick", "last"}


def test_no_other_process_where_nothing_can_be_kept(stages, monkeypatch, tmp_path):
    stages("slow", "quick")
    monkeypatch.setattr(compiling, "cache_directory", lambda: None)
    monkeypatch.setattr(compiling, "_start", lambda chain: 1 // 0)
    compiling.compile_together("run")
    assert (tmp_path / "slow").exists()


def test_no_other_process_on_a_single_processor(stages, monkeypatch, tmp_path):
    stages("slow", "quick", quick="planning")
    monkeypatch.setattr(compiling, "processors", lambda: 1)
    monkeypatch.setattr(compiling, "_start", lambda chain: 1 // 0)
    compiling.compile_together("run")
    assert (tmp_path / "slow").exists()
    assert (tmp_path / "quick").exists()
