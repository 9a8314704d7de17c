"""The prices of a command-level DRAM, as a report prints them instead of the price of a bit."""

from simulator.arch.measurements import Mark
from simulator.energy.prices import PriceRow
from simulator.memory.dram_config import DramConfig
from simulator.memory.dram_energy import command_prices_pj

_PJ_PER_NS = 1e-3  # 1 pJ/ns = 1 mW
_ROWS = (
    ("dram activate", "activate", "pJ", "power"),
    ("dram read", "read", "pJ", "power"),
    ("dram write", "write", "pJ", "power"),
    ("dram refresh", "refresh", "pJ", "power"),
    ("dram rank with open rows", "active_cycle", "W", "power.idd3n_ma"),
    ("dram rank without", "idle_cycle", "W", "power.idd2n_ma"),
    ("dram burst's pins", "io", "pJ", "power.io_pj_per_bit"),
)


def command_rows(config: DramConfig, origin: str) -> tuple[PriceRow, ...]:
    """Return a row for each command and for what a rank takes meanwhile; none where the system has no currents.

    Parameters
    ----------
    config : DramConfig
    origin : str
        What the system is called where it does not say where its numbers are from.

    Examples
    --------
    >>> from simulator.memory.dram_library import load_dram
    >>> rows = command_rows(load_dram("ddr4_2400"), "ddr4_2400 x 1 channel")
    >>> rows[0].name, round(rows[0].value), rows[0].unit, rows[0].mark
    ('dram activate', 3464, 'pJ', 'F')
    """
    if config.power is None:
        return ()
    prices = command_prices_pj(config, config.power)
    rows = []
    for name, key, unit, path in _ROWS:
        said = config.source_of(path)
        watts = _PJ_PER_NS / config.timing.clock_period_ns if unit == "W" else 1.0
        source = said or origin
        if key != "io":
            source = f"currents x volts x time (Micron TN-41-01): {source}"
        elif not prices[key]:
            source = f"no io_pj_per_bit is given: {origin}"
        rows.append(PriceRow(name, prices[key] * watts, unit, source, _mark(said)))
    return tuple(rows)


def _mark(said: str | None) -> Mark:
    if said is None:
        return "G"
    if said.startswith(("assumed", "inferred")):
        return "A"
    return "R" if "recalled" in said else "F"
