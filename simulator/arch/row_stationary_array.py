"""A row-stationary array (Eyeriss) as a frozen description. Knows structure; no workload and no timing law."""

from typing import Annotated, Literal

from pydantic import Field

from simulator.arch.forms import Bits, Count, Cycles, Described, Edge


class RowStationaryArray(Described):
    """A grid of PEs with scratchpads of their own, fed by multicast buses; docs/model/row_stationary.md draws it.

    Parameters
    ----------
    rows, columns : int
        Processing elements (PE) along each edge.
    psum_bits : int
        Accumulator width [bits].
    filter_spad_words, ifmap_spad_words, psum_spad_words : int
        Scratchpads of one PE [words]: ``p q S``, ``q S`` and ``p`` words of a mapping must fit.
    filter_bus_words_per_cycle, ifmap_bus_words_per_cycle, psum_bus_words_per_cycle : int
        Words that leave the buffer on each multicast bus a cycle; the psum bus has as many in each direction.
    multicast : bool
        Whether a word on the filter or ifmap bus reaches all PEs that want it at once, or one after the other.
    pass_setup_cycles : int
        Between two processing passes, beside the loads and drains that the buses explain [cycles].
    feature_maps : {"rlc", "raw"}
        How feature maps lie in DRAM: run-length compressed (5-bit runs, 16-bit levels), or as they are.
    zero_gating : bool
        A PE whose ifmap value is zero does not read its spads nor multiply: energy, never cycles.
    """

    kind: Literal["row_stationary"] = "row_stationary"
    rows: Edge
    columns: Edge
    dataflows: Annotated[tuple[Literal["rs"], ...], Field(min_length=1, max_length=1)] = ("rs",)
    psum_bits: Bits = 16
    filter_spad_words: Count = 224
    ifmap_spad_words: Count = 12
    psum_spad_words: Count = 24
    filter_bus_words_per_cycle: Count = 4
    ifmap_bus_words_per_cycle: Count = 1
    psum_bus_words_per_cycle: Count = 4
    multicast: bool = True
    pass_setup_cycles: Cycles = 0
    feature_maps: Literal["rlc", "raw"] = "rlc"
    zero_gating: bool = True

    @property
    def pes(self) -> int:
        """Processing elements."""
        return self.rows * self.columns

    @property
    def in_short(self) -> str:
        """What a list of accelerators says of it."""
        return f"{self.rows} x {self.columns} row stationary"
