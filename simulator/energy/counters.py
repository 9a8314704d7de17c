"""What a layer did, counted: the input of pricing. Knows counts only."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from simulator.arch.profiles import MAX_BITS
from simulator.errors import SimulationError


@dataclass(frozen=True, slots=True)
class LayerCounters:
    """Events of one layer (or of any part of a run: counters of disjoint parts add up, and so do their prices).

    Parameters
    ----------
    issued_macs : int
        Multiplications the PEs issued at ``ifmap_bits`` x ``weight_bits``, padding included: products times the
        ``passes`` of :class:`simulator.arch.ProductRate`.
    ifmap_bits, weight_bits : int
        Widths of the multiplier that made them, as ``ProductRate`` gives them; 0 where there are no MACs [bits].
    float_macs : bool
        The MACs are of the float format ``max(ifmap_bits, weight_bits)`` wide.
    rf_read_bits, rf_write_bits : int
        Moved from and to registers inside PEs [bits].
    noc_bits : int
        Bits times hops: between neighbouring PEs, and from buffers to the array's edge [bits].
    buffer_reads, buffer_writes : mapping of str to int
        Words by buffer name, both sides (array and DMA) counted.
    dram_read_bytes, dram_write_bytes : int
        As transferred [bytes].
    vector_operations : int
        Lane operations.
    cycles : int
        For static and clock energy [cycles].
    """

    issued_macs: int = 0
    ifmap_bits: int = 0
    weight_bits: int = 0
    float_macs: bool = False
    rf_read_bits: int = 0
    rf_write_bits: int = 0
    noc_bits: int = 0
    buffer_reads: Mapping[str, int] = field(default_factory=dict)
    buffer_writes: Mapping[str, int] = field(default_factory=dict)
    dram_read_bytes: int = 0
    dram_write_bytes: int = 0
    vector_operations: int = 0
    cycles: int = 0

    def __post_init__(self) -> None:
        if min(self._counts()) < 0:
            self._refuse_negative()
        widest_bits = max(self.ifmap_bits, self.weight_bits)
        if self.issued_macs and not (self.ifmap_bits and self.weight_bits and widest_bits <= MAX_BITS):
            message = (
                f"counters: issued_macs = {self.issued_macs} at ifmap_bits = {self.ifmap_bits}, weight_bits = "
                f"{self.weight_bits}; give the multiplier's own widths, 1 to {MAX_BITS}; passes belong in issued_macs"
            )
            raise SimulationError(message)

    def _counts(self) -> tuple[int, ...]:
        """Every count, without reflection: search loops build thousands of counters a second."""
        return (
            self.issued_macs,
            self.ifmap_bits,
            self.weight_bits,
            self.rf_read_bits,
            self.rf_write_bits,
            self.noc_bits,
            *self.buffer_reads.values(),
            *self.buffer_writes.values(),
            self.dram_read_bytes,
            self.dram_write_bytes,
            self.vector_operations,
            self.cycles,
        )

    def _refuse_negative(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if min(value.values() if isinstance(value, Mapping) else (value,), default=0) < 0:
                message = f"counters.{entry.name} = {value}: a count is never negative; correct what counted it"
                raise SimulationError(message)
