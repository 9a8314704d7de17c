"""A scratchpad between the DRAM and several cores, as a frozen description."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from simulator.arch.forms import Described
from simulator.units import BITS_PER_BYTE


class LastLevelScratchpad(Described):
    """Holds tiles that several cores read alike, so that each comes from DRAM once (docs/model/cores.md).

    Parameters
    ----------
    capacity_bytes : int
        Room for tiles, first in first out [bytes].
    word_bits : int
        Width of one access of a bank [bits].
    banks : int
        Accessed side by side: the port moves a word of each in a cycle.
    latency_cycles : int
        After a read's last cycle on the port, until it is in the core's buffer [cycles].
    """

    capacity_bytes: Annotated[int, Field(ge=1, le=2**40)]
    word_bits: Annotated[int, Field(ge=8, le=65536)] = 512
    banks: Annotated[int, Field(ge=1, le=4096)] = 1
    latency_cycles: Annotated[int, Field(ge=0, le=1_000_000)] = 8

    @property
    def bytes_per_cycle(self) -> float:
        """What the port moves in a cycle [B/cycle]."""
        return self.banks * self.word_bits / BITS_PER_BYTE

    @model_validator(mode="after")
    def _holds_a_word(self) -> Self:
        least_bytes = -(-self.banks * self.word_bits // BITS_PER_BYTE)
        if self.capacity_bytes < least_bytes:
            message = (
                f"capacity_bytes = {self.capacity_bytes}: {self.banks} banks of {self.word_bits} bits need at least "
                f"{least_bytes}; raise it, or lower banks or word_bits"
            )
            raise ValueError(message)
        return self
