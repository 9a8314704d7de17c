"""EIE as described in docs/model/eie.md: PEs, queues and memories. Knows no layer."""

from dataclasses import dataclass, fields

from simulator.errors import ArchitectureError
from simulator.units import BITS_PER_BYTE, KIB

_LIMITS = {
    "pes": (1, 1 << 16),
    "queue_depth": (1, 1 << 20),
    "weight_bits": (1, 16),
    "index_bits": (1, 8),
    "weight_row_bits": (1, 1 << 16),
    "weight_sram_kib_per_pe": (1, 1 << 20),
    "pointer_sram_kib_per_pe": (1, 1 << 20),
    "pointer_bits": (1, 62),
    "activation_sram_kib_per_pe": (1, 1 << 20),
    "activation_registers_per_pe": (1, 1 << 20),
    "activation_bits": (1, 64),
    "drain_cycles": (0, 1 << 20),
}


@dataclass(frozen=True)
class EieHardware:
    """An EIE chip; the defaults are the published one.

    Parameters
    ----------
    pes
        Processing elements, which share the weight rows and the activation lanes.
    queue_depth
        Slots of each PE's activation queue: a ring that holds one less (docs/model/eie.md).
    weight_row_bits
        Width of a weight-SRAM row, a power of two times the entry's bits.
    drain_cycles
        Cycles of a layer beside the law's: the first row's load and the pipeline behind the pop.

    Raises
    ------
    ArchitectureError
        A number makes no sense, or a row holds no entry; the message names the field.

    Examples
    --------
    >>> EieHardware().entries_per_row, EieHardware(queue_depth=4).usable_slots
    (8, 3)
    """

    pes: int = 64
    queue_depth: int = 8
    weight_bits: int = 4
    index_bits: int = 4
    weight_row_bits: int = 64
    weight_sram_kib_per_pe: int = 128
    pointer_sram_kib_per_pe: int = 32
    pointer_bits: int = 16
    activation_sram_kib_per_pe: int = 2
    activation_registers_per_pe: int = 64
    activation_bits: int = 16
    drain_cycles: int = 6
    clock_hz: float = 800e6

    def __post_init__(self) -> None:
        for name, (least, most) in _LIMITS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                message = f"EIE: {name} = {value!r}; give a whole number from {least} to {most}"
                raise ArchitectureError(message)
        if not 0 < self.clock_hz < float("inf"):
            message = f"EIE: clock_hz = {self.clock_hz!r}; give a positive frequency in Hz"
            raise ArchitectureError(message)
        if self.weight_row_bits < self.entry_bits:
            message = (
                f"EIE: weight_row_bits = {self.weight_row_bits} holds no entry of {self.entry_bits} bits "
                "(weight_bits + index_bits); give a wider row"
            )
            raise ArchitectureError(message)

    @property
    def usable_slots(self) -> int:
        """Activations a queue can hold: a ring leaves one slot empty, a single register does not."""
        return max(1, self.queue_depth - 1)

    @property
    def entry_bits(self) -> int:
        """Code and zero count of one stored weight [bits]."""
        return self.weight_bits + self.index_bits

    @property
    def entries_per_row(self) -> int:
        """Entries that one weight-SRAM read brings."""
        return self.weight_row_bits // self.entry_bits

    @property
    def weight_entries_per_pe(self) -> int:
        """Entries that a PE's weight SRAM holds."""
        rows = self.weight_sram_kib_per_pe * KIB * BITS_PER_BYTE // self.weight_row_bits
        return rows * self.entries_per_row

    @property
    def pointers_per_pe(self) -> int:
        """Column pointers that a PE's pointer SRAM holds."""
        return self.pointer_sram_kib_per_pe * KIB * BITS_PER_BYTE // self.pointer_bits

    @property
    def activations_per_pe(self) -> int:
        """Activations that a PE's activation SRAM holds, sources and destinations together."""
        return self.activation_sram_kib_per_pe * KIB * BITS_PER_BYTE // self.activation_bits

    @property
    def activations_per_batch(self) -> int:
        """Activations that the register files of all PEs hold, of sources and of destinations each."""
        return self.activation_registers_per_pe * self.pes


SOURCES: dict[str, str] = {
    **dict.fromkeys(
        ("pes", "queue_depth", "weight_bits", "index_bits", "weight_row_bits", "weight_sram_kib_per_pe"),
        "Han et al., ISCA 2016, sections 3 to 5",
    ),
    **dict.fromkeys(
        ("pointer_sram_kib_per_pe", "activation_sram_kib_per_pe", "activation_registers_per_pe", "activation_bits"),
        "Han et al., ISCA 2016, section 4",
    ),
    "clock_hz": "Han et al., ISCA 2016, section 6",
    "pointer_bits": "assumed: two banks of 16-bit words",
    "drain_cycles": "measured: the authors' cycle simulator on AlexNet FC8 ends 6 cycles behind the law",
}
"""Where each number of the default chip comes from."""

assert set(SOURCES) == {field.name for field in fields(EieHardware)}
