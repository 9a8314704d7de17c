"""A scratchpad between DRAM and the array, as a frozen description. Knows structure; no workload and no timing law."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.arch.forms import Described, refuse_repeats
from simulator.units import BITS_PER_BYTE

BufferedOperand = Literal["ifmap", "weight", "psum"]


class Buffer(Described):
    """A scratchpad between DRAM and the array.

    Parameters
    ----------
    name : str
    capacity_bytes : int
        Of the whole buffer, all slots together [bytes].
    operands : tuple of {"ifmap", "weight", "psum"}
        Who lives here. Every operand lives in exactly one buffer. Ofmap tiles leave from the psum's slots.
    slots : int
        Tiles of each operand held at once: 1 plain, 2 double-buffered.
    word_bits : int
        Width of one access [bits]; tiles are stored packed at their true width in whole words.
    banks : int
        Equal parts that are accessed apart: word ``a`` lies in bank ``a`` modulo ``banks``.
    ports : int, optional
        Accesses that a bank serves in a cycle, reads or writes: 1 single-ported, 2 dual-ported. What the array, the
        vector unit and the DMA ask for beyond that lengthens steps (docs/model/buffers.md). None: as many as are asked
        for. Only with a systolic array.
    resident_share : float, optional
        Part of the capacity, in whole words, in which ofmaps stay for the layers that read them instead of going
        through DRAM; tiles get the rest. Only where ifmaps live; None or 0: every tensor goes through DRAM.
        docs/model/residency.md.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
    capacity_bytes: Annotated[int, Field(ge=1, le=2**40)]
    operands: Annotated[tuple[BufferedOperand, ...], Field(min_length=1)]
    slots: Annotated[int, Field(ge=1, le=8)] = 2
    word_bits: Annotated[int, Field(ge=8, le=65536)] = 128
    banks: Annotated[int, Field(ge=1, le=4096)] = 1
    ports: Annotated[int, Field(ge=1, le=16)] | None = None
    resident_share: Annotated[float, Field(ge=0.0, lt=1.0, allow_inf_nan=False)] | None = None

    @property
    def line_bits(self) -> int:
        """Bits of one word from every bank: what the DMA moves at once [bits]."""
        return self.banks * self.word_bits

    @property
    def resident_bytes(self) -> int:
        """Size of the resident region: whole words, rounded down [bytes]."""
        words = int(self.capacity_bytes * (self.resident_share or 0.0) * BITS_PER_BYTE) // self.word_bits
        return words * self.word_bits // BITS_PER_BYTE

    @model_validator(mode="after")
    def _holds_a_word(self) -> Self:
        refuse_repeats("operands", self.operands)
        words = max(self.banks, self.slots * len(self.operands))
        least_bytes = -(-words * self.word_bits // BITS_PER_BYTE)
        if self.resident_share and "ifmap" not in self.operands:
            message = (
                f"resident_share = {self.resident_share} of buffer {self.name!r}: only the buffer that ifmaps are read "
                "from can keep ofmaps for them; set it there, or make it 0"
            )
            raise ValueError(message)
        if self.resident_bytes > 0 and least_bytes <= self.capacity_bytes < self.resident_bytes + least_bytes:
            message = (
                f"resident_share = {self.resident_share} of buffer {self.name!r} leaves "
                f"{self.capacity_bytes - self.resident_bytes} of its {self.capacity_bytes} bytes for tiles, which need "
                f"at least {least_bytes}; lower it, or raise capacity_bytes"
            )
            raise ValueError(message)
        if self.capacity_bytes < least_bytes:
            message = (
                f"capacity_bytes = {self.capacity_bytes} of buffer {self.name!r}: {self.banks} banks and {self.slots} "
                f"slots of {len(self.operands)} operands at word_bits = {self.word_bits} need at least {least_bytes}; "
                "raise it, or lower word_bits, slots or banks"
            )
            raise ValueError(message)
        return self
