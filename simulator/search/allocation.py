"""Bit allocation as an integer program: HAWQ-V3's, with limits on size, BOPs, latency and energy in any mix.

Each layer takes one of its choices; the sum of its perturbations is the least possible within the limits. Solved by
HiGHS to proven optimality.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.errors import SimulatorError, WorkloadError, did_you_mean

Floats = npt.NDArray[np.float64]
BITS_PER_MIB = 8 * 2**20


@dataclass(frozen=True)
class AllocationProblem:
    """What a choice of widths costs, layer by layer.

    Parameters
    ----------
    perturbation : float array [L, C]
        What each choice costs in accuracy: sensitivity times squared quantization error, say.
    costs : mapping of str to float array [L, C]
        ``size_mb``, ``bops_g``, ``latency_ms``, ``energy_mj``, or names of your own.
    ties : sequence of sequence of int
        Layers of a group take the same choice.
    """

    perturbation: Floats
    costs: Mapping[str, Floats]
    ties: Sequence[Sequence[int]] = ()

    def __post_init__(self) -> None:
        shape = np.shape(self.perturbation)
        if len(shape) != 2 or not shape[0] or not shape[1] or not np.isfinite(self.perturbation).all():
            message = f"perturbation of shape {shape}: give finite numbers [layers, choices]"
            raise WorkloadError(message)
        for name, table in self.costs.items():
            if np.shape(table) != shape or not np.isfinite(table).all():
                message = f"cost {name!r} of shape {np.shape(table)}: give finite numbers of {shape}"
                raise WorkloadError(message)
        for group in self.ties:
            if any(not 0 <= layer < shape[0] for layer in group):
                message = f"tied group {list(group)}: layers are 0 .. {shape[0] - 1}"
                raise WorkloadError(message)


@dataclass(frozen=True)
class Allocation:
    """A proven optimum: the choice of each layer, what it perturbs, and what it costs."""

    choices: tuple[int, ...]
    perturbation: float
    costs: Mapping[str, float]


def allocate_bits(problem: AllocationProblem, limits: Mapping[str, float]) -> Allocation:
    """Return the choices of least total perturbation within ``limits``.

    Parameters
    ----------
    problem : AllocationProblem
    limits : mapping of str to float
        Largest total of each named cost.

    Raises
    ------
    WorkloadError
        A limit names no cost, or nothing meets the limits: says which and by how much.
    SimulatorError
        highspy is not installed.

    Examples
    --------
    >>> problem = AllocationProblem(np.array([[5.0, 0.0], [1.0, 0.0]]), {"size_mb": np.array([[1.0, 2.0], [1.0, 2.0]])})
    >>> allocate_bits(problem, {"size_mb": 3.0}).choices
    (1, 0)
    """
    for name, limit in limits.items():
        if name not in problem.costs:
            message = f"limit {name!r}: no such cost{did_you_mean(name, problem.costs)}; use {', '.join(problem.costs)}"
            raise WorkloadError(message)
        if not np.isfinite(limit):
            message = f"limit {name} = {limit}: give a finite number"
            raise WorkloadError(message)
    chosen = _solve(problem, limits, problem.perturbation)
    if chosen is None:
        raise WorkloadError(_shortfall(problem, limits))
    return allocation_of(problem, chosen)


def allocation_of(problem: AllocationProblem, choices: Sequence[int]) -> Allocation:
    """Return what given choices perturb and cost."""
    at = (np.arange(len(choices)), np.asarray(choices, np.int64))
    costs = {name: float(np.asarray(table)[at].sum()) for name, table in problem.costs.items()}
    return Allocation(tuple(int(one) for one in choices), float(np.asarray(problem.perturbation)[at].sum()), costs)


def _solve(problem: AllocationProblem, limits: Mapping[str, float], objective: Floats) -> list[int] | None:
    """Return the choices of least ``objective``, or None where nothing meets the limits."""
    highspy = _highspy()
    layers, choices = np.shape(problem.perturbation)
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.setOptionValue("mip_abs_gap", 0.0)
    solver.setOptionValue("random_seed", 0)
    values = np.asarray(objective, np.float64)
    scale = float(np.abs(values).max()) or 1.0  # HiGHS compares with absolute tolerances
    for cost in (values / scale).ravel().tolist():
        solver.addVar(0.0, 1.0)
        column = solver.getNumCol() - 1
        solver.changeColCost(column, cost)
        solver.changeColIntegrality(column, highspy.HighsVarType.kInteger)
    for layer in range(layers):
        columns = np.arange(layer * choices, (layer + 1) * choices, dtype=np.int32)
        solver.addRow(1.0, 1.0, choices, columns, np.ones(choices))
    for name, limit in limits.items():
        table = np.asarray(problem.costs[name], np.float64).ravel()
        factor = abs(limit) or 1.0
        solver.addRow(
            -highspy.kHighsInf, limit / factor, len(table), np.arange(len(table), dtype=np.int32), table / factor
        )
    for group in problem.ties:
        for layer in group[1:]:
            for choice in range(choices):
                pair = np.array([group[0] * choices + choice, layer * choices + choice], dtype=np.int32)
                solver.addRow(0.0, 0.0, 2, pair, np.array([1.0, -1.0]))
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    solution = np.array(solver.getSolution().col_value).reshape(layers, choices)
    return [int(one) for one in solution.argmax(axis=1)]


def _shortfall(problem: AllocationProblem, limits: Mapping[str, float]) -> str:
    """Say by how much the limits are missed: each alone, or only together."""
    for name, limit in limits.items():
        least = _solve(problem, {}, np.asarray(problem.costs[name]))
        if least is not None:
            reached = allocation_of(problem, least).costs[name]
            if reached > limit:
                cheapest = f"not even the cheapest choices meet it, {reached:g} is {reached - limit:g} too much"
                return f"limit {name} = {limit:g}: {cheapest}"
    return f"limits {dict(limits)}: each can be met, but not all of them together; loosen one"


def _highspy() -> Any:  # noqa: ANN401 - a module without types
    try:
        import highspy
    except ImportError:
        message = "bit allocation needs HiGHS: install the extra `search` (highspy)"
        raise SimulatorError(message) from None
    return highspy


def hawq_costs(parameters: Any, macs: Any, bits: Sequence[int]) -> dict[str, Floats]:  # noqa: ANN401
    """Return HAWQ-V3's ``size_mb`` [MiB] and ``bops_g`` [Gbit-operations] of each layer at each width (w = a).

    Examples
    --------
    >>> hawq_costs([2**20], [10**9], (4, 8))["size_mb"].tolist()
    [[0.5, 1.0]]
    """
    widths = np.asarray(bits, np.float64)
    sizes = np.asarray(parameters, np.float64)[:, None] * widths / BITS_PER_MIB
    return {"size_mb": sizes, "bops_g": np.asarray(macs, np.float64)[:, None] * widths**2 * 1e-9}


def pareto_allocations(problem: AllocationProblem, cost: str, *, steps: int = 2000) -> list[Allocation]:
    """Return the front of least perturbation over ``cost``, as ZeroQ finds it: dynamic programming over layers.

    The cost is rounded up to ``steps`` parts of its largest total, so that every point of the front truly costs no more
    than its bin; a point may be up to one part a layer above the true front.

    Raises
    ------
    WorkloadError
        No such cost.
    """
    if cost not in problem.costs:
        message = f"cost {cost!r}: no such cost{did_you_mean(cost, problem.costs)}; use {', '.join(problem.costs)}"
        raise WorkloadError(message)
    groups = _groups(problem)
    table, perturbation = np.asarray(problem.costs[cost], np.float64), np.asarray(problem.perturbation, np.float64)
    costs = np.stack([table[group].sum(axis=0) for group in groups])
    losses = np.stack([perturbation[group].sum(axis=0) for group in groups])
    unit = (costs.max(axis=1).sum() or 1.0) / steps
    parts = np.ceil(costs / unit - 1e-12).astype(np.int64)
    size = int(parts.max(axis=1).sum()) + 1
    best, history = np.full(size, np.inf), []
    best[0] = 0.0
    for part, loss in zip(parts, losses, strict=True):
        trials = np.full((len(loss), size), np.inf)
        for choice, (shift, added) in enumerate(zip(part.tolist(), loss.tolist(), strict=True)):
            trials[choice, shift:] = best[: size - shift] + added
        history.append(trials.argmin(axis=0))
        best = trials.min(axis=0)
    return _front(problem, groups, (best, history, parts), cost)


def _groups(problem: AllocationProblem) -> list[list[int]]:
    """Return layers that must agree, together; every other layer alone."""
    leader = list(range(len(problem.perturbation)))
    for group in problem.ties:
        for layer in group[1:]:
            old, new = leader[layer], leader[group[0]]
            leader = [new if one == old else one for one in leader]
    groups: dict[int, list[int]] = {}
    for layer, lead in enumerate(leader):
        groups.setdefault(lead, []).append(layer)
    return list(groups.values())


def _front(
    problem: AllocationProblem,
    groups: list[list[int]],
    tables: tuple[Floats, list[npt.NDArray[np.int64]], npt.NDArray[np.int64]],
    cost: str,
) -> list[Allocation]:
    best, history, parts = tables
    found: list[Allocation] = []
    for total in range(len(best)):
        if not np.isfinite(best[total]):
            continue
        choices, left = [0] * len(problem.perturbation), total
        for group, chosen, part in zip(reversed(groups), reversed(history), parts[::-1], strict=True):
            choice = int(chosen[left])
            left -= int(part[choice])
            for layer in group:
                choices[layer] = choice
        found.append(allocation_of(problem, choices))
    found.sort(key=lambda one: (one.costs[cost], one.perturbation))
    front: list[Allocation] = []
    for one in found:
        if not front or one.perturbation < front[-1].perturbation:
            front.append(one)
    return front
