"""Kernels compiled before a machine's first run: the DRAM's in a second process, while this one compiles the rest."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from simulator._jit import cache_directory, cache_is_cold
from simulator.arch import load_accelerator
from simulator.workload import GraphBuilder, LayerGraph, Precision

COMPILING = "compiling kernels for this machine, once only, half a minute to a minute"
LAST_COMPILED = {
    "run": "accounting.account-*.nbi",
    "event": "dram_loop.run_tape_on_dram-*.nbi",
    "dram": "dram_kernel.advance-*.nbi",
}
"""The kernel of each kind of work that is compiled last, as its cache entry is named."""

SQUARE = 64
_REHEARSAL = "from simulator.engine.rehearsal import rehearse_event_run; rehearse_event_run()"


def must_compile(work: str) -> bool:
    """Tell whether ``work`` (a key of ``LAST_COMPILED``) has kernels that this machine did not compile yet."""
    if cache_is_cold():
        return True
    folder = cache_directory()
    interpreted = os.environ.get("NUMBA_DISABLE_JIT", "0") not in {"", "0"}
    if interpreted or folder is None:
        return False
    return next(folder.rglob(LAST_COMPILED[work]), None) is None


def compile_together(compile_the_rest: Callable[[], object]) -> None:
    """Compile the kernels of an event run in a second process while ``compile_the_rest`` runs in this one.

    They meet in the kernel cache; without one, or where no second process can be had, each run compiles what it calls.
    """
    beside = _rehearse_beside() if cache_directory() is not None and must_compile("event") else None
    try:
        compile_the_rest()
        if beside is not None:
            beside.wait()
    finally:
        if beside is not None and beside.poll() is None:
            beside.kill()
            beside.wait()


def _rehearse_beside() -> subprocess.Popen[bytes] | None:
    """Start the second process, or return None where the interpreter cannot be started again."""
    package = str(Path(__file__).parents[2])
    path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-P", "-c", _REHEARSAL],  # -P: not from the folder the user happens to be in
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, ValueError):  # ValueError: no sys.executable in an embedded interpreter
        return None


def rehearse_run() -> None:
    """Run a small product in every dataflow, so that all kernels of a run over a bandwidth are compiled."""
    for flow in ("ws", "os", "is"):
        run_product(flow, size=16)


def product_network(size: int = SQUARE) -> LayerGraph:
    """Return one product of two ``size`` x ``size`` int8 matrices, with a non-linearity behind it."""
    int8 = Precision(bits=8)
    net = GraphBuilder("product", weight_precision=int8, activation_precision=int8)
    product = net.gemm(net.input("rows", (size, size)), size, bias=False, name="product")
    return net.build(net.softmax(product, name="softmax"))


def run_product(flow: str, size: int = SQUARE) -> tuple[int, int, int]:
    """Return (cycles, cycles by their parts, SCALE-Sim's own count) of a small product."""
    from simulator.api import simulate

    machine = load_accelerator("tpu_like_128", overrides=["array.rows=16", "array.columns=16"])
    result = simulate(product_network(size), machine, fidelity="bandwidth", dataflow=flow, compat="scalesim")
    total = result.total
    parts = sum(total.issue_cycles.values()) + sum(total.idle_cycles.values()) + total.tail_cycles
    compat = next(layer.compat_scalesim for layer in result.layers if layer.compat_scalesim)
    return total.cycles or 0, parts, int(compat["total_cycles"])
