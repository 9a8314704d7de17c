"""``compare`` and ``report``: results from files, beside each other or once more."""

from collections.abc import Sequence
from pathlib import Path

from simulator.cli.outputs import Outputs, make_folder
from simulator.cli.progress import working
from simulator.cli.screen import console, print_lines, print_pairs, print_table, width_of
from simulator.cli.showing import show_result
from simulator.documents import write_atomically
from simulator.errors import SimulatorError
from simulator.report.comparison import changed_most, describe_runs, layers_table, totals_table
from simulator.report.result_files import load_result
from simulator.results import RunResult


def compare(
    paths: Sequence[Path], *, layers: bool, html: Path | None = None, plots: Path | None = None, quiet: bool = False
) -> None:
    """Print totals, and each layer, of several results as factors of the first.

    Raises
    ------
    SimulatorError
        Fewer than two files, one that is no result, or a page that cannot be written.
    """
    if len(paths) < 2:
        message = f"compare {' '.join(map(str, paths))}: give two results or more (`simulator run ... --json FILE`)"
        raise SimulatorError(message)
    Outputs(html=html, plots=plots).check(paths)
    results = [load_result(path) for path in paths]
    written = _write_comparison([str(path) for path in paths], results, html, plots, quiet=quiet)
    if quiet:
        return
    screen = console()
    print_pairs(screen, list(describe_runs([str(path) for path in paths], results)))
    for make in (totals_table, layers_table) if layers else (totals_table,):
        table, hidden = make(results, width_of(screen))
        print_table(screen, table)
        if hidden:
            print_lines(screen, [f"columns left out at this width: {', '.join(hidden)} (widen)"])
    changes = list(changed_most(results))
    if changes:
        print_lines(screen, ["", "changed most, last against A:", *(f"  {line}" for line in changes)])
    print_lines(screen, written)


def _write_comparison(
    names: Sequence[str], results: Sequence[RunResult], html: Path | None, plots: Path | None, *, quiet: bool
) -> list[str]:
    """Write page and plots where they are asked for; return a line for each."""
    lines = []
    with working("drawing", quiet=quiet or (html is None and plots is None)):
        if html is not None:
            from simulator.report.compare_page import compare_page

            write_atomically(html, compare_page(names, results), SimulatorError)
            lines.append(f"wrote {html}")
        if plots is not None:
            from simulator.report.compare_page import save_compare

            make_folder(plots)
            files = save_compare(names, results, plots)
            lines.append(f"wrote {plots}: {len(files)} files of plots and their numbers")
    return lines


def report(paths: Sequence[Path], outputs: Outputs, *, explain: str | None, quiet: bool) -> None:
    """Show results once more, and write what is asked for from them.

    Raises
    ------
    SimulatorError
        A file is no result, or cannot be written; one file is asked to hold several results.
    """
    outputs.check(paths)
    for name in ("csv",):
        if len(paths) > 1 and getattr(outputs, name) is not None:
            message = f"--{name} {getattr(outputs, name)}: one file for {len(paths)} results; report them one by one"
            raise SimulatorError(message)
    results = [load_result(path) for path in paths]
    names = [f"{path.stem}_" for path in paths] if len(paths) > 1 else []
    if len(set(names)) < len(names):
        names = [f"{index}_{name}" for index, name in enumerate(names, start=1)]
    written = outputs.write(results, names, quiet=quiet)
    if quiet:
        return
    for result in results:
        show_result(result, explain=explain)
        if len(results) > 1:
            print_lines(console(), ["", ""])
    print_lines(console(), written)
