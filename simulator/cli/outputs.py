"""Files a command is asked to write: refused before the work if they cannot be, written whole or not at all."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cli.progress import working
from simulator.documents import write_atomically
from simulator.errors import SimulatorError
from simulator.results import RunResult

if TYPE_CHECKING:
    from simulator.report.page import Background


@dataclass(frozen=True)
class Outputs:
    """Where results go; None where they do not."""

    json: Path | None = None
    csv: Path | None = None
    html: Path | None = None
    plots: Path | None = None
    trace: Path | None = None

    @property
    def over_time(self) -> bool:
        """Whether anything asked for shows when things happened: the run must then keep its timeline."""
        return any(path is not None for path in (self.html, self.plots, self.trace))

    def check(self, sources: Iterable[str | Path | None] = ()) -> None:
        """Refuse paths that cannot be written.

        Parameters
        ----------
        sources : iterable of str, Path or None
            What the command reads: an output may not replace it.

        Raises
        ------
        SimulatorError
            A folder is missing or not writable, a file's path is a folder, two outputs are one file, or one of them
            is a file that the command reads.
        """
        read = list(sources)
        named = [(name, getattr(self, name)) for name in ("json", "csv", "html", "trace")]
        files = [(name, path) for name, path in named if path is not None]
        for name, path in files:
            check_file(path, f"--{name}")
            refuse_source(path, f"--{name}", read)
        if len({path.absolute() for _, path in files}) < len(files):
            message = (
                f"{' '.join(f'--{name} {path}' for name, path in files)}: one file for two outputs; name two files"
            )
            raise SimulatorError(message)
        if self.plots is not None:
            check_folder(self.plots, "--plots")

    def write(
        self,
        results: Sequence[RunResult],
        names: Sequence[str] = (),
        background: "Background | None" = None,
        *,
        quiet: bool = False,
    ) -> list[str]:
        """Write what was asked for, and return a line to show for each file, one for all plots.

        Parameters
        ----------
        results : sequence of RunResult
            JSON, CSV and trace are of the first: the command refuses more.
        names : sequence of str
            Starts of the plots' file names, one a result.
        background : Background, optional
            What the page says of where the results came from.
        quiet : bool
            Show no spinner while figures are drawn.
        """
        with working("drawing", quiet=quiet or (self.html is None and self.plots is None)):
            files, plots = self._write_files(results, background), self._write_plots(results, names)
        lines = [f"wrote {path}" for path in files]
        return [*lines, f"wrote {self.plots}: {len(plots)} files of plots and their numbers"] if plots else lines

    def _write_files(self, results: Sequence[RunResult], background: "Background | None") -> list[Path]:
        written: list[Path] = []
        if self.plots is not None:
            make_folder(self.plots)
        if self.trace is not None:  # the only one that a result can lack what it needs for: before the others
            from simulator.report.trace import write_trace

            write_trace(results[0], self.trace)
            written.append(self.trace)
        if self.json is not None:
            write_atomically(self.json, results[0].to_json(), SimulatorError)
            written.append(self.json)
        if self.csv is not None:
            write_atomically(self.csv, results[0].to_csv(), SimulatorError)
            written.append(self.csv)
        if self.html is not None:
            from simulator.report.page import html_page

            write_atomically(self.html, html_page(results, background), SimulatorError)
            written.append(self.html)
        return written

    def _write_plots(self, results: Sequence[RunResult], names: Sequence[str]) -> list[Path]:
        written: list[Path] = []
        if self.plots is not None:
            from simulator.report.plots import save_plots

            for index, result in enumerate(results):
                written += save_plots(result, self.plots, names[index] if names else "")
        return written


def check_file(path: Path, option: str) -> None:
    """Refuse a file that could not be written.

    Raises
    ------
    SimulatorError
        It is a folder, or its folder is missing or not writable.
    """
    try:
        fault = ""
        if "\0" in str(path):
            fault = "holds a NUL; choose another"
        elif path.is_dir() or not path.name:
            fault = "is a folder; name a file in it"
        elif not path.parent.is_dir():
            fault = f"there is no folder {path.parent}; make it first"
        elif not os.access(path.parent, os.W_OK) or (path.exists() and not path.is_file()):
            fault = "cannot be written there; choose another place"
    except (OSError, ValueError) as problem:  # a name too long, or with a NUL
        fault = f"is no usable path ({problem}); choose another"
    if fault:
        message = f"{option} {path}: {fault}"
        raise SimulatorError(message)


def refuse_source(path: Path, option: str, sources: Iterable[str | Path | None]) -> None:
    """Refuse to write over a file that the command reads.

    Parameters
    ----------
    path : Path
        A file to write.
    option : str
        What asked for it.
    sources : iterable of str, Path or None
        Files and names of the command's input; a name without a suffix is no file.

    Raises
    ------
    SimulatorError
        ``path`` is one of ``sources``, whatever way each is spelled.
    """
    named = [str(source) for source in sources if source is not None and Path(source).suffix]
    files = [os.path.realpath(name) for name in named if "\0" not in name]
    if os.path.realpath(path) in files:
        message = f"{option} {path}: is read by this command and would be replaced; name another file"
        raise SimulatorError(message)


def make_folder(path: Path) -> None:
    """Make a folder unless it is there.

    Raises
    ------
    SimulatorError
        It cannot be made.
    """
    try:
        path.mkdir(exist_ok=True)
    except OSError as problem:
        message = f"--plots {path}: cannot be made ({problem.strerror}); choose another place"
        raise SimulatorError(message) from None


def check_folder(path: Path, option: str) -> None:
    """Refuse a folder that neither exists nor could be made.

    Raises
    ------
    SimulatorError
        Its parent is missing or not writable, or it is a file.
    """
    if path.is_dir():
        if os.access(path, os.W_OK):
            return
        message = f"{option} {path}: the folder is not writable; choose another"
        raise SimulatorError(message)
    if path.exists():
        message = f"{option} {path}: is a file; name a folder"
        raise SimulatorError(message)
    check_file(path, option)
