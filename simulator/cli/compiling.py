"""Kernels compiled before a machine's first run: stage by stage, as many at once as there are processors.

Stages of a family call the same kernels, which a process compiles once: where the engine runs over a DRAM already, each
of the others takes a fifth of what it takes by itself. So few processors take a family each, and more a stage each.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from simulator._kernel_cache import cache_directory, is_compiled
from simulator.cli.entry import OBJECTS_BEFORE_LOOKING

COMPILING = "compiling kernels for this machine, once, about a minute"
COMPILED = "compiled the kernels in"
SQUARE = 64
FAMILIES = 2


@dataclass(frozen=True)
class Stage:
    """A part of a run whose kernels are compiled by one small rehearsal.

    Attributes
    ----------
    name : str
        What its kernels do, for whoever waits for them.
    rehearsal : str
        The function that runs it, as ``module:name``: without arguments, it returns what it found.
    kernels : tuple of str
        The kernels that Python enters: each is kept together with all that it calls.
    family : str
        Stages of a family have kernels in common.
    """

    name: str
    rehearsal: str
    kernels: tuple[str, ...]
    family: str = "engine"

    @property
    def is_ready(self) -> bool:
        """Whether the machine code of today's sources is in the cache."""
        return all(is_compiled(f"simulator.{kernel}") for kernel in self.kernels)


PLANNING = Stage(
    "planning",
    "simulator.machines.rehearsal:rehearse_planning",
    ("dataflow.tape.count_steps", "dataflow.tape.plan_layers", "dataflow.vector_planner.queue_keys"),
    family="planning",
)
MAPPING = Stage(
    "mapping search",
    "simulator.machines.rehearsal:rehearse_mapping",
    ("mapping.search_kernel.search_works",),
    family="planning",
)
ENGINE = Stage(
    "engine",
    "simulator.engine.rehearsal:rehearse_bandwidth_run",
    ("engine.event_loop.prepare", "engine.event_loop.run_tape", "engine.accounting.account"),
)
DRAM_ENGINE = Stage(
    "engine over a DRAM", "simulator.engine.rehearsal:rehearse_event_run", ("engine.dram_loop.run_tape_on_dram",)
)
SHARED = Stage(
    "shared scratchpad",
    "simulator.engine.rehearsal:rehearse_shared_run",
    ("engine.last_level.run_tape_with_last_level",),
)
DRAM_SHARED = Stage(
    "shared scratchpad over a DRAM",
    "simulator.engine.rehearsal:rehearse_shared_event_run",
    ("engine.dram_loop.run_tape_on_dram_and_scratchpad",),
)
DRAM_TRACE = Stage("DRAM traces", "simulator.memory.rehearsal:rehearse_trace", ("memory.dram_kernel.advance",))

STAGES: dict[str, tuple[Stage, ...]] = {
    "run": (PLANNING, MAPPING, ENGINE),
    "event": (DRAM_ENGINE, PLANNING, MAPPING, ENGINE),
    "shared run": (PLANNING, MAPPING, ENGINE, SHARED),
    "shared event": (DRAM_SHARED, PLANNING, MAPPING, ENGINE, SHARED),
    "dram": (DRAM_TRACE,),
    "engine": (),
}
"""The stages of each kind of work, the longest to compile first."""


def still_to_compile(*works: str) -> tuple[Stage, ...]:
    """Return the stages of ``works`` (keys of ``STAGES``) with kernels that this machine did not compile yet."""
    if not _compiles():
        return ()
    return tuple(dict.fromkeys(stage for work in works for stage in STAGES[work] if not stage.is_ready))


def compile_together(*works: str) -> None:
    """Compile what ``works`` still lack: some stages in processes of their own, the others in this one.

    They meet in the kernel cache. Without one, or where no other process can be had, this process compiles everything.
    """
    stages = still_to_compile(*works)
    if not stages:
        return
    beside, here = shared_out(stages, processors() if cache_directory() is not None else 1)
    started = [process for process in map(_start, beside) if process is not None]
    try:
        for stage in here:
            _rehearsal(stage)()
        for process in started:
            process.wait()
        for stage in stages:
            if not stage.is_ready:
                _rehearsal(stage)()
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
                process.wait()


def shared_out(stages: Sequence[Stage], count: int) -> tuple[list[tuple[Stage, ...]], tuple[Stage, ...]]:
    """Return which stages run one behind the other in processes of their own, and which in this one.

    Parameters
    ----------
    stages : sequence of Stage
        The longest first.
    count : int
        Processors.

    Examples
    --------
    >>> beside, here = shared_out(STAGES["event"], 2)
    >>> [[stage.name for stage in chain] for chain in beside], [stage.name for stage in here]
    ([['engine over a DRAM', 'engine']], ['planning', 'mapping search'])
    """
    if count == 1:
        return [], tuple(stages)
    if count > FAMILIES:
        beside: list[tuple[Stage, ...]] = [(stage,) for stage in stages[:-1][:2]]
        return beside, tuple(stages[len(beside) :])
    families = list(dict.fromkeys(stage.family for stage in stages))
    chains = [tuple(stage for stage in stages if stage.family == family) for family in families]
    return chains[:-1], chains[-1]


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _compiles() -> bool:
    return os.environ.get("NUMBA_DISABLE_JIT", "0") in {"", "0"}


def _rehearsal(stage: Stage) -> Callable[[], object]:
    module, _, name = stage.rehearsal.partition(":")
    found: Callable[[], object] = getattr(import_module(module), name)
    return found


def _start(chain: Sequence[Stage]) -> subprocess.Popen[bytes] | None:
    """Rehearse stages in a second process; return None where the interpreter cannot be started again."""
    package = str(Path(__file__).parents[2])
    path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    rehearsals = [stage.rehearsal.replace(":", ".") for stage in chain]
    modules = {rehearsal.rpartition(".")[0] for rehearsal in rehearsals}
    loading = (f"import gc; gc.set_threshold({OBJECTS_BEFORE_LOOKING})", f"import {', '.join(sorted(modules))}")
    code = "; ".join([*loading, *(f"{rehearsal}()" for rehearsal in rehearsals)])
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and code
            # -P: not from the folder the user happens to be in
            [sys.executable, "-P", "-c", code],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, ValueError):  # ValueError: no sys.executable in an embedded interpreter
        return None


def run_product(flow: str, size: int = SQUARE) -> tuple[int, int, int]:
    """Return (cycles, cycles by their parts, SCALE-Sim's own count) of a small product."""
    from simulator.api import simulate
    from simulator.arch import load_accelerator
    from simulator.machines.rehearsal import small_product

    machine = load_accelerator("tpu_like_128", overrides=["array.rows=16", "array.columns=16"])
    result = simulate(small_product(size), machine, fidelity="bandwidth", dataflow=flow, compat="scalesim")
    total = result.total
    parts = sum(total.issue_cycles.values()) + sum(total.idle_cycles.values()) + total.tail_cycles
    compat = next(layer.compat_scalesim for layer in result.layers if layer.compat_scalesim)
    return total.cycles or 0, parts, int(compat["total_cycles"])
