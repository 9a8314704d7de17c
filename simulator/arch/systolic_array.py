"""A systolic array as a frozen description. Knows structure; no workload and no timing law."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.arch.forms import Bits, Count, Described, Edge, refuse_repeats

SystolicDataflow = Literal["ws", "os", "is"]


class SystolicArray(Described):
    """An R x C grid of processing elements; docs/model/systolic.md draws it.

    Parameters
    ----------
    rows, columns : int
        Processing elements (PE) along each edge.
    dataflows : tuple of {"ws", "os", "is"}
        What it can run; the first is the default.
    weight_shadow : bool
        A second stationary register a PE: the next fold loads behind this one.
    shadow_swap : {"wavefront", "global"}
        Whether the swap to the shadow registers travels with the data or happens in all PEs at once.
    os_drain : {"shift_blocking", "separate_chain"}
        Whether finished psums leave through the psum registers or through registers of their own.
    skew_in_array : bool
        Delay registers at the edges make the skew (the buffer is read a whole operand row a cycle).
    group_packing : bool
        WS: several groups of a grouped convolution share a fold on the diagonal.
    psum_bits : int
        Accumulator width [bits].
    ifmap_bus_words_per_cycle, weight_bus_words_per_cycle, psum_bus_words_per_cycle : int, optional
        Port widths [words/cycle]; None is as wide as the array's edge.
    shared_bus_operands : tuple of {"ifmap", "weight", "psum"}
        Operands that reach the array over one bus, one after the other; psums in both directions.
    shared_bus_bits_per_cycle : int, optional
        Its width; elements cross packed [bits/cycle].
    """

    kind: Literal["systolic"] = "systolic"
    rows: Edge
    columns: Edge
    dataflows: Annotated[tuple[SystolicDataflow, ...], Field(min_length=1, max_length=3)] = ("ws",)
    weight_shadow: bool = True
    shadow_swap: Literal["wavefront", "global"] = "wavefront"
    os_drain: Literal["shift_blocking", "separate_chain"] = "shift_blocking"
    skew_in_array: bool = True
    group_packing: bool = False
    psum_bits: Bits = 32
    ifmap_bus_words_per_cycle: Count | None = None
    weight_bus_words_per_cycle: Count | None = None
    psum_bus_words_per_cycle: Count | None = None
    shared_bus_operands: Annotated[tuple[Literal["ifmap", "weight", "psum"], ...], Field(max_length=3)] = ()
    shared_bus_bits_per_cycle: Count | None = None

    @model_validator(mode="after")
    def _choices_make_sense(self) -> Self:
        refuse_repeats("dataflows", self.dataflows)
        refuse_repeats("shared_bus_operands", self.shared_bus_operands)
        if bool(self.shared_bus_operands) != (self.shared_bus_bits_per_cycle is not None):
            message = (
                f"shared_bus_operands = {list(self.shared_bus_operands)} with shared_bus_bits_per_cycle = "
                f"{self.shared_bus_bits_per_cycle}: a shared bus needs both; give both, or neither"
            )
            raise ValueError(message)
        return self

    @property
    def pes(self) -> int:
        """Processing elements."""
        return self.rows * self.columns

    @property
    def in_short(self) -> str:
        """What a list of accelerators says of it."""
        return f"{self.rows} x {self.columns} {'/'.join(self.dataflows)}"
