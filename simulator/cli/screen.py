"""The output stream: a terminal's width is respected, anything else gets every column and no colour."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from simulator.report.fitted_table import least_width

UNBOUNDED = 100_000


class Screen(Console):
    """A console that leaves a broken pipe to the caller."""

    def on_broken_pipe(self) -> None:
        """Go on raising: `simulator list workloads | head -1` ends quietly, with the exit code of a broken pipe."""
        raise  # noqa: PLE0704 - called while the error is being handled


def console() -> Console:
    """Return a console on the output stream; names are never taken for markup."""
    screen = Screen(markup=False, highlight=False, emoji=False)
    if screen.is_terminal:
        return screen
    return Screen(markup=False, highlight=False, emoji=False, width=UNBOUNDED, color_system=None)


def width_of(screen: Console) -> int | None:
    """Return the columns of a terminal, or None where there is no limit."""
    return screen.width if screen.is_terminal else None


def print_table(screen: Console, table: Table) -> None:
    """Print a table, without the blanks that would fill a line nobody limits; a terminal too narrow wraps its lines."""
    least = least_width(table)
    if screen.is_terminal and least <= screen.width:
        screen.print(table)
        return
    wide = Screen(
        markup=False,
        highlight=False,
        emoji=False,
        width=least if screen.is_terminal else UNBOUNDED,
        force_terminal=False,
        color_system=None,
    )
    with wide.capture() as captured:
        wide.print(table)
    print_lines(screen, captured.get().splitlines())


def print_lines(screen: Console, lines: Iterable[str]) -> None:
    """Print lines as they are; a terminal wraps them by itself."""
    for line in lines:
        screen.out(line.rstrip(), highlight=False)


def print_pairs(screen: Console, pairs: Sequence[tuple[str, str]]) -> None:
    """Print (name, value) lines with the values under each other."""
    width = max((len(name) for name, _ in pairs), default=0)
    print_lines(screen, (f"{name:<{width}}  {value}" for name, value in pairs))
