"""What a waiting user sees: a spinner on a terminal's error stream, one line elsewhere, nothing when quiet."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from simulator.cli.compiling import COMPILED, COMPILING, Stage, compile_together, still_to_compile


class Compilation:
    """A line that is true whenever it is read: how many stages are compiled, and for how long it has been going on."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._stages = stages
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Return the time since it began."""
        return time.monotonic() - self._began

    def __rich__(self) -> str:
        """Return the line of this moment; a spinner asks again each time it turns."""
        ready = sum(stage.is_ready for stage in self._stages)
        return f"{COMPILING}: {self.seconds:.0f} s, {ready} of {len(self._stages)} ready"


@contextmanager
def working(text: str | Compilation, *, quiet: bool = False, line: str = "") -> Iterator[None]:
    """Show ``text`` while the block runs.

    Parameters
    ----------
    text : str or Compilation
        What is going on.
    quiet : bool
        Show nothing.
    line : str
        What to write where no spinner can turn.
    """
    if quiet:
        yield
    elif sys.stderr.isatty():
        from rich.console import Console

        with Console(stderr=True, markup=False, highlight=False).status(text):
            yield
    else:
        _write(line)
        yield


def compile_first(*works: str, quiet: bool = False) -> bool:
    """Compile the kernels that ``works`` lack, and say so, what is ready by now, and how long it took.

    Parameters
    ----------
    *works : {"run", "event", "shared run", "shared event", "dram", "engine"}
        Which kernels it takes: of a run over a bandwidth, of one over a DRAM's commands, of both where cores share a
        scratchpad, of a request trace, or of an engine that compiles its own few as it goes.
    quiet : bool
        Show nothing.

    Returns
    -------
    bool
        Whether there was something to compile.
    """
    stages = still_to_compile(*works)
    if not stages:
        return False
    compilation = Compilation(stages)
    with working(compilation, quiet=quiet, line=COMPILING):
        compile_together(*works)
    if not quiet:
        _write(f"{COMPILED} {compilation.seconds:.0f} s")
    return True


@contextmanager
def simulating(name: str, *, work: str = "run", quiet: bool = False) -> Iterator[None]:
    """Compile first what this machine has not compiled yet, then say what is simulated.

    Parameters
    ----------
    name : str
        What is simulated.
    work : str
        Which kernels it takes, as of :func:`compile_first`.
    quiet : bool
        Show nothing.
    """
    compile_first(work, quiet=quiet)
    with working(f"simulating {name}", quiet=quiet):
        yield


def _write(line: str) -> None:
    if line:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
