"""Which sources a kernel's machine code follows from, and which folders are kept."""

import os
import time
from pathlib import Path

import pytest

from simulator import _kernel_cache
from tests.architecture.source_tree import PROJECT

ROOM = PROJECT / "simulator"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package in which ``kernels`` reaches ``constants`` over ``tables``, and ``page`` reaches all of them."""
    package = tmp_path / "simulator"
    (package / "room").mkdir(parents=True)
    files = {
        "__init__.py": "",
        "room/__init__.py": "",
        "room/constants.py": "WIDTH = 8\n",
        "tables.py": "if True:\n    from simulator.room import (\n        constants,\n    )\n",
        "kernels.py": "import simulator.tables\n",
        "page.py": "from simulator.kernels import go  # noqa\n",
    }
    for name, text in files.items():
        (package / name).write_text(text)
    monkeypatch.setattr(_kernel_cache, "_PACKAGE", package)
    forget()
    yield package
    forget()


def forget():
    names = ("_imported_by", "_file_of", "_content", "_content_key", "_folder_name", "_whole_package")
    for name in names:
        getattr(_kernel_cache, name).cache_clear()


def name_of(path: Path) -> str:
    forget()
    return _kernel_cache._folder_name(path)


def reached(package, name):
    forget()
    return {str(path.relative_to(package)) for path in _kernel_cache.reached_from(package / name)}


def test_imports_are_followed_in_every_form_and_across_files(package):
    assert reached(package, "kernels.py") == {"kernels.py", "tables.py", "room/__init__.py", "room/constants.py"}
    assert "page.py" in reached(package, "page.py")


def test_an_edit_within_reach_renames_the_folder_and_one_beyond_it_does_not(package):
    before = name_of(package / "kernels.py")
    assert before.startswith("kernels-")
    (package / "page.py").write_text("from simulator.kernels import go  # another page\n")
    assert name_of(package / "kernels.py") == before
    (package / "room/constants.py").write_text("WIDTH = 9\n")
    assert name_of(package / "kernels.py") != before


@pytest.mark.parametrize(
    "unseen",
    [
        "from .room import constants\n",
        "import importlib\n",
        "from importlib import import_module\n",
        "from simulator.room import \\\n    constants\n",
        "import os; import simulator.room.constants\n",
        "from simulator.room import (\n    nothing,  # (at all)\n    constants,\n)\n",
    ],
)
def test_an_import_that_reading_cannot_follow_reaches_the_whole_package(package, unseen):
    (package / "tables.py").write_text(unseen)
    assert reached(package, "kernels.py") == reached(package, "page.py") | {"page.py"}
    assert "page.py" in reached(package, "kernels.py")


def test_a_file_outside_the_package_reaches_all_of_it(package, tmp_path):
    other = tmp_path / "mine.py"
    other.write_text("")
    assert _kernel_cache.reached_from(other) == frozenset(package.rglob("*.py"))
    assert _kernel_cache._folder_name(other).startswith("outside.mine-")


def test_the_real_kernels_reach_their_layouts_and_not_what_draws_or_reads_commands():
    planner = {path.relative_to(ROOM).as_posix() for path in _kernel_cache.reached_from(ROOM / "dataflow/tape.py")}
    assert {"_jit.py", "records.py", "dataflow/tape.py", "dataflow/systolic_law.py"} <= planner
    assert not [path for path in planner if path.startswith(("cli/", "report/", "search/"))]


def test_every_module_with_kernels_is_followed_by_reading_alone():
    """If one reached the whole package, each edit anywhere would compile it anew: see which import does that."""
    everything = set(ROOM.rglob("*.py"))
    for path in everything:
        if "from simulator._jit import kernel" in path.read_text():
            assert _kernel_cache.reached_from(path) != everything, path


def test_what_python_imports_for_a_kernel_is_what_reading_finds(run_python, tmp_path):
    """The planner's own imports, seen by a fresh interpreter, against those read from the text."""
    code = (
        "import sys, simulator\n"
        "from pathlib import Path\n"
        "before = set(sys.modules)  # what the package's public face brings along is no constant of a kernel\n"
        "import simulator.dataflow.tape as tape\n"
        "from simulator._kernel_cache import reached_from\n"
        "loaded = {n: m for n, m in sys.modules.items() if n.startswith('simulator.') and n not in before}\n"
        "missed = {Path(m.__file__) for m in loaded.values()} - reached_from(Path(tape.__file__))\n"
        "print(sorted(str(path) for path in missed if path.name != '__init__.py'))\n"
    )
    run = run_python("-c", code, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"


def test_a_kernel_is_compiled_once_its_entry_is_there_and_not_after_an_edit(package, tmp_path, monkeypatch):
    monkeypatch.setattr(_kernel_cache, "cache_directory", lambda: tmp_path / "cache")
    forget()
    assert not _kernel_cache.is_compiled("simulator.kernels.go")
    entry = tmp_path / "cache" / _kernel_cache._folder_name(package / "kernels.py") / "simulator_1"
    entry.mkdir(parents=True)
    (entry / "kernels.go-3.py311.nbi").touch()
    assert _kernel_cache.is_compiled("simulator.kernels.go")
    assert not _kernel_cache.is_compiled("simulator.kernels.stop")
    assert not _kernel_cache.is_compiled("simulator.nowhere.go")
    (package / "room/constants.py").write_text("WIDTH = 9\n")
    forget()
    assert not _kernel_cache.is_compiled("simulator.kernels.go")


def test_key_names_place_and_compiler_settings(package, monkeypatch, tmp_path):
    keys = [_kernel_cache._surroundings_key()]
    monkeypatch.setenv("NUMBA_OPT", "1")
    keys.append(_kernel_cache._surroundings_key())
    monkeypatch.setattr(_kernel_cache, "_PACKAGE", tmp_path / "elsewhere")
    keys.append(_kernel_cache._surroundings_key())
    assert len(set(keys)) == len(keys)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "3")
    assert _kernel_cache._surroundings_key() == keys[2]


def test_pruning_keeps_the_newest_few_the_recent_and_the_current_folder(tmp_path):
    now = time.time()
    ages_seconds = {f"kernels-{days:02}": days * 86_400.0 for days in range(1, 13)}
    ages_seconds["unrelated"] = 1e9
    for name, age in ages_seconds.items():
        (tmp_path / name / "sub").mkdir(parents=True)
        os.utime(tmp_path / name, (now - age, now - age))
    current = tmp_path / "kernels-12"
    _kernel_cache._prune(tmp_path, keep=current, prefix="kernels-")
    newest = [f"kernels-{days:02}" for days in range(1, _kernel_cache._FOLDERS_KEPT)]
    assert sorted(folder.name for folder in tmp_path.iterdir()) == [*newest, "kernels-12", "unrelated"]


def test_pruning_spares_every_folder_used_within_the_hour(tmp_path):
    for number in range(3 * _kernel_cache._FOLDERS_KEPT):
        (tmp_path / f"kernels-{number}").mkdir()
    _kernel_cache._prune(tmp_path, keep=tmp_path / "kernels-0", prefix="kernels-")
    assert len(list(tmp_path.iterdir())) == 3 * _kernel_cache._FOLDERS_KEPT
