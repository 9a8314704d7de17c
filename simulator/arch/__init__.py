"""Accelerator descriptions, presets and technology tables.

Knows structure, clocks, capacities and prices; knows no workload and no timing law.
"""

from simulator.arch.description import Accelerator
from simulator.arch.library import load_accelerator, preset_names, save_accelerator
from simulator.arch.overrides import Number, numbers
from simulator.arch.precision import ProductRate, product_rate, widest_integer_bits
from simulator.arch.profiles import Profile, load_profile, profile_names

__all__ = [
    "Accelerator",
    "Number",
    "ProductRate",
    "Profile",
    "load_accelerator",
    "load_profile",
    "numbers",
    "preset_names",
    "product_rate",
    "profile_names",
    "save_accelerator",
    "widest_integer_bits",
]
