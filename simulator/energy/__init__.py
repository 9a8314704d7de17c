"""Counters times prices: energy, power and area. Knows counts and prices; knows no timing law."""

from simulator.energy.area import area_components_mm2, area_mm2
from simulator.energy.counters import LayerCounters
from simulator.energy.prices import PriceList, PriceRow, price_list
from simulator.energy.pricing import COMPONENTS, price, price_buffers

__all__ = [
    "COMPONENTS",
    "LayerCounters",
    "PriceList",
    "PriceRow",
    "area_components_mm2",
    "area_mm2",
    "price",
    "price_buffers",
    "price_list",
]
