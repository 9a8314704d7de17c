"""ESE as docs/model/sparse_engines.md draws it: channels of PEs, queues and the memory behind them. Knows no layer."""

from dataclasses import dataclass

from simulator.dataflow.engine_checks import check_clock, check_counts, check_units
from simulator.units import BITS_PER_BYTE

ENGINE = "ESE"


@dataclass(frozen=True)
class EseHardware:
    """An ESE; the defaults are the published one.

    Parameters
    ----------
    channels
        Input vectors at work at the same time, all with the same weights.
    pes
        Of a channel: they share the rows of each matrix.
    queue_depth
        Slots of a PE's activation queue: a ring that holds one less.
    memory_bytes_per_cycle
        Weights and pointers come in at, before the memory's own losses.
    buffers
        Matrices whose weights are on chip at once.
    vector_lanes
        Elements a channel's element-wise unit takes a cycle.

    Examples
    --------
    >>> EseHardware().multipliers, EseHardware().entry_bits
    (1024, 16)
    """

    channels: int = 32
    pes: int = 32
    queue_depth: int = 8
    weight_bits: int = 12
    index_bits: int = 4
    pointer_bits: int = 16
    activation_bits: int = 16
    memory_bytes_per_cycle: int = 64
    buffers: int = 2
    vector_lanes: int = 16
    drain_cycles: int = 6
    clock_hz: float = 200e6

    def __post_init__(self) -> None:
        check_counts(ENGINE, {name: value for name, value in vars(self).items() if name != "clock_hz"})
        check_units(ENGINE, {"pes": self.pes})
        check_clock(ENGINE, self.clock_hz)

    @property
    def multipliers(self) -> int:
        """Of all channels."""
        return self.channels * self.pes

    @property
    def entry_bits(self) -> int:
        """Of a stored weight and its zero count."""
        return self.weight_bits + self.index_bits

    @property
    def usable_slots(self) -> int:
        """Activations that a queue can hold."""
        return max(1, self.queue_depth - 1)

    @property
    def memory_bits_per_cycle(self) -> int:
        """Width of the memory's port."""
        return self.memory_bytes_per_cycle * BITS_PER_BYTE


SOURCES: dict[str, str] = {
    **dict.fromkeys(
        ("channels", "pes", "weight_bits", "index_bits", "activation_bits"),
        "Han et al., FPGA 2017 (recalled with high confidence): 32 channels of 32 PEs, 12-bit weights, 4-bit indices",
    ),
    "clock_hz": "Han et al., FPGA 2017: 200 MHz",
    "buffers": "Han et al., FPGA 2017: weights are double-buffered",
    "queue_depth": "assumed: EIE's",
    "pointer_bits": "assumed: EIE's; pointers come from memory with their weights",
    "memory_bytes_per_cycle": "assumed: one 64-bit DDR3-1600 channel, 512 bits a cycle, one entry a PE",
    "vector_lanes": "assumed: half as many as PEs",
    "drain_cycles": "assumed: EIE's pipeline",
}
"""Where each number of the default comes from."""

assert set(SOURCES) == set(vars(EseHardware()))
