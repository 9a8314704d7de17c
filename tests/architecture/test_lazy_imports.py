"""Describing and asking for help stay quick: they load no compiler and no drawing library."""

import pytest

HEAVY = ("numba", "matplotlib")


def loaded_by(code, run_python, suspects=HEAVY):
    report = f"import sys; sys.stderr.write('LOADED ' + ' '.join(sorted(set(sys.modules) & set({suspects!r}))))"
    run = run_python("-c", f"import atexit; atexit.register(lambda: exec({report!r}))\n{code}")
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stderr.rpartition("LOADED")[2].split()


def test_the_probe_sees_what_is_loaded(run_python):
    assert loaded_by("import matplotlib", run_python) == ["matplotlib"]


def test_import_simulator_loads_neither_numpy_nor_pydantic(run_python):
    assert not loaded_by("import simulator", run_python, (*HEAVY, "numpy", "pydantic", "networkx"))


def test_errors_load_without_numpy(run_python):
    assert not loaded_by("from simulator import WorkloadError", run_python, (*HEAVY, "numpy"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["list", "workloads"],
        ["list", "archs"],
        ["show", "tpu_like_128"],
        ["show", "resnet50"],
    ],
    ids=" ".join,
)
def test_command_loads_no_compiler(arguments, run_python):
    code = f"import sys; sys.argv = ['simulator', *{arguments!r}]; from simulator.cli import main; main()"
    assert not loaded_by(code, run_python)


def test_a_list_of_workloads_loads_no_numbers_and_no_graphs(run_python):
    code = "import sys; sys.argv = ['simulator', 'list', 'workloads']; from simulator.cli import main; main()"
    assert not loaded_by(code, run_python, (*HEAVY, "numpy", "networkx", "simulator.arch"))


def test_a_run_loads_no_graph_library_and_only_its_own_machine(run_python):
    code = (
        "import sys; sys.argv = ['simulator', 'run', 'lenet5', '--fidelity', 'bandwidth']\n"
        "from simulator.cli import main; main()"
    )
    others = ("networkx", "matplotlib", "simulator.machines.eie", "simulator.machines.sparse_engines")
    assert loaded_by(code, run_python, ("simulator.machines.systolic", *others)) == ["simulator.machines.systolic"]
