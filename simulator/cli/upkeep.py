"""``warmup`` and ``doctor``: kernels compiled ahead, and an installation that is known to count right."""

import importlib.util
import platform
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version

from simulator import __version__
from simulator._kernel_cache import cache_directory, cache_is_cold
from simulator.arch import preset_names
from simulator.cli.compiling import SQUARE, STAGES, run_product, still_to_compile
from simulator.cli.progress import compile_first
from simulator.cli.screen import console, print_lines, print_pairs
from simulator.errors import SimulatorError
from simulator.units import ceil_div
from simulator.workload import library_names

CORE = ("numpy", "numba", "networkx", "matplotlib", "pydantic", "typer", "rich", "jinja2")
EXTRAS = {"onnx": "onnx", "highspy": "search", "optuna": "search", "polars": "data", "distributed": "distributed"}
LENET_MACS = 416_520  # LeCun et al. 1998, layer by layer: 117,600 + 240,000 + 48,000 + 10,080 + 840


def warmup(*, quiet: bool) -> None:
    """Compile every kernel that a run or a DRAM trace uses."""
    started = time.monotonic()
    compile_first(*STAGES, quiet=quiet)
    if not quiet:
        took = f"{time.monotonic() - started:.1f} s"
        folder = cache_directory()
        kept = f"kept in {folder}" if folder else "not kept: no cache folder is writable (set SIMULATOR_CACHE_DIR)"
        print_lines(console(), [f"all kernels are ready ({took}), {kept}"])


def doctor() -> None:
    """Check versions, data, cache and a few known numbers.

    Raises
    ------
    SystemExit
        With 1, when a check fails.
    """
    screen = console()
    print_pairs(screen, list(_surroundings()))
    compile_first(*STAGES)
    failed = 0
    for name, check in _CHECKS.items():
        try:
            said = check()
        except SimulatorError as fault:
            said = f"FAILED: {fault}"
        failed += said.startswith("FAILED")
        print_pairs(screen, [(f"{name:<24}", said)])
    print_lines(screen, ["everything is well" if not failed else f"{failed} checks failed: reinstall the package"])
    if failed:
        raise SystemExit(1)


def _surroundings() -> Iterator[tuple[str, str]]:
    yield "simulator", __version__
    yield "python", f"{platform.python_version()} ({sys.platform}, {platform.machine()})"
    for package in CORE:
        yield package, _version(package)
    for package, extra in EXTRAS.items():
        found = importlib.util.find_spec(package) is not None
        yield package, _version(package) if found else f"not installed (optional: extra [{extra}])"
    folder = cache_directory()
    yield "kernel cache", f"{folder} ({_warmth()})" if folder else "no writable folder: every start compiles"


def _warmth() -> str:
    lacking = still_to_compile(*STAGES)
    if cache_is_cold():
        return "cold: compiled now"
    return f"compiled now: {', '.join(stage.name for stage in lacking)}" if lacking else "warm"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "FAILED: not installed"


def _library() -> str:
    names = library_names()
    return (
        f"{len(names)} workloads, {len(preset_names())} accelerators" if "resnet50" in names else "FAILED: incomplete"
    )


def _macs() -> str:
    from simulator.workload import load_workload

    macs = load_workload("lenet5").total_macs
    return _equal("LeNet-5 MACs", macs, LENET_MACS)


def _identity() -> str:
    cycles, parts, _ = run_product("ws")
    return _equal("cycles by their parts", parts, cycles)


def _convention() -> str:
    """Compare with SCALE-Sim's own closed form: folds x (2 rows + columns + streamed - 2), counted from zero."""
    edge, folds = 16, (SQUARE // 16) ** 2
    return _equal("SCALE-Sim's cycles", run_product("ws")[2], folds * (2 * edge + edge + SQUARE - 2) - 1)


def _dram() -> str:
    from simulator.memory.rehearsal import rehearse_trace

    return _equal("two DDR3-1600 reads, last beat", rehearse_trace(), 1 + 11 + 11 + 4 + 4 + 1)


def _event() -> str:
    """Compare with a data sheet: arrival, tRCD, CL, burst and the end of the last clock, of 1200 MHz under 1 GHz."""
    from simulator.engine.rehearsal import rehearse_event_run

    return _equal("a DDR4-2400 read, cycles of the array", rehearse_event_run(), ceil_div((1 + 17 + 17 + 4 + 1) * 5, 6))


def _equal(what: str, found: int, expected: int) -> str:
    return f"{what}: {found}" if found == expected else f"FAILED: {what}: {found}, expected {expected}"


_CHECKS: dict[str, Callable[[], str]] = {
    "library": _library,
    "workload counts": _macs,
    "time adds up": _identity,
    "systolic convention": _convention,
    "DRAM commands": _dram,
    "DRAM in a run": _event,
}
