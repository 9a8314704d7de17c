"""Multipliers without storage of their own before adder trees, as a frozen description. Knows structure, no timing."""

from typing import Annotated, Literal

from pydantic import Field

from simulator.arch.forms import Bits, Described, Edge


class NoLocalReuseArray(Described):
    """Rows of multipliers share an ifmap value, columns share an adder tree; docs/model/no_local_reuse.md draws it.

    Parameters
    ----------
    rows : int
        Input channels a cycle: leaves of each adder tree.
    columns : int
        Output channels a cycle: adder trees.
    psum_bits : int
        Accumulator width [bits].
    """

    kind: Literal["no_local_reuse"] = "no_local_reuse"
    rows: Edge
    columns: Edge
    dataflows: Annotated[tuple[Literal["nlr"], ...], Field(min_length=1, max_length=1)] = ("nlr",)
    psum_bits: Bits = 16

    @property
    def pes(self) -> int:
        """Multipliers."""
        return self.rows * self.columns

    @property
    def in_short(self) -> str:
        """What a list of accelerators says of it."""
        return f"{self.rows} x {self.columns} no local reuse"
