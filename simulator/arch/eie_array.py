"""EIE's array of PEs as a frozen description. Knows structure; no workload and no timing law."""

from typing import Annotated, Literal

from pydantic import Field

from simulator.arch.forms import Bits, Count, Cycles, Described


class EieArray(Described):
    """PEs that share the rows of a compressed weight matrix and take broadcast activations; docs/model/eie.md draws it.

    The buffers of the description are the PEs' memories together: that of the weights is the sparse-matrix SRAM (its
    ``word_bits`` are a row), that of ifmap and psum the activation SRAM. Both must be whole KiB a PE.

    Parameters
    ----------
    pes : int
    queue_depth : int
        Slots of each PE's activation queue; a ring holds one less.
    weight_bits, index_bits : int
        Codebook index and zero count of an entry [bits].
    pointer_sram_kib_per_pe : int
        Column pointers of a PE [KiB].
    pointer_bits, activation_bits : int
        [bits]
    activation_registers_per_pe : int
        Sources, and as many destinations, of a batch.
    drain_cycles : int
        Cycles of a layer beside the law's.
    """

    kind: Literal["eie"] = "eie"
    dataflows: Annotated[tuple[Literal["eie"], ...], Field(min_length=1, max_length=1)] = ("eie",)
    pes: Annotated[int, Field(ge=1, le=65536)] = 64
    queue_depth: Annotated[int, Field(ge=1, le=2**20)] = 8
    weight_bits: Annotated[int, Field(ge=1, le=8)] = 4
    index_bits: Annotated[int, Field(ge=1, le=8)] = 4
    pointer_sram_kib_per_pe: Count = 32
    pointer_bits: Bits = 16
    activation_bits: Bits = 16
    activation_registers_per_pe: Count = 64
    drain_cycles: Cycles = 6
    psum_bits: Bits = 16

    @property
    def in_short(self) -> str:
        """What a list of accelerators says of it."""
        return f"{self.pes} PE EIE"
