"""What a sweep runs over: workloads x accelerators x mappings x bits x sparsity, as a checked file."""

import json
import re
from itertools import product
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

from simulator.documents import parse_form, read_json
from simulator.errors import SimulatorError

_BITS = re.compile(r"w([1-9][0-9]?)a([1-9][0-9]?)")
MOST_POINTS = 1_000_000


class Point(NamedTuple):
    """One run of a sweep; the fields are those of :class:`SweepSpec`, one of each."""

    number: int
    workload: str
    accelerator: str
    dataflow: str | None
    objective: str
    bits: str | None
    sparsity: str | None
    batch: int


class SweepSpec(BaseModel):
    """A sweep: the product of its lists.

    Parameters
    ----------
    workloads, accelerators : list of str
        Names or files.
    dataflows : list of str or None
        None is the accelerator's first.
    objectives : list of {"latency", "energy", "edp"}
        What mappings minimise.
    bits : list of str or None
        ``w4a8`` gives every layer these widths; None keeps the workload's own.
    sparsity : list of str or None
        As ``run --sparsity``; None declares nothing.
    batch : int
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal["simulator.sweep/1"] = Field(default="simulator.sweep/1", alias="schema")
    workloads: Annotated[tuple[str, ...], Field(min_length=1)]
    accelerators: Annotated[tuple[str, ...], Field(min_length=1)]
    dataflows: Annotated[tuple[Literal["ws", "os", "is", "auto"] | None, ...], Field(min_length=1)] = (None,)
    objectives: Annotated[tuple[Literal["latency", "energy", "edp"], ...], Field(min_length=1)] = ("latency",)
    bits: Annotated[tuple[str | None, ...], Field(min_length=1)] = (None,)
    sparsity: Annotated[tuple[str | None, ...], Field(min_length=1)] = (None,)
    batch: Annotated[int, Field(ge=1, le=65536)] = 1

    @field_validator("bits")
    @classmethod
    def _bits_are_pairs(cls, bits: tuple[str | None, ...]) -> tuple[str | None, ...]:
        for one in bits:
            if one is not None:
                widths_of(one)
        return bits

    def points(self) -> list[Point]:
        """Return every run, in one order.

        Raises
        ------
        SimulatorError
            They are more than MOST_POINTS.
        """
        axes = (self.workloads, self.accelerators, self.dataflows, self.objectives, self.bits, self.sparsity)
        count = prod(map(len, axes))
        if count > MOST_POINTS:
            message = f"sweep of {count} points (the product of its lists): at most {MOST_POINTS}; cut it in several"
            raise SimulatorError(message)
        return [Point(i, *values, self.batch) for i, values in enumerate(product(*axes))]

    def digest_text(self) -> str:
        """Return the spec in one spelling: what says that a result file belongs to it."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True)


def widths_of(bits: str) -> tuple[int, int]:
    """Return the (weight, activation) bits of ``w4a8``.

    Raises
    ------
    ValueError
        Not of that form, or above 64.

    Examples
    --------
    >>> widths_of("w4a8")
    (4, 8)
    """
    found = _BITS.fullmatch(bits)
    if found is None or max(int(found[1]), int(found[2])) > 64:
        message = f"bits {bits!r}: write w4a8, weight and activation bits of 1 to 64"
        raise ValueError(message)
    return int(found[1]), int(found[2])


def read_spec(path: Path) -> SweepSpec:
    """Read a sweep's file.

    Raises
    ------
    SimulatorError
        Unreadable, or a field is unknown or makes no sense.
    """
    document: Any = read_json(path, SimulatorError)
    return parse_form(SweepSpec, document, str(path), SimulatorError)
