"""Counters times prices. Knows counts and prices only; every component is additive over disjoint counters."""

from simulator.energy.counters import LayerCounters
from simulator.energy.prices import PriceList
from simulator.errors import SimulationError, did_you_mean
from simulator.units import BITS_PER_BYTE, PJ_PER_J

COMPONENTS = ("mac", "rf", "noc", "glb", "dram", "vector", "static", "clock")
"""Keys of :func:`price`, in the order reports print them; ``glb`` is all on-chip buffers."""


def price(counters: LayerCounters, prices: PriceList) -> dict[str, float]:
    """Return the energy of a layer by component [pJ]; the sum is the layer's energy.

    Raises
    ------
    SimulationError
        A counter names a buffer that the accelerator does not have.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> from simulator.energy import price_list
    >>> prices = price_list(load_accelerator("tpu_like_128"))
    >>> price(LayerCounters(issued_macs=10, ifmap_bits=8, weight_bits=8, dram_read_bytes=1), prices)["dram"]
    160.0
    """
    mac_pj = 0.0
    if counters.issued_macs:
        mac_pj = prices.mac_pj(counters.ifmap_bits, counters.weight_bits, is_float=counters.float_macs)
    dram_bits = (counters.dram_read_bytes + counters.dram_write_bytes) * BITS_PER_BYTE
    pj_per_w_cycle = PJ_PER_J / prices.clock_hz
    return {
        "mac": counters.issued_macs * mac_pj,
        "rf": counters.rf_read_bits * prices.rf_read_pj_per_bit + counters.rf_write_bits * prices.rf_write_pj_per_bit,
        "noc": counters.noc_bits * prices.noc_pj_per_bit,
        "glb": sum(price_buffers(counters, prices).values()),
        "dram": dram_bits * prices.dram_pj_per_bit,
        "vector": counters.vector_operations * prices.vector_pj_per_operation,
        "static": counters.cycles * prices.static_w * pj_per_w_cycle,
        "clock": counters.cycles * prices.clock_w * pj_per_w_cycle,
    }


def price_buffers(counters: LayerCounters, prices: PriceList) -> dict[str, float]:
    """Return the energy of each on-chip buffer by name: the parts of component ``glb`` [pJ].

    Raises
    ------
    SimulationError
        A counter names a buffer that the accelerator does not have.
    """
    if not (counters.buffer_reads.keys() | counters.buffer_writes.keys()) <= prices.buffer_read_pj.keys():
        unknown = sorted((counters.buffer_reads.keys() | counters.buffer_writes.keys()) - prices.buffer_read_pj.keys())
        known = sorted(prices.buffer_read_pj)
        message = (
            f"counters: buffer {unknown[0]!r} is not on the price list{did_you_mean(unknown[0], known)}; "
            f"count words under one of {', '.join(known)}"
        )
        raise SimulationError(message)
    return {
        name: counters.buffer_reads.get(name, 0) * read_pj
        + counters.buffer_writes.get(name, 0) * prices.buffer_write_pj[name]
        for name, read_pj in prices.buffer_read_pj.items()
    }
