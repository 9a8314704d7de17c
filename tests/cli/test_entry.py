"""The process itself: exit codes, and whose fault it was."""

from pathlib import Path

import pytest

from simulator.cli.entry import report_fault


def broken(what):
    return (
        "import sys; sys.argv = ['simulator', 'list', 'archs']; import simulator.cli.catalog as catalog\n"
        f"def fail(what): {what}\n"
        "catalog.list_names = fail\n"
        "from simulator.cli import main; main()"
    )


def test_a_command_that_works_is_zero(run_python):
    run = run_python("-m", "simulator", "list", "dataflows")
    assert run.returncode == 0
    assert run.stdout.startswith("ws ")
    assert run.stderr == ""


@pytest.mark.parametrize(("before", "after"), [(700, 100_000), (300_000, 300_000), (0, 0)])
def test_garbage_is_looked_for_rarely_or_as_rarely_as_before(run_python, before, after):
    code = (
        f"import atexit, gc, sys; gc.set_threshold({before}, 9, 8)\n"
        "atexit.register(lambda: print(gc.get_threshold()))\n"
        "sys.argv = ['simulator', 'list', 'dataflows']; from simulator.cli import main; main()"
    )
    assert run_python("-c", code).stdout.splitlines()[-1] == f"({after}, 9, 8)"


def test_bad_input_is_two(run_python):
    run = run_python("-m", "simulator", "show", "nothing")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("error: show 'nothing'")


def test_a_fault_of_the_simulator_is_one_and_says_so(run_python):
    run = run_python("-c", broken("raise ZeroDivisionError('by zero')"), SIMULATOR_TRACEBACK=None)
    assert run.returncode == 1
    assert "this is a fault of the simulator" in run.stderr
    assert "ZeroDivisionError: by zero in fail" in run.stderr
    assert "Traceback" not in run.stderr
    assert "Traceback" in run_python("-c", broken("raise ZeroDivisionError"), SIMULATOR_TRACEBACK="1").stderr


def test_an_interrupt_is_130(run_python):
    assert run_python("-c", broken("raise KeyboardInterrupt")).returncode == 130


def test_a_terminal_without_the_letters_gets_question_marks(run_python):
    run = run_python("-m", "simulator", "show", "lenet5", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert run.returncode == 0
    assert "416,520" in run.stdout


def test_a_fault_without_a_place_is_still_told(capsys):
    report_fault(ValueError, ValueError("odd"), None)
    assert "ValueError: odd" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", ["list workloads", "--version", "--help"])
def test_a_full_disk_behind_the_output_is_told_and_is_two(run_python, arguments):
    run = run_python("-c", shell(f"{arguments} >/dev/full"))
    assert run.returncode == 2
    assert (
        run.stderr
        == "error: standard output cannot be written (No space left on device); make room, or send it elsewhere\n"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [("list workloads >&-", 0), ("list nothing 2>&-", 2), ("list nothing 2>/dev/full", 2), ("show lenet5 >&- 2>&-", 0)],
)
def test_closed_and_full_streams_leave_the_exit_code(run_python, arguments, code):
    run = run_python("-c", shell(arguments))
    assert (run.returncode, run.stderr) == (code, "")


def shell(arguments):
    return (
        "import subprocess, sys; "
        f"sys.exit(subprocess.run(['sh', '-c', f'\"{{sys.executable}}\" -m simulator {arguments}']).returncode)"
    )
