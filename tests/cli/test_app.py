"""Every command is there, says what it does, and takes the options of its contract."""

import re

import pytest
from typer.main import get_command

from simulator import __version__
from simulator.cli.app import app

RUN_OPTIONS = {
    *("--arch", "--dram", "--set", "--shape", "--batch", "--dataflow", "--sparsity", "--fidelity", "--compat"),
    *("--objective", "--mapping", "--json", "--csv", "--html", "--trace", "--plots", "--explain", "--imports-table"),
    "--quiet",
}
COMMANDS = ["run", "import", "list", "show", "new", "compare", "report", "dram", "validate"]
COMMANDS += ["lut", "proxies", "sweep", "warmup", "doctor"]


def test_the_commands_are_these():
    assert list(get_command(app).commands) == COMMANDS


def test_run_takes_the_options_of_the_contract():
    declared = {name for option in get_command(app).commands["run"].params for name in option.opts}
    assert declared >= RUN_OPTIONS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_a_command_does(call, command):
    shown = call(command, "--help")
    assert shown.exit_code == 0
    assert f"simulator {command}" in shown.stdout
    assert get_command(app).commands[command].help in re.sub(r"\s+", " ", shown.stdout)


def test_every_option_of_run_is_explained():
    assert all(option.help for option in get_command(app).commands["run"].params if option.name != "help")


def test_the_version_is_the_package_s(call):
    assert call("--version").stdout == f"simulator {__version__}\n"


def test_no_command_at_all_shows_help(call):
    assert "Commands" in call().output
