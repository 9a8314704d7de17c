"""Counters times prices: units, additivity, monotonicity."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.arch import load_accelerator
from simulator.energy import COMPONENTS, LayerCounters, price, price_buffers, price_list
from simulator.errors import SimulationError

PRICES = price_list(load_accelerator("tpu_like_128"))
BUFFERS = ("unified", "weight_fifo", "accumulators")
COUNT = st.integers(0, 10**12)
WORDS = st.dictionaries(st.sampled_from(BUFFERS), COUNT)


@st.composite
def counters(draw, bits=None):
    ifmap_bits, weight_bits = bits or draw(st.tuples(st.integers(1, 64), st.integers(1, 64)))
    counts = {
        entry.name: draw(WORDS if entry.name.startswith("buffer") else COUNT)
        for entry in fields(LayerCounters)
        if entry.name not in {"ifmap_bits", "weight_bits", "float_macs"}
    }
    return LayerCounters(ifmap_bits=ifmap_bits, weight_bits=weight_bits, **counts)


def summed(one, other):
    words = {
        name: {buffer: getattr(one, name).get(buffer, 0) + getattr(other, name).get(buffer, 0) for buffer in BUFFERS}
        for name in ("buffer_reads", "buffer_writes")
    }
    plain = {
        entry.name: getattr(one, entry.name) + getattr(other, entry.name)
        for entry in fields(LayerCounters)
        if entry.name not in {"ifmap_bits", "weight_bits", "float_macs", *words}
    }
    return replace(one, **plain, **words)


def test_every_component_in_picojoules():
    counted = LayerCounters(
        issued_macs=1000,
        ifmap_bits=8,
        weight_bits=8,
        rf_read_bits=100,
        rf_write_bits=200,
        noc_bits=80,
        buffer_reads={"unified": 2},
        buffer_writes={"accumulators": 3, "unified": 0},
        dram_read_bytes=4,
        dram_write_bytes=6,
        vector_operations=10,
        cycles=700,
    )
    energy = price(counted, PRICES)
    assert tuple(energy) == COMPONENTS
    assert energy["mac"] == pytest.approx(300.0)
    assert energy["rf"] == pytest.approx(2.7)
    assert energy["noc"] == pytest.approx(1.0)
    assert energy["glb"] == 2 * PRICES.buffer_read_pj["unified"] + 3 * PRICES.buffer_write_pj["accumulators"]
    assert energy["dram"] == 10 * 8 * 20.0
    assert energy["vector"] == pytest.approx(9.64)
    a_microsecond = 1e-6  # 700 cycles at 700 MHz
    assert energy["static"] == pytest.approx(PRICES.static_w * a_microsecond * 1e12)
    assert energy["clock"] == pytest.approx(PRICES.clock_w * a_microsecond * 1e12)


def test_nothing_costs_nothing():
    assert price(LayerCounters(), PRICES) == dict.fromkeys(COMPONENTS, 0.0)


def test_float_macs_cost_the_float_price():
    counted = LayerCounters(issued_macs=2, ifmap_bits=16, weight_bits=16, float_macs=True)
    assert price(counted, PRICES)["mac"] == 3.0


@given(counters())
def test_components_are_never_negative_and_buffers_make_up_the_glb(counted):
    energy = price(counted, PRICES)
    assert all(pj >= 0 for pj in energy.values())
    assert sum(price_buffers(counted, PRICES).values()) == energy["glb"]


@given(counters(bits=(8, 4)), counters(bits=(8, 4)))
def test_prices_of_disjoint_parts_add_up(one, other):
    parts = [price(part, PRICES) for part in (one, other)]
    whole = price(summed(one, other), PRICES)
    for component in COMPONENTS:
        assert whole[component] == pytest.approx(parts[0][component] + parts[1][component], rel=1e-9)
        assert whole[component] >= max(part[component] for part in parts) * (1 - 1e-12)


def test_a_buffer_the_accelerator_does_not_have_is_refused():
    with pytest.raises(
        SimulationError, match=r"buffer 'unified_buffer'.*did you mean 'unified'.*accumulators, unified"
    ):
        price(LayerCounters(buffer_reads={"unified_buffer": 1}), PRICES)
