"""Calling the simulator many times: evaluations for search loops, with mappings kept between calls."""

from simulator.search.evaluate import Evaluations, Evaluator, evaluate_many

__all__ = ["Evaluations", "Evaluator", "evaluate_many"]
