"""The door to Numba: compiled code follows the sources, wherever and whenever it can be kept."""

import os
import shutil
import stat
import time
from pathlib import Path

import numpy as np
import pytest

from simulator import _jit

HELPER = "from simulator._jit import kernel\n@kernel\ndef scaled(value):\n    return value * {factor}\n"
CALLER = (
    "from simulator._jit import kernel\n"
    "from simulator.helper import scaled\n"
    "@kernel\ndef answer(value):\n    return scaled(value) + 1\n"
)
ASK = "from simulator.caller import answer; print(answer(3), hasattr(answer, 'compiled'))"


@pytest.fixture
def package(tmp_path):
    """A package with one kernel calling another in a second file, behind a copy of the real door."""
    package = tmp_path / "site" / "simulator"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    shutil.copy(_jit.__file__, package / "_jit.py")
    (package / "helper.py").write_text(HELPER.format(factor=7))
    (package / "caller.py").write_text(CALLER)
    return package


@pytest.fixture
def ask(package, tmp_path, run_python):
    """Run the package's kernel in a fresh interpreter; return what it printed."""

    def ask(code=ASK, **variables):
        places = {"PYTHONPATH": str(package.parent), "SIMULATOR_CACHE_DIR": str(tmp_path / "cache")}
        outside = {"NUMBA_DISABLE_JIT": None, "NUMBA_CACHE_DIR": None, "XDG_CACHE_HOME": None}
        run = run_python("-c", code, cwd=tmp_path, **{**outside, **places, **variables})
        assert run.returncode == 0, run.stderr
        return run.stdout.strip()

    return ask


def edit_unnoticed(path: Path, text: str) -> None:
    """Change a file, keeping its size and time stamps: only its content can give the edit away."""
    before = path.stat()
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size


def test_edit_of_a_called_kernel_in_another_file_changes_the_answer(package, ask):
    assert ask() == "22 True"
    edit_unnoticed(package / "helper.py", HELPER.format(factor=9))
    assert ask(PYTHONDONTWRITEBYTECODE="1", PYTHONPYCACHEPREFIX=str(package / "no-bytecode")) == "28 True"


def test_edit_two_calls_down_changes_the_answer_and_nothing_is_kept_beside_the_sources(package, ask):
    """What a kernel calls is compiled into it: kept by itself, in Numba's own folder, it would outlive the edit."""
    middle = "from simulator._jit import kernel\nfrom simulator.helper import scaled\n"
    (package / "middle.py").write_text(middle + "@kernel\ndef passed_on(value):\n    return scaled(value)\n")
    (package / "caller.py").write_text(
        CALLER.replace("simulator.helper", "simulator.middle").replace("scaled", "passed_on")
    )
    assert ask() == "22 True"
    edit_unnoticed(package / "helper.py", HELPER.format(factor=9))
    assert ask(PYTHONDONTWRITEBYTECODE="1", PYTHONPYCACHEPREFIX=str(package / "no-bytecode")) == "28 True"
    assert not list(package.rglob("*.nb[ci]"))


def test_a_cache_that_ignores_the_sources_would_keep_the_old_answer(package, ask):
    """Numba's own freshness test is not enough: without the door's key the edit above goes unseen."""
    door = package / "_jit.py"
    door.write_text(door.read_text().replace("    _hash_sources(package, digest)\n", ""))
    assert ask() == "22 True"
    edit_unnoticed(package / "helper.py", HELPER.format(factor=9))
    assert ask(PYTHONPYCACHEPREFIX=str(package / "no-bytecode")) == "22 True"


def test_a_second_run_compiles_nothing(ask, tmp_path):
    code = (
        ASK
        + "; print(sum(answer.compiled.stats.cache_hits.values()), sum(answer.compiled.stats.cache_misses.values()))"
    )
    assert ask(code).splitlines()[1] == "0 1"
    assert ask(code).splitlines()[1] == "1 0"


def test_cold_before_the_first_run_and_warm_after_without_importing_numba(ask):
    cold = "from simulator._jit import cache_is_cold; import sys; print(cache_is_cold(), 'numba' in sys.modules)"
    assert ask(cold) == "True False"
    ask()
    assert ask(cold) == "False False"
    assert ask(cold, NUMBA_BOUNDSCHECK="1") == "True False"  # other machine code, so another folder
    assert ask(cold, NUMBA_BOUNDSCHECK="1", NUMBA_DISABLE_JIT="1") == "False False"


