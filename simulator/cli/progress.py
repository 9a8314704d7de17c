"""What a waiting user sees: a spinner on a terminal's error stream, one line elsewhere, nothing when quiet."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from simulator._jit import cache_directory, cache_is_cold

COMPILING = "compiling kernels for this machine, once only, about 30 s"
LAST_COMPILED = {"run": "accounting.account-*.nbi", "dram": "dram_kernel.advance-*.nbi"}


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


def must_compile(work: str) -> bool:
    """Tell whether ``work`` (``run`` or ``dram``) has kernels that this machine did not compile yet."""
    if cache_is_cold():
        return True
    folder = cache_directory()
    interpreted = os.environ.get("NUMBA_DISABLE_JIT", "0") not in {"", "0"}
    if interpreted or folder is None:
        return False
    return next(folder.rglob(LAST_COMPILED[work]), None) is None


@contextmanager
def simulating(name: str, *, work: str = "run", quiet: bool = False) -> Iterator[None]:
    """Say what is simulated, and that kernels are compiled first where this machine has none yet."""
    cold = not quiet and must_compile(work)
    with working(COMPILING if cold else f"simulating {name}", quiet=quiet, long=cold):
        yield
