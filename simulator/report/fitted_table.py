"""A table no wider than its place: columns go by rank until the rest fits, words may wrap, numbers are never cut."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table

_BETWEEN = 3  # blanks between two columns of SIMPLE_HEAD
_OUTER = 2  # and at both edges
_NARROWEST_WORDS = 18
LONGEST_NAME = 36


@dataclass(frozen=True)
class TextColumn:
    """A column as text.

    Attributes
    ----------
    heading : str
    cells : sequence of str
    rank : int
        When it goes: the highest first, 0 never.
    left : bool
        Text, not numbers.
    wraps : bool
        Its words may stand on several lines.
    """

    heading: str
    cells: Sequence[str]
    rank: int
    left: bool = False
    wraps: bool = False

    @property
    def least_width(self) -> int:
        """Return how narrow it may get [terminal columns]."""
        texts = [*self.heading.splitlines(), *self.cells]
        widest = max((cell_len(text) for text in texts), default=0)
        if not self.wraps:
            return widest
        words = max((cell_len(word) for text in texts for word in text.split()), default=0)
        return min(widest, max(words, _NARROWEST_WORDS))


def fitted_table(columns: Sequence[TextColumn], width: int | None = None) -> tuple[Table, list[str]]:
    """Return the table, and the headings left out because ``width`` terminal columns do not hold them.

    Parameters
    ----------
    columns : sequence of TextColumn
    width : int, optional
        None shows everything.

    Examples
    --------
    >>> columns = [TextColumn("layer", ["c1"], 0, left=True), TextColumn("cycles", ["1,234"], 0)]
    >>> fitted_table([*columns, TextColumn("energy", ["5.678"], 1)], width=20)[1]
    ['energy']
    """
    kept = list(columns)
    while width is not None and _width(kept) > width and any(column.rank for column in kept):
        worst = max(column.rank for column in kept)
        kept = [column for column in kept if column.rank != worst]
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in kept:
        table.add_column(column.heading, justify="left" if column.left else "right", no_wrap=not column.wraps)
    for row in zip(*(column.cells for column in kept), strict=True):
        table.add_row(*row)
    return table, [" ".join(column.heading.split()) for column in columns if column not in kept]


def _width(columns: Sequence[TextColumn]) -> int:
    return sum(column.least_width + _BETWEEN for column in columns) + _OUTER


def least_width(table: Table) -> int:
    """Return the terminal columns that a table takes at least without cutting anything but words that may be cut."""
    columns = [
        TextColumn(str(column.header), [str(cell) for cell in column.cells], 0, wraps=not column.no_wrap)
        for column in table.columns
    ]
    return _width(columns)


def shortened(name: str) -> str:
    """Keep both ends of a long name: the end tells layers apart.

    Examples
    --------
    >>> shortened("/model/encoder/layer.0/attention/self/query/MatMul")
    '/model/encoder/l...elf/query/MatMul'
    """
    if len(name) <= LONGEST_NAME:
        return name
    half = (LONGEST_NAME - 3) // 2
    return f"{name[:half]}...{name[-half:]}"
