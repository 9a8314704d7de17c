"""``simulator validate``: published or reference numbers beside ours, a table for each chip."""

from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cli.outputs import check_file, check_folder, make_folder
from simulator.cli.progress import working
from simulator.cli.screen import console, print_lines, print_table
from simulator.documents import write_atomically
from simulator.errors import SimulatorError
from simulator.report.quantities import UNKNOWN, printable

if TYPE_CHECKING:
    from rich.table import Table

    from simulator.validation.rows import ValidationReport, ValidationRow

NUMBERS = ("reference", "simulated", "error [%]", "target [%]")


def run_validation(
    chip: str | None,
    data: Path | None,
    queue_depth: int | None,
    output: Path | None,
    plots: Path | None = None,
    write: Path | None = None,
) -> None:
    """Validate ``chip``, or every chip; print the rows, write one chip's as JSON, draw its parity and sweeps.

    ``write`` is a folder: every chip's rows as Markdown and CSV, and its parity plot.

    Raises
    ------
    SimulatorError
        There is no such chip, its data cannot be read, or an option needs one chip and none is named.
    """
    from simulator.validation.chips import CHIPS, validate

    given = {"--data": data, "--queue-depth": queue_depth, "--json": output, "--plots": plots}
    named = [option for option, value in given.items() if value is not None]
    if chip is None and named:
        message = f"validate {named[0]} {given[named[0]]}: is for one chip; name one of {', '.join(CHIPS)}"
        raise SimulatorError(message)
    if output is not None:
        check_file(output, "--json")
        _refuse_data(output, data)
    if plots is not None:
        check_folder(plots, "--plots")
    if write is not None:
        check_folder(write, "--write")
    for name in [chip] if chip is not None else list(CHIPS):
        with working(f"validating {name}", line=f"validating {name}" if name == "dram" else ""):
            report = validate(name, data, queue_depth)
        if output is not None:
            write_atomically(output, report.to_json(), SimulatorError)
        _show(report)
        if write is not None:
            _write(report, write)
        if plots is not None:
            _draw(report, plots)


def _refuse_data(output: Path, data: Path | None) -> None:
    """Refuse to write over what ``--data`` reads: the file itself, or any file in its folder."""
    if data is None:
        return
    read, written = data.resolve(), output.resolve()
    if written == read or (read.is_dir() and written.parent == read and written.exists()):
        message = f"--json {output}: is read by this command (--data {data}) and would be replaced; name another file"
        raise SimulatorError(message)


def _write(report: "ValidationReport", folder: Path) -> None:
    """Write one chip's evidence; what has no rows here (its reference is absent) leaves older files as they are."""
    from simulator.report.parity import save_parity

    if not report.rows:
        return
    make_folder(folder)
    written = [folder / f"{report.chip}.{form}" for form in ("md", "csv")]
    for path, text in zip(written, (report.to_markdown(), report.to_csv()), strict=True):
        write_atomically(path, text, SimulatorError)
    plot = save_parity(report, folder)
    written += [plot] if plot is not None else []
    if report.chip == "isca16_dataflows":
        from simulator.report.dataflow_energy import save_dataflow_energy

        written.append(save_dataflow_energy(report, folder))
    print_lines(console(), [f"wrote {printable(str(path))}" for path in written])


def _draw(report: "ValidationReport", folder: Path) -> None:
    """Draw reference against simulated, and the sweeps of a chip whose paper has some."""
    from simulator.report.parity import save_parity_plots
    from simulator.validation.eie_sweeps import SWEEPS

    make_folder(folder)
    written = save_parity_plots(report, folder)
    if report.chip in SWEEPS:
        from simulator.report.sweeps import save_sweeps

        with working(f"sweeping {report.chip}"):
            title = f"{report.chip}: sweeps as in its paper's figures; capacity limits lifted, each layer one batch"
            written += save_sweeps(SWEEPS[report.chip](), report.chip, title, folder)
    print_lines(console(), [f"wrote {printable(str(path))}" for path in written])


def _show(report: "ValidationReport") -> None:
    screen = console()
    counts = {verdict: sum(row.verdict == verdict for row in report.rows) for verdict in ("pass", "fail", "shown")}
    print_lines(screen, [report.chip, ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)])
    print_table(screen, _table(report))
    print_lines(screen, [f"note: {printable(note)}" for note in report.notes])


def _table(report: "ValidationReport") -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("name", "quantity", "unit", *NUMBERS, "tag", "verdict"):
        table.add_column(heading, justify="right" if heading in NUMBERS else "left", no_wrap=True)
    for row in report.rows:
        table.add_row(*_cells(row), style="red" if row.verdict == "fail" else None)
    return table


def _cells(row: "ValidationRow") -> tuple[str, ...]:
    error = UNKNOWN if row.error_pct is None else f"{row.error_pct:+.2f}"
    numbers = (_number(row.reference), _number(row.simulated), error, _number(row.target_pct))
    return printable(row.name), row.quantity, row.unit, *numbers, row.tag, row.verdict


def _number(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"
