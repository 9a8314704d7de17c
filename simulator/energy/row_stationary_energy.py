"""Energy of a row-stationary run: its words, each at the price list's price. Zero ifmaps gate products and spads."""

from simulator.arch import Accelerator
from simulator.dataflow.row_stationary import ConvNest
from simulator.dataflow.row_stationary_law import FeatureMaps, RowRun
from simulator.energy.prices import PriceList
from simulator.units import PJ_PER_J

SPADS = ("ifmap_spad", "filter_spad", "psum_spad")
PARTS = ("mac", *SPADS, "inter_pe", "multicast", "glb", "dram", "clock", "static")


def row_prices_pj(accelerator: Accelerator, prices: PriceList, maps: FeatureMaps) -> dict[str, float]:
    """Return the price of each counter of :class:`RowRun` that a mapping changes [pJ a word, bit or cycle]."""
    glb, prefetch = accelerator.buffer_of("psum"), accelerator.buffer_of("weight")
    psum_bits = accelerator.array.psum_bits
    read, write = (table[glb.name] / glb.word_bits for table in (prices.buffer_read_pj, prices.buffer_write_pj))
    fetch = prices.buffer_read_pj[prefetch.name] + prices.buffer_write_pj[prefetch.name]
    return {
        "glb_ifmap_words": read * maps.ifmap_bits,
        "glb_psum_words": (read + write) * psum_bits,
        "filter_words": fetch / prefetch.word_bits * maps.weight_bits,
        "filter_spad_writes": prices.noc_pj_per_bit * maps.weight_bits,
        "ifmap_spad_writes": prices.noc_pj_per_bit * maps.ifmap_bits,
        "psum_hops": prices.noc_pj_per_bit * psum_bits,
        "link_bits": prices.dram_pj_per_bit,
        "cycles": (prices.static_w + prices.clock_w) * PJ_PER_J / prices.clock_hz,
    }


def row_energy_pj(
    run: RowRun, nest: ConvNest, maps: FeatureMaps, accelerator: Accelerator, prices: PriceList, *, switching: int
) -> dict[str, float]:
    """Return the energy of a run by part of the chip [pJ]; ``switching`` products are made, the others are gated.

    One number for each of ``PARTS``.
    """
    each = row_prices_pj(accelerator, prices, maps)
    glb = accelerator.buffer_of("psum")
    read, write = (table[glb.name] / glb.word_bits for table in (prices.buffer_read_pj, prices.buffer_write_pj))
    outputs = nest.N * nest.G * nest.K * nest.P * nest.Q * nest.repeats
    psum_bits = accelerator.array.psum_bits
    cycle_pj = PJ_PER_J / prices.clock_hz
    return {
        "mac": switching * prices.mac_pj(maps.ifmap_bits, maps.weight_bits),
        "ifmap_spad": switching * maps.ifmap_bits * prices.rf_read_pj_per_bit,
        "filter_spad": switching * maps.weight_bits * prices.rf_read_pj_per_bit,
        "psum_spad": switching * psum_bits * (prices.rf_read_pj_per_bit + prices.rf_write_pj_per_bit),
        "inter_pe": run.psum_hops * each["psum_hops"],
        "multicast": run.filter_spad_writes * each["filter_spad_writes"]
        + run.ifmap_spad_writes * each["ifmap_spad_writes"],
        "glb": run.glb_ifmap_words * each["glb_ifmap_words"]
        + run.glb_psum_words * each["glb_psum_words"]
        + run.filter_words * each["filter_words"]
        + run.ifmap_link_words * maps.ifmap_bits * write
        + outputs * psum_bits * read,
        "dram": run.link_bits * prices.dram_pj_per_bit,
        "clock": run.cycles * prices.clock_w * cycle_pj,
        "static": run.cycles * prices.static_w * cycle_pj,
    }


def by_component(parts: dict[str, float], vector_pj: float = 0.0) -> dict[str, float]:
    """Add the chip's parts up to the components of every result [pJ]."""
    return {
        "mac": parts["mac"],
        "rf": sum(parts[name] for name in SPADS),
        "noc": parts["inter_pe"] + parts["multicast"],
        "glb": parts["glb"],
        "dram": parts["dram"],
        "vector": vector_pj,
        "static": parts["static"],
        "clock": parts["clock"],
    }
