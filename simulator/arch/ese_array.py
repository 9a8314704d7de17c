"""ESE's channels of PEs as a frozen description. Knows structure; no workload and no timing law."""

from typing import Annotated, Literal

from pydantic import Field

from simulator.arch.forms import Bits, Count, Cycles, Described


class EseArray(Described):
    """Channels that hold a vector each and share the weights; docs/model/sparse_engines.md draws it.

    Weights come from DRAM, at its bandwidth, into the slots of the buffer of the weights.

    Parameters
    ----------
    channels : int
    pe_count : int
        Of a channel.
    queue_depth : int
        Slots of a PE's activation queue; a ring holds one less.
    weight_bits, index_bits : int
        Of an entry [bits].
    pointer_bits, activation_bits : int
        [bits]
    vector_lanes : int
        Elements a channel's element-wise unit takes a cycle.
    gate_passes : int
        Element-wise passes over the outputs of a recurrent layer's gate.
    drain_cycles : int
        Cycles of a matrix beside the law's.
    """

    kind: Literal["ese"] = "ese"
    dataflows: Annotated[tuple[Literal["ese"], ...], Field(min_length=1, max_length=1)] = ("ese",)
    channels: Annotated[int, Field(ge=1, le=4096)] = 32
    pe_count: Annotated[int, Field(ge=1, le=4096)] = 32
    queue_depth: Annotated[int, Field(ge=1, le=2**20)] = 8
    weight_bits: Bits = 12
    index_bits: Annotated[int, Field(ge=1, le=8)] = 4
    pointer_bits: Bits = 16
    activation_bits: Bits = 16
    vector_lanes: Count = 16
    gate_passes: Count = 3
    drain_cycles: Cycles = 6
    psum_bits: Bits = 32

    @property
    def pes(self) -> int:
        """Multipliers of all channels."""
        return self.channels * self.pe_count

    @property
    def in_short(self) -> str:
        """What a list of accelerators says of it."""
        return f"{self.channels} x {self.pe_count} PE ESE"
