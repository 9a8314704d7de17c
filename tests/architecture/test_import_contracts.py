"""Rooms import only from the rooms below them: the contracts of pyproject.toml, docs/adr/0003."""

import importlib.util
import shutil
import tomllib

from tests.architecture.source_tree import PROJECT

LINT = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


def lint_imports(run_python, folder):
    return run_python("-c", LINT, "--no-cache", "--no-logo", cwd=folder, PYTHONPATH=str(folder))


def test_import_contracts_hold(run_python):
    run = lint_imports(run_python, PROJECT)
    assert run.returncode == 0, run.stdout + run.stderr


def test_describing_rooms_are_all_under_the_second_contract():
    configured = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (contract,) = (contract for contract in configured if contract["type"] == "forbidden")
    describing = {"simulator.arch", "simulator.workload", "simulator.results"}
    built = {room for room in describing if importlib.util.find_spec(room)}
    assert set(contract["source_modules"]) == built


def test_an_upward_import_and_an_undeclared_room_break_the_build(run_python, tmp_path):
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    shutil.copytree(PROJECT / "simulator", tmp_path / "simulator")
    with (tmp_path / "simulator" / "units.py").open("a") as units:
        units.write("\nimport simulator.engine\n")
    upward = lint_imports(run_python, tmp_path)
    assert upward.returncode == 1
    assert "simulator.units is not allowed to import simulator.engine" in upward.stdout
    (tmp_path / "simulator" / "misc.py").touch()
    undeclared = lint_imports(run_python, tmp_path)
    assert undeclared.returncode == 1
    assert "misc" in undeclared.stdout + undeclared.stderr
