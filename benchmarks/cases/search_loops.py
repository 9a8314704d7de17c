"""Evaluations in a search loop: many bit assignments of one network. A layer evaluation is one layer, priced once."""

import time
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.measurement import Measurement, Scale, rate, seconds, timed
from simulator.search import Evaluator

PRESET = "tpu_like_128"
NARROWEST, WIDEST = 2, 8
Bits = npt.NDArray[np.int64]


def random_bits(scale: Scale) -> list[Measurement]:
    """Every layer's widths drawn from 2..8, as a random or evolutionary search does."""
    values = np.random.default_rng(0)
    evaluator = _warm(scale)
    layers = len(evaluator.mac_layers)
    batches = [_draw(values, scale.count(50), layers) for _ in range(scale.count(9))]
    empty = _evaluate_each([_warm(scale) for _ in batches[:4]], batches[:4])
    for batch in batches[:4]:
        _evaluate(evaluator, batch)
    steady = _evaluate_each([evaluator] * 5, batches[4:] or batches)
    again = _evaluate_each([evaluator] * 5, batches)
    amount = layers * len(batches[0])
    note = f"{layers} layers a network; {len(evaluator.mappings)} mappings kept at the end"
    return [
        rate(
            "random_bits_empty",
            "layers/s",
            amount,
            empty,
            f"the first {len(batches[0])} assignments of each of {len(empty[0])} searches",
        ),
        rate("random_bits", "layers/s", amount, steady, note),
        rate("known_bits", "layers/s", amount, again, "what is left when nothing is searched"),
    ]


def haq(scale: Scale) -> list[Measurement]:
    """HAQ: a policy proposes bits, which are lowered layer by layer until the network meets its latency budget."""
    evaluator = _warm(scale)
    layers = len(evaluator.mac_layers)
    budget = 0.75 * evaluator.evaluate(np.full((layers, 2), WIDEST))["cycles"]
    values, samples = np.random.default_rng(1), []
    for _ in range(scale.count(20)):
        proposal = _draw(values, 1, layers)[0]
        wall, cpu = time.perf_counter(), time.process_time()
        evaluations = _lower_to_budget(evaluator, proposal, budget)
        amount = layers * evaluations
        samples.append(
            (amount / (time.perf_counter() - wall), amount / max(time.process_time() - cpu, 1e-9), evaluations)
        )
    wall_rates, cpu_rates = (tuple(sample[i] for sample in samples) for i in range(2))
    evaluations = sum(sample[2] for sample in samples)
    note = f"{len(samples)} episodes, {evaluations} whole-network evaluations, budget 0.75 of 8 bits"
    table = timed("haq_table", lambda: _table(scale), scale.count(5), "an evaluator of its own: no mapping known")
    return [Measurement("haq_loop", "layers/s", wall_rates, cpu_rates, note), table]


def _warm(scale: Scale) -> Evaluator:
    """Return a new evaluator after kernels were compiled by another."""
    name = scale.network("resnet50_int8")
    Evaluator(name, PRESET).evaluate()
    return Evaluator(name, PRESET)


def _draw(values: np.random.Generator, count: int, layers: int) -> Bits:
    return values.integers(NARROWEST, WIDEST + 1, (count, layers, 2))


def _evaluate(evaluator: Evaluator, assignments: Bits) -> None:
    for assignment in assignments:
        evaluator.evaluate(assignment)


def _evaluate_each(evaluators: list[Evaluator], batches: list[Bits]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return wall and processor seconds of each batch, on the evaluator beside it."""
    taken = [seconds(partial(_evaluate, *pair), 1) for pair in zip(evaluators, batches, strict=False)]
    return tuple(wall[0] for wall, _ in taken), tuple(cpu[0] for _, cpu in taken)


def _lower_to_budget(evaluator: Evaluator, bits: Bits, budget: float) -> int:
    """Lower one width of one layer at a time; return how often the network was evaluated."""
    evaluations = 1
    found: dict[str, Any] = evaluator.evaluate(bits)
    for index in range(bits.size):
        if found["cycles"] <= budget:
            break
        layer, operand = divmod(index, 2)
        bits[layer, operand] = max(NARROWEST, bits[layer, operand] - 2)
        found = evaluator.evaluate(bits)
        evaluations += 1
    return evaluations


def _table(scale: Scale) -> Bits:
    """Return cycles [weight width, activation width, layer], from one uniform assignment for each pair of widths."""
    evaluator = Evaluator(scale.network("resnet50_int8"), PRESET)
    layers, widths = len(evaluator.mac_layers), scale.count(WIDEST)
    cycles = np.zeros((widths, widths, layers), np.int64)
    for weight in range(widths):
        for activation in range(widths):
            uniform = np.tile([weight + 1, activation + 1], (layers, 1))
            cycles[weight, activation] = evaluator.evaluate(uniform)["layer_cycles"]
    return cycles
