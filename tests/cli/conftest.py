"""The command line as the tests call it, and one simulated result that they share."""

import re

import pytest
from typer.testing import CliRunner

from simulator.cli.app import app
from simulator.cli.compiling import COMPILED, COMPILING
from tests.report.sample_results import layer, run

SMALL = ("lenet5_int8", "--arch", "gemmini_like_16")


@pytest.fixture(scope="session")
def call():
    """Run the command line in this process: ``call("run", "lenet5").stdout``."""

    def invoke(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="simulator")

    return invoke


@pytest.fixture(scope="session")
def refused(call):
    """Run a command that must fail as bad input does; return its one message."""

    def invoke(*arguments):
        result = call(*arguments)
        assert result.exit_code == 2, (result.exit_code, result.output, result.exception)
        assert result.stdout == ""
        # progress, not complaint: this machine's first run
        message = re.sub(rf"^{COMPILING}\n({COMPILED} \d+ s\n)?", "", result.stderr)
        assert message.startswith("error: ")
        assert message.count("error: ") == 1
        assert "Traceback" not in message
        return message

    return invoke


@pytest.fixture(scope="session")
def small_json(call, tmp_path_factory):
    """The result of a small real run, as a file."""
    path = tmp_path_factory.mktemp("small") / "small.json"
    result = call("run", *SMALL, "--json", path, "--quiet")
    assert result.exit_code == 0, result.output
    return path


@pytest.fixture
def result_file(tmp_path):
    """Write a result made by hand."""

    def write(name="a.json", **changes):
        path = tmp_path / name
        path.write_text(run(layer("c1"), layer("c2"), **changes).to_json(), encoding="utf-8")
        return path

    return write
