"""What a waiting user sees: a spinner on a terminal's error stream, one line elsewhere, nothing when quiet."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from simulator.cli.compiling import COMPILING, compile_together, must_compile


@contextmanager
def working(text: str, *, quiet: bool = False, long: bool = False) -> Iterator[None]:
    """Show ``text`` while the block runs.

    Parameters
    ----------
    text : str
        What is going on.
    quiet : bool
        Show nothing.
    long : bool
        Worth a line where no spinner can turn.
    """
    if quiet:
        yield
    elif sys.stderr.isatty():
        from rich.console import Console

        with Console(stderr=True, markup=False).status(text):
            yield
    else:
        if long:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()
        yield


@contextmanager
def simulating(name: str, *, work: str = "run", quiet: bool = False) -> Iterator[None]:
    """Say what is simulated, and that kernels are compiled first where this machine has none yet.

    Parameters
    ----------
    name : str
        What is simulated.
    work : {"run", "event", "dram", "engine"}
        Which kernels it takes: of a run over a bandwidth, of one over a DRAM's commands, of a request trace, or of an
        engine that compiles its own few as it goes.
    quiet : bool
        Show nothing.
    """
    cold = must_compile(work)
    with working(COMPILING if cold else f"simulating {name}", quiet=quiet, long=cold):
        if cold:
            compile_together(work)
        yield
