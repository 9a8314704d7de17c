"""Lines of a SCALE-Sim topology file, read into checked rows. Knows the file's habits; knows no layers and no tensors.

The form: a header, then a layer a line, columns by position:

* convolution ``name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides[, N:M],``
* matrix product ``name, M, N, K[, N:M],`` (ifmap M x K, weight K x N)

Shipped files also have no trailing comma, tabs or semicolons for commas, blank and all-empty lines, section titles,
``#`` remarks, a second stride, a batch size, ``1`` for no sparsity, CRLF and a byte-order mark: all are read. What
would have to be guessed (a missing or symbolic number) is refused, by line and field.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from simulator.errors import WorkloadError
from simulator.workload.layers import MAX_DIMENSION

CONV_FIELDS = ("IFMAP Height", "IFMAP Width", "Filter Height", "Filter Width", "Channels", "Num Filter", "Strides")
GEMM_FIELDS = ("M", "N", "K")
MAX_NAME_LENGTH = 900

_NUMBER = re.compile(r"\+?([0-9]{1,12})(\.0{0,12})?")
_RATIO = re.compile(r"([0-9]{1,9})\s*:\s*([0-9]{1,9})")
Kind = Literal["conv", "gemm"]


@dataclass(frozen=True, slots=True)
class TopologyRow:
    """One line that is a layer, or the title of a section.

    Attributes
    ----------
    line : int
        In the file, from 1.
    name : str
        As written; may be empty or doubled.
    kind : {"conv", "gemm", "title"}
    numbers : tuple of int
        In the order of ``CONV_FIELDS`` or ``GEMM_FIELDS``; none for a title.
    stride_horizontal : int
        Equal to the vertical stride unless a second stride is given.
    batch : int
    n_of_m : (int, int), optional
        Non-zeros kept of each block along the reduction.
    remark : str
        Text behind the numbers, not understood and kept for the import table.
    """

    line: int
    name: str
    kind: Literal["conv", "gemm", "title"]
    numbers: tuple[int, ...] = ()
    stride_horizontal: int = 1
    batch: int = 1
    n_of_m: tuple[int, int] | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    """One split line, and where it stands: what an error has to name."""

    where: str
    number: int
    cells: list[str]
    labels: tuple[str, ...]

    def error(self, what: str) -> WorkloadError:
        return WorkloadError(f"{self.where}: line {self.number} ({self.cells[0][:60]!r}): {what}")

    def label(self, column: int) -> str:
        """Return the header's word over ``column``, lower case."""
        return self.labels[column] if column < len(self.labels) else ""


@dataclass(slots=True)
class _Extras:
    """What stands behind a row's dimensions."""

    stride: int | None = None
    batch: int = 1
    n_of_m: tuple[int, int] | None = None
    remark: str = ""


def read_topology_rows(text: str, where: str) -> tuple[TopologyRow, ...]:
    r"""Read every row of a topology.

    Parameters
    ----------
    text : str
        The file's text.
    where : str
        The file, as errors name it.

    Raises
    ------
    WorkloadError
        Names line, field, value and remedy of the first row that cannot be read.

    Examples
    --------
    >>> [row.numbers for row in read_topology_rows("Layer,M,N,K\nfc,1,10,64", "x.csv")]
    [(1, 10, 64)]
    """
    labels: tuple[str, ...] | None = None
    rows = []
    for line, cells in _split_lines(text):
        if labels is None:
            labels = () if _is_data(cells) else tuple(cell.lower() for cell in cells)
            if labels:
                continue
        if tuple(cell.lower() for cell in cells) == labels:
            continue  # files glued together repeat their header
        rows.append(_read_row(_Line(where, line, cells, labels)))
    return tuple(rows)


