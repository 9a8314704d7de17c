"""From the process to a command and back to an exit code: 0 done, 2 bad input, 130 interrupted, 1 a fault of ours."""

import errno
import gc
import os
import sys
import traceback
from types import TracebackType
from typing import TextIO

from simulator import __version__

OBJECTS_BEFORE_LOOKING = 100_000
CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # of a stream: the error of a file names the file


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.excepthook = report_fault
    _look_for_garbage_rarely()
    _replace_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        _tolerate_narrow_encodings(stream)
    # It would read the metadata of all that is installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Where colorama is installed, it would colour each of the thousand refusals of its own that it tries types by.
    os.environ.setdefault("NUMBA_DISABLE_ERROR_MESSAGE_HIGHLIGHTING", "1")
    from typer.main import get_command

    from simulator.cli.app import app
    from simulator.cli.commands import BAD_INPUT, complain, discard

    try:
        get_command(app)(prog_name="simulator")
    except OSError as fault:
        if fault.filename is not None or fault.errno not in CANNOT_WRITE:
            raise
        discard(sys.stdout)
        complain(f"standard output cannot be written ({fault.strerror}); make room, or send it elsewhere")
        raise SystemExit(BAD_INPUT) from None


def _look_for_garbage_rarely() -> None:
    """Look for cycles of garbage every hundred thousand objects, not every seven hundred: what loading makes, stays.

    A sixth of the time of a run of ResNet-50 went into looking, and found nothing: peak memory is the same.
    """
    before = gc.get_threshold()
    if before[0]:  # 0: whoever switched it off wants it off
        gc.set_threshold(max(before[0], OBJECTS_BEFORE_LOOKING), *before[1:])


def _replace_closed_streams() -> None:
    """Let a process started without a standard stream (`>&-`) write it to nowhere, as if nobody read it."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - open until the end


def _tolerate_narrow_encodings(stream: TextIO) -> None:
    """Let a terminal that knows no micro sign show a question mark instead of failing."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")


def report_fault(kind: type[BaseException], fault: BaseException, trace: TracebackType | None) -> None:
    """Say that the simulator is at fault, where, and how to see more; Python then exits with 1."""
    if os.environ.get("SIMULATOR_TRACEBACK"):
        traceback.print_exception(kind, fault, trace)
    frames = traceback.extract_tb(trace)
    place = f" in {frames[-1].name} ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""  # noqa: PTH119
    sys.stderr.write(
        f"error: this is a fault of the simulator {__version__}, not of your input: "
        f"{kind.__name__}: {fault}{place}\n"
        "Run again with SIMULATOR_TRACEBACK=1 and report what it prints.\n"
    )
