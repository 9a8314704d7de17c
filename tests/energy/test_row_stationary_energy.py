"""Energy of a row-stationary run: counts times prices, by hand."""

import pytest

from simulator.arch import load_accelerator
from simulator.dataflow.row_stationary import ConvNest, RowMachine, RowMapping
from simulator.dataflow.row_stationary_law import FeatureMaps, run_nest
from simulator.energy import price_list
from simulator.energy.row_stationary_energy import by_component, row_energy_pj, row_prices_pj

MACHINE = load_accelerator("eyeriss_isca16")
PRICES = price_list(MACHINE)
NEST = ConvNest(2, 1, 8, 4, 6, 6, 3, 3, H=8, W=8)
MAPS = FeatureMaps(16, 16, 16)
RUN = run_nest(NEST, RowMachine.of(MACHINE, MACHINE.array), RowMapping(8, 2, 6, 4, 4, 1, 2), MAPS)


def test_spads_take_four_accesses_a_product():
    parts = row_energy_pj(RUN, NEST, MAPS, MACHINE, PRICES, switching=NEST.macs)
    assert parts["mac"] == 2.0 * NEST.macs
    spads = parts["ifmap_spad"] + parts["filter_spad"] + parts["psum_spad"]
    assert spads == pytest.approx(4 * parts["mac"])
    assert parts["dram"] == pytest.approx(25.0 * RUN.link_bits)
    assert parts["inter_pe"] == pytest.approx(4.0 * RUN.psum_hops)


def test_gated_products_cost_neither_mac_nor_spads():
    full = row_energy_pj(RUN, NEST, MAPS, MACHINE, PRICES, switching=NEST.macs)
    half = row_energy_pj(RUN, NEST, MAPS, MACHINE, PRICES, switching=NEST.macs // 2)
    for name, value in full.items():
        gated = name == "mac" or name.endswith("spad")
        assert half[name] == pytest.approx(value / 2 if gated else value)


def test_components_keep_the_sum():
    parts = row_energy_pj(RUN, NEST, MAPS, MACHINE, PRICES, switching=NEST.macs)
    assert sum(by_component(parts, 7.0).values()) == pytest.approx(sum(parts.values()) + 7.0)


def test_a_buffer_word_of_four_values_costs_six_macs_a_value():
    each = row_prices_pj(MACHINE, PRICES, MAPS)
    assert each["glb_ifmap_words"] == pytest.approx(6 * 2.0, rel=0.2)  # 128 kB beside the published 100 kB
    assert each["psum_hops"] == pytest.approx(2 * 2.0)
