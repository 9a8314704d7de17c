"""The group of all commands: where an error of the user becomes one message and exit code 2."""

import os
import sys
from typing import Any, TextIO

import typer
from typer.core import TyperGroup

from simulator.errors import SimulatorError

USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]  # click's own UsageError, or typer's copy of it
BAD_INPUT, INTERRUPTED, BROKEN_PIPE = 2, 130, 141


class Commands(TyperGroup):
    """Runs one command; turns what went wrong into words and an exit code."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's own contract
        """Run the command named on the command line."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except SimulatorError as fault:
            complain(str(fault))
            raise SystemExit(BAD_INPUT) from None
        except USAGE_ERROR as fault:
            command = getattr(getattr(fault, "ctx", None), "command_path", "simulator")
            complain(f"{_usage_message(fault)} See `{command} --help`.")
            raise SystemExit(BAD_INPUT) from None
        except KeyboardInterrupt:
            complain("interrupted")
            raise SystemExit(INTERRUPTED) from None
        except BrokenPipeError:  # `simulator list workloads | head -1`
            discard(sys.stdout)
            raise SystemExit(BROKEN_PIPE) from None
        return result


def _usage_message(fault: Exception) -> str:
    formatted = getattr(fault, "format_message", None)
    message = f"{formatted() if formatted else fault}".rstrip(".")
    return message if message.endswith("?") else f"{message}."


def complain(message: str) -> None:
    """Write one message to the error stream, without control characters of a hostile file."""
    lines = ("".join(c if c.isprintable() else "?" for c in line) for line in message.splitlines())
    try:
        sys.stderr.write("error: " + "\n       ".join(lines) + "\n")
        sys.stderr.flush()
    except OSError:  # a full disk: nobody can be told, the exit code must do
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """Send what ``stream`` still holds, and all that follows, to nowhere: it cannot be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