def _split_lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line numbers and cells; lines with nothing but separators, spaces and remarks are left out."""
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff")), start=1):
        cells = [cell.strip().strip('"').strip() for cell in _split(line.strip())]
        remark = next((i for i, cell in enumerate(cells) if cell.startswith(("#", "//"))), len(cells))
        cells = cells[:remark]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            yield number, cells


def _split(line: str) -> list[str]:
    for separator in (",", "\t", ";"):
        if separator in line:
            return line.split(separator)
    words = line.split()
    return words if _is_data(words) else [line]


def _is_data(cells: list[str]) -> bool:
    return len(cells) > len(GEMM_FIELDS) and all(
        _NUMBER.fullmatch(cell) or _RATIO.fullmatch(cell) for cell in cells[1:]
    )


def _read_row(line: _Line) -> TopologyRow:
    name, values = line.cells[0], line.cells[1:]
    if not values:
        return TopologyRow(line.number, name, "title")
    if len(name) > MAX_NAME_LENGTH:
        raise line.error(f"the name has {len(name)} characters; shorten it to {MAX_NAME_LENGTH}")
    kind = _kind(line, values)
    fields = CONV_FIELDS if kind == "conv" else GEMM_FIELDS
    numbers = tuple(_number(line, label, value) for label, value in zip(fields, values, strict=False))
    if len(numbers) < len(fields):
        raise line.error(f"field {fields[len(numbers)]!r} is missing; write {', '.join(('name', *fields))}")
    extras = _read_extras(line, kind, 1 + len(fields))
    if kind == "conv":
        _check_window(line, numbers)
    return TopologyRow(
        line=line.number,
        name=name,
        kind=kind,
        numbers=numbers,
        stride_horizontal=extras.stride or (numbers[-1] if kind == "conv" else 1),
        batch=extras.batch,
        n_of_m=extras.n_of_m,
        remark=extras.remark,
    )


def _kind(line: _Line, values: list[str]) -> Kind:
    """Decide by how many numbers the row has, and by the header where it has neither 3 nor 7."""
    count = next((i for i, value in enumerate(values) if not _NUMBER.fullmatch(value)), len(values))
    under_conv = any(word in label for label in line.labels[1:] for word in ("ifmap", "filter", "stride"))
    if count >= len(CONV_FIELDS):
        return "conv"
    if line.labels[1:4] == ("m", "n", "k"):
        return "gemm"
    if under_conv and count == len(GEMM_FIELDS) >= len(values) - 1:
        message = (
            f"3 numbers under a convolution's header; field {CONV_FIELDS[3]!r} is missing "
            "(matrix products stand under the header Layer,M,N,K,)"
        )
        raise line.error(message)
    if under_conv or len(values) >= len(CONV_FIELDS):
        return "conv"
    if count in (len(GEMM_FIELDS), len(GEMM_FIELDS) + 1):
        return "gemm"
    message = (
        f"{count} numbers; a convolution has {len(CONV_FIELDS)} ({', '.join(CONV_FIELDS)}), "
        f"a matrix product {len(GEMM_FIELDS)} ({', '.join(GEMM_FIELDS)})"
    )
    raise line.error(message)


def _number(line: _Line, label: str, value: str) -> int:
    match = _NUMBER.fullmatch(value)
    if match is None:
        shown = f"{value[:60]!r}" if value else "empty"
        message = f"field {label!r} is {shown}; give a whole number from 1 (is a comma missing, or a symbol unbound?)"
        raise line.error(message)
    number = int(match.group(1))
    if not 1 <= number <= MAX_DIMENSION:
        raise line.error(f"field {label!r} is {number}; give a whole number from 1 to {MAX_DIMENSION}")
    return number


def _check_window(line: _Line, numbers: tuple[int, ...]) -> None:
    for axis in (0, 1):
        if numbers[axis + 2] > numbers[axis]:
            message = (
                f"field {CONV_FIELDS[axis + 2]!r} is {numbers[axis + 2]}, larger than {CONV_FIELDS[axis]!r} "
                f"{numbers[axis]}; pad the ifmap, or reduce the filter"
            )
            raise line.error(message)


def _read_extras(line: _Line, kind: Kind, first: int) -> _Extras:
    """Read the columns from ``first`` on: N:M, a second stride, a batch size, remarks."""
    extras = _Extras()
    for column, value in enumerate(line.cells[first:], start=first):
        label = line.label(column)
        if _RATIO.fullmatch(value) or (":" in value and "spars" in label):
            extras.n_of_m = _ratio(line, value)
        elif _NUMBER.fullmatch(value):
            _read_number(line, kind, column, first, extras)
        elif value and (_names_a_number(label) or value[0] in "-+.0123456789"):
            shown = label or f"column {column + 1}"
            raise line.error(f"field {shown!r} is {value[:60]!r}; give N:M for sparsity, or a whole number from 1")
        elif value:
            extras.remark = f"{extras.remark} {value[:200]}".strip()
    return extras


def _names_a_number(label: str) -> bool:
    return any(word in label for word in ("spars", "batch", "strid"))


def _read_number(line: _Line, kind: Kind, column: int, first: int, extras: _Extras) -> None:
    label = line.label(column)
    shown = label or f"column {column + 1}"
    number = _number(line, shown, line.cells[column])
    if kind == "conv" and "batch" in label:
        extras.batch = number
    elif kind == "conv" and ("strid" in label or (not label and column == first)):
        extras.stride = number
    elif number != 1:  # 1 says nothing under any other heading: no batch, no sparsity
        message = (
            f"field {shown!r} is {number}; give sparsity as N:M (2:4), a batched product as one row an element, "
            "and leave other numbers out"
        )
        raise line.error(message)


def _ratio(line: _Line, value: str) -> tuple[int, int]:
    match = _RATIO.fullmatch(value)
    if match is None or not 1 <= int(match.group(1)) <= int(match.group(2)):
        raise line.error(f"sparsity is {value[:60]!r}; give N:M with 1 <= N <= M, for example 2:4")
    return int(match.group(1)), int(match.group(2))
