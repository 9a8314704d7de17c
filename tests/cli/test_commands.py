"""What goes wrong leaves as one message and an exit code."""

import sys

import pytest

from simulator.cli import catalog
from simulator.cli.commands import complain
from simulator.errors import SimulationError


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rnu"], "No such command 'rnu'. Did you mean 'run'?"),
        (["run"], "Missing argument"),
        (["run", "lenet5", "--nope"], "No such option: --nope"),
        (["run", "lenet5", "--batch", "many"], "'--batch'"),
        (["import", "x.onnx"], "'-o'"),
    ],
)
def test_wrong_usage_is_one_line_with_the_way_to_help(refused, arguments, words):
    message = refused(*arguments)
    assert words in message
    assert re_help(message)
    assert message.count("\n") == 1


def re_help(message):
    return "--help`" in message and "See `simulator" in message


def test_an_error_of_the_user_is_two(refused, monkeypatch):
    def fail(_):
        raise SimulationError("cycle 7\nresource array")

    monkeypatch.setattr(catalog, "list_names", fail)
    assert refused("list", "archs") == "error: cycle 7\n       resource array\n"


def test_an_interrupt_is_130(call, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(catalog, "list_names", interrupt)
    result = call("list", "archs")
    assert (result.exit_code, result.stderr) == (130, "error: interrupted\n")


def test_a_fault_of_ours_is_left_to_the_process(call, monkeypatch):
    def break_down(_):
        raise ZeroDivisionError

    monkeypatch.setattr(catalog, "list_names", break_down)
    assert isinstance(call("list", "archs").exception, ZeroDivisionError)


def test_a_hostile_message_cannot_steer_the_terminal(capsys):
    complain("layer '\x1b[2J'")
    assert capsys.readouterr().err == "error: layer '?[2J'\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes of this kind")
def test_a_closed_pipe_is_quiet(run_python):
    code = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-m', 'simulator', 'list', 'workloads'], "
        "stdout=subprocess.PIPE, stderr=subprocess.PIPE); p.stdout.close(); e = p.stderr.read(); "
        "print(p.wait(), e)"
    )
    assert run_python("-c", code).stdout == "141 b''\n"
