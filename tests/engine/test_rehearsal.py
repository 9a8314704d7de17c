"""The rehearsal of an event run compiles what a real one calls."""

import os

import pytest

from simulator.engine.rehearsal import rehearse_event_run

RUN = (
    "import sys\n"
    "from simulator.cli.compiling import compile_together, still_to_compile\n"
    "from simulator._kernel_cache import cache_directory\n"
    "work, settings = sys.argv[1], sys.argv[2:]\n"
    "compile_together(work)\n"
    "assert not still_to_compile(work)\n"
    "before = {path.name for path in cache_directory().rglob('*.nbc')}\n"
    "from simulator import load_accelerator, simulate\n"
    "simulate('lenet5_int8', load_accelerator('gemmini_like_16', overrides=settings), fidelity='event')\n"
    "print(sorted({path.name for path in cache_directory().rglob('*.nbc')} - before))\n"
)


def test_a_read_of_an_idle_bank_takes_row_column_and_burst():
    """DDR4-2400: tRCD + CL + burst = 16 + 16 + 4 clocks of 0.833 ns, 30 ns; a few clocks more for the controller."""
    assert 30 <= rehearse_event_run() <= 36


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="nothing is compiled")
@pytest.mark.parametrize("work", [["event"], ["shared event", "cores=2", "last_level.capacity_bytes=65536"]])
def test_nothing_is_left_to_compile_after_the_rehearsals(run_python, tmp_path, work):
    run = run_python("-c", RUN, *work, cwd=tmp_path, SIMULATOR_CACHE_DIR=str(tmp_path / "cache"))
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"
