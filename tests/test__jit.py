"""The door to Numba: compiled code follows the sources, wherever and whenever it can be kept."""

import os
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest

from simulator import _jit, _kernel_cache, _kernel_compiler

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
    for door in (_jit.__file__, _kernel_cache.__file__, _kernel_compiler.__file__):
        shutil.copy(door, package / Path(door).name)
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


def test_an_edit_between_import_and_first_call_does_not_pass_for_what_was_loaded(package, ask):
    """The code compiled is that of the text that was loaded: it must not be kept under the name of the edited one."""
    edit = f"import pathlib; pathlib.Path({str(package / 'helper.py')!r}).write_text({HELPER.format(factor=9)!r})"
    assert ask(f"import simulator.caller; {edit}; {ASK}") == "22 True"
    assert ask(PYTHONDONTWRITEBYTECODE="1", PYTHONPYCACHEPREFIX=str(package / "no-bytecode")) == "28 True"


def test_a_second_run_tells_numba_of_no_kernel_that_only_kernels_call(ask):
    """Kernels already compiled need no typing: making all of them known took a quarter of a second of every run."""
    code = f"from simulator import _jit; {ASK}; print(len(_jit._not_yet_known_to_numba))"
    assert ask(code).splitlines()[1] == "0"
    assert ask(code).splitlines()[1] == "2"


def test_a_numba_that_keeps_its_cache_elsewhere_loads_what_it_kept(package, ask):
    door = package / "_kernel_compiler.py"
    door.write_text(f"{door.read_text()}\nCAN_KEEP = False\n")
    code = f"{ASK}; s = answer.compiled().stats; print(sum(s.cache_hits.values()), sum(s.cache_misses.values()))"
    assert ask(code).splitlines() == ["22 True", "0 1"]
    assert ask(code).splitlines() == ["22 True", "1 0"]


def test_numba_can_call_a_kernel_that_python_never_called(ask):
    own = (
        "import simulator.caller, numba\n"
        "from simulator.caller import answer\n"
        "answer(1)\n"
        "@numba.njit\n"
        "def twice(value): return 2 * answer(value)\n"
        "print(twice(3))"
    )
    assert ask(own) == "44"
    assert ask(own) == "44"
    assert ask("import numba\n" + own.replace("answer(1)\n", "")) == "44"


def test_a_cache_that_ignores_the_sources_would_keep_the_old_answer(package, ask):
    """Numba's own freshness test is not enough: without the door's key the edit above goes unseen."""
    door = package / "_kernel_cache.py"
    blind = door.read_text().replace("        digest.update(_content_key(path))\n", "")
    assert blind != door.read_text()
    door.write_text(blind)
    assert ask() == "22 True"
    edit_unnoticed(package / "helper.py", HELPER.format(factor=9))
    assert ask(PYTHONPYCACHEPREFIX=str(package / "no-bytecode")) == "22 True"


def test_a_second_run_compiles_nothing(ask, tmp_path):
    code = f"{ASK}; s = answer.compiled().stats; print(sum(s.cache_hits.values()), sum(s.cache_misses.values()))"
    assert ask(code).splitlines()[1] == "0 1"
    assert ask(code).splitlines()[1] == "1 0"


def test_cold_before_the_first_run_and_warm_after_without_importing_numba(ask):
    cold = (
        "from simulator._kernel_cache import cache_is_cold; import sys; print(cache_is_cold(), 'numba' in sys.modules)"
    )
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
    assert ask("from simulator import _kernel_cache as c; print(c.cache_directory(), c.cache_is_cold())", **places) == (
        "None True"
    )


def test_an_inlined_kernel_computes_the_same():
    def total(numbers, first):
        sum_ = 0
        for index in range(first, numbers.size):
            sum_ += numbers[index]
        return sum_

    numbers = np.arange(10)
    assert _jit.kernel(inlined=True)(total)(numbers, 2) == _jit.kernel(total)(numbers, 2) == total(numbers, 2)
    assert _jit.kernel(borrows=True)(total)(numbers, 2) == total(numbers, 2)
