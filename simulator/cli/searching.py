"""``simulator lut``, ``proxies`` and ``sweep``: tables, trials and sweeps for search."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.arch import load_accelerator
from simulator.cli.outputs import check_file, check_folder, make_folder, refuse_source
from simulator.cli.progress import simulating
from simulator.cli.running import DEFAULT_ACCELERATOR, read_workload
from simulator.cli.screen import console, print_lines
from simulator.documents import write_atomically
from simulator.errors import SimulatorError, WorkloadError

if TYPE_CHECKING:
    from simulator.search.evaluate import Evaluator
    from simulator.search.lut import Lut

SAMPLES = 32


@dataclass(frozen=True)
class LutRequest:
    """What ``lut`` was asked for: fields are named as its parameters are."""

    model: str
    output: Path
    wbits: str
    abits: str
    arch: str | None = None
    form: str | None = None
    fixed: Sequence[str] = ()
    overrides: Sequence[str] = ()
    shape: Sequence[str] = ()
    batch: int = 1
    cache: Path | None = None
    samples: int = SAMPLES
    quiet: bool = False


def make_lut(request: LutRequest) -> None:
    """Make the table, write it, and say how far its sums are from whole runs.

    Raises
    ------
    SimulatorError
        Bad input, before anything is written.
    """
    widths = parse_widths(request.wbits, "--wbits"), parse_widths(request.abits, "--abits")
    fixed = parse_fixed(request.fixed)
    check_file(request.output, "-o")
    refuse_source(request.output, "-o", (request.model, request.arch, request.cache))
    if request.cache is not None:
        check_file(request.cache, "--cache")
    graph = read_workload(request.model, request.shape, quiet=request.quiet)
    machine = load_accelerator(request.arch or DEFAULT_ACCELERATOR, overrides=request.overrides)
    from simulator.search.lut_files import form_of, write_lut

    form = form_of(request.output, request.form)  # before anything is compiled
    with simulating(f"{graph.name} on {machine.name} at {len(widths[0]) * len(widths[1])} pairs", quiet=request.quiet):
        from simulator.search.evaluate import Evaluator
        from simulator.search.lut import lut

        table = lut(
            graph, machine, wbits=widths[0], abits=widths[1], fixed=fixed, batch=request.batch, cache=request.cache
        )
        evaluator = Evaluator(graph, machine, batch=request.batch, cache=request.cache)
    write_lut(table, request.output, form)
    if not request.quiet:
        print_lines(
            console(), [*_said(table), _remainder(table, evaluator, request.samples), f"wrote {request.output}"]
        )


def _said(table: "Lut") -> list[str]:
    lines = [
        (
            f"{table.workload} on {table.accelerator}: {len(table.layers)} layers x {len(table.wbits)} weight x "
            f"{len(table.abits)} activation widths"
        ),
        "an entry is the layer's share of a run of the whole network with that pair in every layer",
    ]
    if table.fixed:
        lines.append("fixed: " + ", ".join(f"{name} at {w}/{a} bit" for name, (w, a) in table.fixed.items()))
    if table.ties:
        lines.append(f"ties (one tensor, stored at the widest): {'; '.join(' = '.join(names) for names in table.ties)}")
    return lines


def _remainder(table: "Lut", evaluator: "Evaluator", samples: int) -> str:
    """Run random assignments whole, and say what the table's sums leave over."""
    import numpy as np

    values = np.random.default_rng(0)
    trials = np.stack(
        [values.choice(widths, (max(1, samples), len(table.layers))) for widths in (table.wbits, table.abits)], axis=-1
    )
    for name, pair in table.fixed.items():
        trials[:, table.layers.index(name)] = pair
    for name, (w, a) in table.fixed.items():
        if w not in table.wbits or a not in table.abits:
            return f"remainder: not measured, {name} is fixed at {w}/{a} bit, which the table lacks"
    left = table.remainder(evaluator, trials)
    mean = float(np.abs(left.remainder_cycles / left.cycles).mean() * 100)
    return (
        f"whole network minus sum of the table, {len(trials)} random assignments: mean {mean:.2f} %, "
        f"at most {left.bound_pct:.2f} % of the cycles (observed, not proven)"
    )


