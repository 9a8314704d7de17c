"""Calling the simulator many times.

Evaluations and latency tables for search loops, with mappings kept between calls.
"""

from simulator.search.evaluate import Evaluations, Evaluator, evaluate_many
from simulator.search.lut import Lut, lut

__all__ = ["Evaluations", "Evaluator", "Lut", "evaluate_many", "lut"]
