"""``warmup`` and ``doctor``: kernels compiled ahead, and an installation that is known to count right."""

import importlib.util
import platform
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version

from simulator import __version__
from simulator._jit import cache_directory, cache_is_cold
from simulator.arch import preset_names
from simulator.cli.compiling import (
    COMPILING,
    LAST_COMPILED,
    SQUARE,
    compile_together,
    must_compile,
    rehearse_run,
    run_product,
)
from simulator.cli.progress import working
from simulator.cli.screen import console, print_lines, print_pairs
from simulator.errors import SimulatorError
from simulator.workload import library_names

CORE = ("numpy", "numba", "networkx", "matplotlib", "pydantic", "typer", "rich", "jinja2")
EXTRAS = {"onnx": "onnx", "highspy": "search", "optuna": "search", "polars": "data", "distributed": "distributed"}
LENET_MACS = 416_520  # LeCun et al. 1998, layer by layer: 117,600 + 240,000 + 48,000 + 10,080 + 840


def warmup(*, quiet: bool) -> None:
    """Compile every kernel that a run or a DRAM trace uses."""
    cold = any(must_compile(work) for work in LAST_COMPILED)
    started = time.monotonic()
    with working(COMPILING if cold else "checking kernels", quiet=quiet, long=cold):
        compile_together(rehearse_run)
        _run_dram()
    if not quiet:
        took = f"{time.monotonic() - started:.1f} s"
        folder = cache_directory()
        kept = f"kept in {folder}" if folder else "not kept: no cache folder is writable (set SIMULATOR_CACHE_DIR)"
        print_lines(console(), [f"all kernels are ready ({took}), {kept}"])


def _run_dram() -> int:
    """Return the last cycle of two reads from one row of a DDR3 channel."""
    from simulator.memory.dram_config import DramConfig, DramOrganization, DramTiming
    from simulator.memory.dram_run import dram_trace, run_trace

    organization = DramOrganization(
        protocol="DDR3",
        bank_groups=1,
        banks_per_group=8,
        rows=65536,
        columns=1024,
        device_width_bits=8,
        bus_width_bits=64,
        burst_length=8,
        address_mapping="rochrababgco",
    )
    shared = {"trcd_read_cycles": 11, "trcd_write_cycles": 11, "trp_cycles": 11, "tras_cycles": 28, "trfc_cycles": 208}
    spacing = {"trrd_s_cycles": 5, "trrd_l_cycles": 5, "tfaw_cycles": 24, "tccd_s_cycles": 4, "tccd_l_cycles": 4}
    turns = {"twtr_s_cycles": 6, "twtr_l_cycles": 6, "twr_cycles": 12, "trtp_cycles": 6, "trefi_cycles": 6240}
    timing = DramTiming(clock_period_ns=1.25, cl_cycles=11, cwl_cycles=8, **shared, **spacing, **turns)
    trace = dram_trace({"addr": [0, 64], "is_write": [False, False]})
    return run_trace(DramConfig(organization=organization, timing=timing), trace).makespan_cycles


def doctor() -> None:
    """Check versions, data, cache and a few known numbers.

    Raises
    ------
    SystemExit
        With 1, when a check fails.
    """
    screen = console()
    print_pairs(screen, list(_surroundings()))
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
    state = "cold: the next run compiles" if cache_is_cold() else "warm"
    yield "kernel cache", f"{folder} ({state})" if folder else "no writable folder: every start compiles"


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
    return _equal("two DDR3-1600 reads, last beat", _run_dram(), 1 + 11 + 11 + 4 + 4 + 1)


def _equal(what: str, found: int, expected: int) -> str:
    return f"{what}: {found}" if found == expected else f"FAILED: {what}: {found}, expected {expected}"


_CHECKS: dict[str, Callable[[], str]] = {
    "library": _library,
    "workload counts": _macs,
    "time adds up": _identity,
    "systolic convention": _convention,
    "DRAM commands": _dram,
}