def parse_widths(text: str, option: str) -> tuple[int, ...]:
    """Return the widths of ``2,4,8`` or ``1-8``.

    Raises
    ------
    WorkloadError
        Not of that form, or a width outside 1 to 64.

    Examples
    --------
    >>> parse_widths("1-4,8", "--wbits")
    (1, 2, 3, 4, 8)
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        ends = [first, last if dash else first]
        if not all(end.isascii() and end.isdecimal() and len(end) < 4 for end in ends) or int(ends[0]) > int(ends[1]):
            message = f"{option} {text!r}: write widths with commas, as 2,4,8 or 1-8"
            raise WorkloadError(message)
        found += range(int(ends[0]), int(ends[1]) + 1)
    if not 1 <= min(found) <= max(found) <= 64 or len(set(found)) < len(found):
        message = f"{option} {text!r}: give different widths of 1 to 64 bits"
        raise WorkloadError(message)
    return tuple(found)


def parse_fixed(texts: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return the layers given as ``NAME=W/A``.

    Raises
    ------
    WorkloadError
        Not of that form.

    Examples
    --------
    >>> parse_fixed(["conv1=8/8"])
    {'conv1': (8, 8)}
    """
    fixed = {}
    for text in texts:
        name, _, pair = text.rpartition("=")
        parts = pair.split("/")
        if not name or len(parts) != 2 or not all(part.isascii() and part.isdecimal() and part for part in parts):
            message = f"--fixed {text!r}: write NAME=W/A with weight and activation bits, for example conv1=8/8"
            raise WorkloadError(message)
        fixed[name] = (int(parts[0]), int(parts[1]))
    return fixed


def try_proxies(
    model: str,
    archs: Sequence[str],
    shape: Sequence[str],
    output: Path | None,
    options: tuple[int, str, int, int],
    *,
    quiet: bool,
) -> None:
    """Hold FLOPs, BOPs, parameters and arithmetic intensity against simulated cycles and energy; show and write a page.

    Parameters
    ----------
    model : str
    archs, shape : sequence of str
    output : Path, optional
        A ``.md`` to write.
    options : (int, str, int, int)
        Random configurations, widths, seed, batch.
    quiet : bool

    Raises
    ------
    SimulatorError
        Bad input, before anything is written.
    """
    samples, widths, seed, batch = options
    allowed = parse_widths(widths, "--widths")
    if output is not None:
        check_file(output, "-o")
        refuse_source(output, "-o", (model, *archs))
    graph = read_workload(model, shape, quiet=quiet)
    machines = [load_accelerator(arch) for arch in archs or (DEFAULT_ACCELERATOR,)]
    with simulating(f"{graph.name} at {len(allowed) ** 2 + samples} bit configurations", quiet=quiet):
        from simulator.search.proxies import to_markdown
        from simulator.search.proxies import try_proxies as trial_of

        trial = trial_of(graph, machines, samples=samples, widths=allowed, seed=seed, batch=batch)
    page = to_markdown(trial)
    if output is not None:
        write_atomically(output, page, SimulatorError)
    if not quiet:
        print_lines(console(), page.splitlines())


def sweep(
    spec_path: Path, output: Path, workers: int, scheduler: str | None, *, plots: Path | None = None, quiet: bool
) -> None:
    """Run a sweep, going on where its result file stops; show the front of cycles and energy.

    Raises
    ------
    SimulatorError
        Bad input, another sweep's results, a scheduler that is not there, a worker that died.
    """
    from simulator.search.sweep_spec import read_spec

    check_file(output, "-o")
    refuse_source(output, "-o", (spec_path,))
    if plots is not None:
        check_folder(plots, "--plots")
    spec = read_spec(spec_path)
    from simulator.search.sweep import pareto_front, run_sweep

    rows = _with_progress(
        lambda told: run_sweep(spec, output, workers=workers, scheduler=scheduler, progress=told), quiet
    )
    if plots is not None:
        from simulator.report.pareto import SWEEP_AXES, save_pareto, sweep_points

        make_folder(plots)
        save_pareto(sweep_points(rows), SWEEP_AXES, plots)
    if quiet:
        return
    failed = [row for row in rows if row["error"]]
    front = sorted(pareto_front(rows), key=lambda row: row["cycles"])
    lines = [f"{len(rows)} points, {len(failed)} could not run; results in {output}"]
    lines += [f"point {row['number']}: {row['error']}" for row in failed[:3]]
    lines.append(f"front of cycles and energy: {len(front)} points")
    for row in front[:20]:
        what = " ".join(
            str(row[name]) for name in ("workload", "accelerator", "bits", "dataflow", "sparsity") if row[name]
        )
        lines.append(f"  {row['cycles']:>14,} cycles  {row['energy_pj'] * 1e-6:>12,.1f} µJ  {what}")
    print_lines(console(), lines)


def _with_progress(work: Callable[[Callable[[int, int], None]], Any], quiet: bool) -> Any:  # noqa: ANN401
    from rich.console import Console
    from rich.progress import Progress

    screen = Console(stderr=True)
    with Progress(console=screen, disable=quiet or not screen.is_terminal, transient=True) as bar:
        task = bar.add_task("sweeping", total=None)
        return work(lambda done, total: bar.update(task, completed=done, total=total))