def test_users_own_kernels_keep_their_cache(ask, tmp_path):
    code = "import numba; numba.config.CACHE_DIR = 'mine'; import simulator.caller; print(numba.config.CACHE_DIR)"
    assert ask(code) == "mine"


def test_disabled_jit_returns_the_plain_function_and_touches_no_folder(ask, tmp_path):
    assert ask(NUMBA_DISABLE_JIT="1") == "22 False"
    assert not (tmp_path / "cache").exists()


def test_unwritable_home_falls_back_to_a_private_temporary_folder(ask, tmp_path):
    blocked = tmp_path / "file-not-folder"
    blocked.touch()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    places = {"SIMULATOR_CACHE_DIR": str(blocked), "HOME": str(blocked), "TMPDIR": str(scratch)}
    assert ask(**places) == "22 True"
    (fallback,) = scratch.glob("simulator-*")
    assert stat.S_IMODE(fallback.stat().st_mode) == 0o700
    assert list(fallback.rglob("*.nbi"))


def test_temporary_folder_open_to_others_is_refused_and_kernels_still_run(ask, tmp_path):
    blocked = tmp_path / "file-not-folder"
    blocked.touch()
    planted = tmp_path / "scratch" / f"simulator-{os.getuid()}"
    planted.mkdir(parents=True)
    planted.chmod(0o777)
    places = {"SIMULATOR_CACHE_DIR": str(blocked), "HOME": str(blocked), "TMPDIR": str(planted.parent)}
    assert ask(**places) == "22 True"
    assert not list(planted.iterdir())
    assert ask("from simulator import _jit; print(_jit.cache_directory(), _jit.cache_is_cold())", **places) == (
        "None True"
    )


def test_pruning_keeps_the_newest_few_the_recent_and_the_current_folder(tmp_path):
    now = time.time()
    ages_seconds = {f"kernels-{days:02}": days * 86_400.0 for days in range(1, 13)}
    ages_seconds["unrelated"] = 1e9
    for name, age in ages_seconds.items():
        (tmp_path / name / "sub").mkdir(parents=True)
        os.utime(tmp_path / name, (now - age, now - age))
    current = tmp_path / "kernels-12"
    _jit._prune(tmp_path, keep=current)
    newest = [f"kernels-{days:02}" for days in range(1, _jit._FOLDERS_KEPT)]
    assert sorted(folder.name for folder in tmp_path.iterdir()) == [*newest, "kernels-12", "unrelated"]


def test_pruning_spares_every_folder_used_within_the_hour(tmp_path):
    for number in range(3 * _jit._FOLDERS_KEPT):
        (tmp_path / f"kernels-{number}").mkdir()
    _jit._prune(tmp_path, keep=tmp_path / "kernels-0")
    assert len(list(tmp_path.iterdir())) == 3 * _jit._FOLDERS_KEPT


def test_key_names_sources_place_and_compiler_settings(package, monkeypatch, tmp_path):
    keys = [_jit._cache_key(package)]
    edit_unnoticed(package / "helper.py", HELPER.format(factor=8))
    keys.append(_jit._cache_key(package))
    (package / "caller.py").rename(package / "renamed.py")
    keys.append(_jit._cache_key(package))
    monkeypatch.setenv("NUMBA_OPT", "1")
    keys.append(_jit._cache_key(package))
    keys.append(_jit._cache_key(shutil.copytree(package, tmp_path / "elsewhere")))
    assert len(set(keys)) == len(keys)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "3")
    (package / "notes.txt").write_text("no source")
    assert _jit._cache_key(package) == keys[3]


def test_an_inlined_kernel_computes_the_same():
    def total(numbers, first):
        sum_ = 0
        for index in range(first, numbers.size):
            sum_ += numbers[index]
        return sum_

    numbers = np.arange(10)
    assert _jit.kernel(inlined=True)(total)(numbers, 2) == _jit.kernel(total)(numbers, 2) == total(numbers, 2)
    assert _jit.kernel(borrows=True)(total)(numbers, 2) == total(numbers, 2)
