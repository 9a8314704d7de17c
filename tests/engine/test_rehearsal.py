"""The rehearsal of an event run compiles what a real one calls."""

import os

import pytest

from simulator.engine.rehearsal import rehearse_event_run

RUN = (
    "from simulator.cli.compiling import compile_together, still_to_compile\n"
    "from simulator._kernel_cache import cache_directory\n"
    "compile_together('event')\n"
    "assert not still_to_compile('event')\n"
    "before = {path.name for path in cache_directory().rglob('*.nbc')}\n"
    "from simulator import simulate\n"
    "simulate('lenet5_int8', 'gemmini_like_16', fidelity='event')\n"
    "print(sorted({path.name for path in cache_directory().rglob('*.nbc')} - before))\n"
)


def test_a_read_of_an_idle_bank_takes_row_column_and_burst():
    """DDR4-2400: tRCD + CL + burst = 16 + 16 + 4 clocks of 0.833 ns, 30 ns; a few clocks more for the controller."""
    assert 30 <= rehearse_event_run() <= 36


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="nothing is compiled")
def test_nothing_is_left_to_compile_after_the_rehearsals(run_python, tmp_path):
    run = run_python("-c", RUN, cwd=tmp_path, SIMULATOR_CACHE_DIR=str(tmp_path / "cache"))
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"
