"""SCNN as docs/model/sparse_engines.md draws it: PEs, lanes, banks and memories. Knows no layer."""

from dataclasses import dataclass

from simulator.dataflow.engine_checks import check_clock, check_counts, check_units

ENGINE = "SCNN"


@dataclass(frozen=True)
class ScnnHardware:
    """An SCNN; the defaults are the published one.

    Parameters
    ----------
    pe_rows, pe_columns
        The plane of activations is cut into as many tiles.
    activation_lanes, weight_lanes
        Non-zeros of either that a PE multiplies with each other in a cycle.
    banks, bank_queue_entries
        Accumulator banks of a PE, and products that wait before each.
    accumulator_entries
        Sums of a group of outputs in a PE: one of its two sets.
    least_group_outputs
        Output channels that are to share a group: tiles are cut smaller until they fit.
    drain_per_cycle
        Sums that a PE's post-processing takes from a finished set a cycle, halos included.

    Examples
    --------
    >>> ScnnHardware().multipliers
    1024
    """

    pe_rows: int = 8
    pe_columns: int = 8
    activation_lanes: int = 4
    weight_lanes: int = 4
    banks: int = 32
    bank_queue_entries: int = 4
    accumulator_entries: int = 1024
    least_group_outputs: int = 8
    drain_per_cycle: int = 4
    stages: int = 5
    value_bits: int = 16
    index_bits: int = 4
    accumulator_bits: int = 24
    activation_ram_kib: int = 10
    weight_fifo_entries: int = 50
    clock_hz: float = 1e9

    def __post_init__(self) -> None:
        check_counts(ENGINE, {name: value for name, value in vars(self).items() if name != "clock_hz"})
        check_units(ENGINE, {"pe_rows": self.pe_rows, "pe_columns": self.pe_columns})
        check_units(ENGINE, {"banks": self.banks})
        check_clock(ENGINE, self.clock_hz)

    @property
    def pes(self) -> int:
        """Of the array."""
        return self.pe_rows * self.pe_columns

    @property
    def lanes(self) -> int:
        """Multipliers of a PE."""
        return self.activation_lanes * self.weight_lanes

    @property
    def multipliers(self) -> int:
        """Of all PEs."""
        return self.pes * self.lanes


SOURCES: dict[str, str] = {
    **dict.fromkeys(
        (
            "pe_rows", "pe_columns", "activation_lanes", "weight_lanes", "banks", "value_bits", "index_bits",
            "accumulator_bits", "activation_ram_kib", "weight_fifo_entries",
        ),
        "Parashar et al., ISCA 2017, table II (recalled with high confidence)",
    ),
    "clock_hz": "Parashar et al., ISCA 2017 (recalled with high confidence): about 1 GHz, 2 TOP/s",
    "accumulator_entries": "Parashar et al., ISCA 2017 (recalled): 6 KB of 24-bit sums a PE, in two sets",
    "least_group_outputs": "assumed: tiles are cut so that at least 8 outputs share a group",
    "bank_queue_entries": "assumed: the paper only says that twice as many banks as products make conflicts rare",
    "drain_per_cycle": "assumed: as many as an output RAM's word holds",
    "stages": "assumed: read, multiply, route, add, write",
}  # fmt: skip
"""Where each number of the default comes from."""

assert set(SOURCES) == set(vars(ScnnHardware()))
