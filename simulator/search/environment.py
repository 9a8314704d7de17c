"""A HAQ-style environment.

An agent proposes widths layer by layer, the simulator answers with latency, energy and bytes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.errors import WorkloadError
from simulator.search.evaluate import Evaluator
from simulator.workload import LayerGraph

Bits = npt.NDArray[np.int64]


@dataclass
class BitEnvironment:
    """One episode assigns (weight, activation) bits to every layer, in order.

    Parameters
    ----------
    evaluator : Evaluator
    widths : sequence of int
        Allowed widths [bits].
    budget_cycles : int, optional
        A finished assignment above it is lowered, one width of one layer at a time from the first, until it fits (as
        HAQ does).
    quality : callable, optional
        Assignment [L, 2] to a score of accuracy; the reward adds it to the relative saving of cycles.
    """

    evaluator: Evaluator
    widths: Sequence[int] = (2, 4, 8)
    budget_cycles: int | None = None
    quality: Callable[[Bits], float] | None = None
    assignment: Bits = field(init=False)
    layer: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        if not self.widths or not all(1 <= bits <= 64 for bits in self.widths):
            message = f"widths = {list(self.widths)}: give at least one of 1 to 64 bits"
            raise WorkloadError(message)
        self.widths = tuple(sorted(set(self.widths)))
        self.reference_cycles = int(self.evaluator.evaluate(self._uniform())["cycles"])
        self.reset()

    def _uniform(self) -> Bits:
        return np.full((len(self.evaluator.mac_layers), 2), self.widths[-1], np.int64)

    def reset(self) -> npt.NDArray[np.float64]:
        """Begin an episode; return the first observation."""
        self.assignment, self.layer = self._uniform(), 0
        return self.observe()

    @property
    def done(self) -> bool:
        """Whether every layer has its widths."""
        return self.layer >= len(self.evaluator.mac_layers)

    def observe(self) -> npt.NDArray[np.float64]:
        """Return what is known of the layer at hand: its place, log MACs, log weights, and the last widths chosen."""
        layers = self.evaluator.mac_layers
        layer, graph = layers[min(self.layer, len(layers) - 1)], self.evaluator.graph
        before = self.assignment[max(0, self.layer - 1)] / self.widths[-1]
        sizes = (graph.macs_of(layer), graph.tensors[layer.inputs[1]].elements)
        return np.array([self.layer / len(layers), *np.log10(np.maximum(1, sizes)), *before])

    def act(self, weight_bits: int, activation_bits: int) -> npt.NDArray[np.float64]:
        """Give the layer at hand its widths; return the next observation.

        Raises
        ------
        WorkloadError
            The episode is over, or a width is not allowed.
        """
        if self.done:
            message = f"all {self.layer} layers have their widths: take the reward, then reset"
            raise WorkloadError(message)
        for bits in (weight_bits, activation_bits):
            if bits not in self.widths:
                message = f"{bits} bits: allowed are {', '.join(map(str, self.widths))}"
                raise WorkloadError(message)
        self.assignment[self.layer] = weight_bits, activation_bits
        self.layer += 1
        return self.observe()

    def reward(self) -> tuple[float, dict[str, Any]]:
        """Return the episode's reward, and the simulator's answer for the (possibly lowered) assignment.

        Raises
        ------
        WorkloadError
            Layers are still without widths, or even the narrowest widths exceed the budget.
        """
        if not self.done:
            message = f"layer {self.layer} of {len(self.evaluator.mac_layers)} has no widths yet: act first"
            raise WorkloadError(message)
        answer = self.evaluator.evaluate(self.assignment)
        if self.budget_cycles is not None:
            answer = self._lowered(answer)
        quality = self.quality(self.assignment) if self.quality else 0.0
        saving = 1.0 - answer["cycles"] / self.reference_cycles
        return quality + saving, answer | {"assignment": self.assignment.copy()}

    def _lowered(self, answer: dict[str, Any]) -> dict[str, Any]:
        budget = self.budget_cycles or 0
        while answer["cycles"] > budget:
            before = self.assignment.copy()
            for index in range(self.assignment.size):
                layer, operand = divmod(index, 2)
                lower = [bits for bits in self.widths if bits < self.assignment[layer, operand]]
                if lower:
                    self.assignment[layer, operand] = lower[-1]
                    answer = self.evaluator.evaluate(self.assignment)
                if answer["cycles"] <= budget:
                    return answer
            if (before == self.assignment).all():
                message = (
                    f"budget of {budget} cycles: the narrowest widths still take {answer['cycles']}, "
                    f"{answer['cycles'] - budget} too many"
                )
                raise WorkloadError(message)
        return answer

    def workload(self) -> LayerGraph:
        """Return the network with the assignment's widths: save it with ``save_workload``, run it as any other."""
        return self.evaluator.graph.with_precisions(self.evaluator.precisions(self.assignment))
