"""Calling the simulator many times.

Evaluations and latency tables for search loops, with mappings kept between calls.
"""

from simulator.search.evaluate import Evaluator, evaluate_many
from simulator.search.evaluations import Evaluations
from simulator.search.lut import Lut, lut

__all__ = ["Evaluations", "Evaluator", "Lut", "evaluate_many", "lut"]
