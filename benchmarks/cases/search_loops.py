"""Evaluations in a search loop: many bit assignments of one network. A layer evaluation is one layer, priced once."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.measurement import Measurement, Scale, rate, seconds, timed
from simulator.search import Evaluator, evaluate_many, lut

PRESET = "tpu_like_128"
NARROWEST, WIDEST = 2, 8
Bits = npt.NDArray[np.int64]
Seconds = tuple[tuple[float, ...], tuple[float, ...]]  # wall and processor


def random_bits(scale: Scale) -> list[Measurement]:
    """Every layer's widths drawn from 2..8, as a random or evolutionary search does, one assignment after the other."""
    values = np.random.default_rng(0)
    evaluator = _warm(scale)
    layers = len(evaluator.mac_layers)
    batches = [_draw(values, scale.count(50), layers) for _ in range(scale.count(9))]
    empty = _evaluate_each([_warm(scale) for _ in batches[:4]], batches[:4])
    for batch in batches[:4]:
        _evaluate(evaluator, batch)
    steady = _evaluate_each([evaluator] * 5, batches[4:] or batches)
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
    ]


def known_bits(scale: Scale) -> list[Measurement]:
    """Ask for assignments whose mappings are known and results are not; then once more, answered from memory.

    Halves of assignments that were asked for, put together anew, need no other mappings, but for the layer at the seam.
    """
    values = np.random.default_rng(2)
    evaluator = _warm(scale)
    layers = len(evaluator.mac_layers)
    parents = _draw(values, scale.count(24), layers)
    evaluator.evaluate_all(parents)
    pairs = [(one, other) for one in parents for other in parents if one is not other]
    children = np.array([np.concatenate([one[: layers // 2], other[layers // 2 :]]) for one, other in pairs])
    batches = np.array_split(children, scale.count(8))
    evaluator.evaluate_all(children[: len(batches[0])])  # the seams' mappings of some
    known = len(evaluator.mappings)
    fresh = batches[1:] or batches
    whole = [seconds(partial(evaluator.evaluate_all, batch), 1) for batch in fresh]
    searched = len(evaluator.mappings) - known
    again = [seconds(partial(evaluator.evaluate_all, batch), 1) for batch in fresh]
    count = sum(map(len, fresh))
    note = f"{count} assignments never asked for, {searched} of their {layers * count} mappings searched"
    return [
        _rates("known_bits", "networks/s", fresh, whole, note),
        _rates("known_layers", "layers/s", fresh, whole, note, layers),
        _rates("memory_bits", "networks/s", fresh, again, "the same asked again: answers come from memory"),
    ]


def many(scale: Scale) -> list[Measurement]:
    """``evaluate_many`` as a caller has it: everything that a call does, with mappings found and kept in a file."""
    name = scale.network("resnet50_int8")
    layers = len(Evaluator(name, PRESET).mac_layers)
    batches = _draw(np.random.default_rng(3), 6 * scale.count(100), layers).reshape(6, -1, layers, 2)
    evaluate_many(name, PRESET, batches[0])
    found = []
    for batch in batches[1:]:
        with TemporaryDirectory() as folder:
            cache = Path(folder) / "mappings.sqlite"
            found.append(seconds(partial(evaluate_many, name, PRESET, batch, cache=cache), 1))
    plain = [seconds(partial(evaluate_many, name, PRESET, batch), 1) for batch in batches[1:]]
    note = f"{len(batches[0])} random assignments a call, nothing known before it"
    return [
        _rates("evaluate_many", "networks/s", batches[1:], plain, note),
        _rates("evaluate_many_file", "networks/s", batches[1:], found, f"{note}; kept in a file"),
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
    return [Measurement("haq_loop", "layers/s", wall_rates, cpu_rates, note)]


def tables(scale: Scale) -> list[Measurement]:
    """HAQ's table of MobileNetV2 and of ResNet-50 from nothing, and questions asked of the first."""
    widths = tuple(range(1, scale.count(WIDEST) + 1))
    found = []
    for name, network, preset in (
        ("haq_table", "mobilenet_v2_int8", PRESET),
        ("haq_table_bitfusion", "mobilenet_v2_int8", "bitfusion"),
        ("haq_table_resnet50", "resnet50_int8", PRESET),
    ):
        make = partial(lut, scale.network(network), preset, wbits=widths, abits=widths)
        shape = " x ".join(map(str, make().cycles.shape))
        found.append(timed(name, make, scale.count(5), f"{shape} on {preset}, no mapping known"))
    table = lut(scale.network("mobilenet_v2_int8"), PRESET, wbits=widths, abits=widths)
    questions = np.random.default_rng(4).integers(1, widths[-1] + 1, (scale.count(2000), len(table.layers), 2))
    times = seconds(partial(table.query, questions), scale.repeats)
    return [*found, rate("lut_queries", "layers/s", questions.size / 2, times, f"{len(questions)} assignments a call")]


def _warm(scale: Scale) -> Evaluator:
    """Return a new evaluator after kernels were compiled by another."""
    name = scale.network("resnet50_int8")
    Evaluator(name, PRESET).evaluate()
    return Evaluator(name, PRESET)


def _draw(values: np.random.Generator, count: int, layers: int) -> Bits:
    return values.integers(NARROWEST, WIDEST + 1, (count, layers, 2))


def _rates(
    name: str, unit: str, batches: Sequence[Bits], times: list[Seconds], note: str, layers: int = 1
) -> Measurement:
    """Return the rate of each batch, which took the seconds beside it."""
    amounts = [layers * len(batch) for batch in batches]
    wall, cpu = (
        tuple(amount / max(one[i][0], 1e-9) for amount, one in zip(amounts, times, strict=True)) for i in range(2)
    )
    return Measurement(name, unit, wall, cpu, note)


def _evaluate(evaluator: Evaluator, assignments: Bits) -> None:
    for assignment in assignments:
        evaluator.evaluate(assignment)


def _evaluate_each(evaluators: list[Evaluator], batches: list[Bits]) -> Seconds:
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
