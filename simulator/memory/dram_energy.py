"""What each DRAM command costs, from data-sheet currents: mA x V x ns = pJ (Micron TN-41-01)."""

from simulator.memory.dram_config import DramConfig, DramPower


def command_prices_pj(config: DramConfig, power: DramPower) -> dict[str, float]:
    """Return the energy of one command [pJ], of one burst's pins (``io``), and of a rank's cycle by its state.

    Parameters
    ----------
    config : DramConfig
    power : DramPower
        Its currents.

    Examples
    --------
    >>> from simulator.memory.dram_library import load_dram
    >>> config = load_dram("ddr4_2400")
    >>> prices = command_prices_pj(config, config.power)
    >>> round(prices["activate"]), round(prices["read"]), round(prices["io"])
    (3464, 2944, 3328)
    """
    timing = config.timing
    scale = power.vdd_v * timing.clock_period_ns * config.organization.devices_per_rank
    burst = config.organization.burst_cycles
    row = power.idd0_ma * timing.row_cycle_cycles - (
        power.idd3n_ma * timing.tras_cycles + power.idd2n_ma * timing.trp_cycles
    )
    return {
        "activate": scale * row,
        "read": scale * (power.idd4r_ma - power.idd3n_ma) * burst,
        "write": scale * (power.idd4w_ma - power.idd3n_ma) * burst,
        "refresh": scale * (power.idd5ab_ma - power.idd3n_ma) * timing.trfc_cycles,
        "io": power.io_pj_per_bit * 8 * config.organization.request_bytes,
        "active_cycle": scale * power.idd3n_ma,
        "idle_cycle": scale * power.idd2n_ma,
    }
