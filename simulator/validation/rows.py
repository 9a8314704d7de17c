"""The form of a validation: rows of reference and simulated numbers, with what the reference is worth."""

import csv
import io
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

SCHEMA = "simulator.validation/1"

Tag = Literal["published", "recalled", "fitted", "inferred", "predicted"]
Verdict = Literal["pass", "fail", "shown"]


@dataclass(frozen=True)
class ValidationRow:
    """One number beside its reference.

    Parameters
    ----------
    name, quantity, unit
        What was compared: a layer or benchmark, the quantity, and its unit.
    reference, simulated
        The two numbers; None where there is none (the row's data is absent, or nobody published one).
    error_pct
        Of the simulated against the reference [%].
    target_pct
        The largest error that passes [%]; None where the row is only shown.
    tag
        The weakest thing that the comparison rests on: ``published`` numbers alone, numbers ``recalled`` from the
        literature, parameters ``fitted`` to other published numbers, ``inferred``, or nothing: a number ``predicted``.
    """

    name: str
    quantity: str
    unit: str
    reference: float | None
    simulated: float | None
    error_pct: float | None
    target_pct: float | None
    tag: Tag
    verdict: Verdict


@dataclass(frozen=True)
class Quantity:
    """What a row compares, apart from its numbers."""

    quantity: str
    unit: str
    tag: Tag
    target_pct: float | None = None


def compare(name: str, what: Quantity, reference: float | None, simulated: float | None) -> ValidationRow:
    """Return the row of two numbers: passed within the target, failed beyond it, shown where there is none.

    Of a reference of 0 no error is a percentage, but for none: anything else fails without a number.

    Without a reference nothing published is compared, so that ``published`` becomes ``predicted``.

    Examples
    --------
    >>> row = compare("Alex-8", Quantity("time", "us", "published", 1.0), 10.0, 9.95)
    >>> round(row.error_pct, 2), row.verdict
    (-0.5, 'pass')
    """
    error_pct = None
    if reference is not None and simulated is not None:
        if reference:
            error_pct = 100.0 * (simulated - reference) / reference
        elif simulated == 0:
            error_pct = 0.0
    verdict: Verdict = "shown"
    if reference is not None and simulated is not None and what.target_pct is not None:
        verdict = "pass" if error_pct is not None and abs(error_pct) <= what.target_pct else "fail"
    tag: Tag = "predicted" if reference is None and what.tag == "published" else what.tag
    return ValidationRow(name, what.quantity, what.unit, reference, simulated, error_pct, what.target_pct, tag, verdict)


@dataclass(frozen=True)
class ValidationReport:
    """All rows of one chip, and what a reader must know to weigh them.

    Examples
    --------
    >>> row = compare("Alex-8", Quantity("cycles", "cycles", "published", 0.0), 7926, 7926)
    >>> report = ValidationReport("eie", (row,), ("one layer",))
    >>> report.to_dict()["schema"], report.failed
    ('simulator.validation/1', 0)
    """

    chip: str
    rows: tuple[ValidationRow, ...]
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        """How many rows miss their target."""
        return sum(row.verdict == "fail" for row in self.rows)

    def to_dict(self) -> dict[str, object]:
        """Return plain numbers, lists and text, ready for JSON."""
        return {
            "schema": SCHEMA,
            "chip": self.chip,
            "rows": [asdict(row) for row in self.rows],
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """Return the report as a JSON document."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"

    def to_csv(self) -> str:
        """Return the rows as comma-separated values, with a header; an absent number is empty."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(field.name for field in fields(ValidationRow))
        writer.writerows(asdict(row).values() for row in self.rows)
        return stream.getvalue()

    def to_markdown(self) -> str:
        """Return the rows as a Markdown table, notes below."""
        lines = [
            f"## {self.chip}",
            "",
            "| name | quantity | unit | reference | simulated | error % | target % | tag | verdict |",
            "|---|---|---|---:|---:|---:|---:|---|---|",
        ]
        for row in self.rows:
            numbers = (_shown(row.reference), _shown(row.simulated), _signed(row.error_pct), _shown(row.target_pct))
            lines.append(f"| {' | '.join((row.name, row.quantity, row.unit, *numbers, row.tag, row.verdict))} |")
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes)]).rstrip() + "\n"


def _shown(number: float | None) -> str:
    if number is None:
        return ""
    return f"{number:,}" if isinstance(number, int) else f"{number:,.4g}"


def _signed(number: float | None) -> str:
    return "" if number is None else f"{number:+.2f}"


def reference_file(*parts: str) -> Path | None:
    """Return a file or folder below ``SIMULATOR_REFERENCE_DIR``, None if that is not set or it is not there.

    Reference files are not part of the project; what needs one is left out, and the report says so.
    """
    folder = os.environ.get("SIMULATOR_REFERENCE_DIR")
    path = Path(folder, *parts) if folder else None
    return path if path is not None and path.exists() else None
