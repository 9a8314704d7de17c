"""Magnitude pruning of a network whose values are known: weights keep their largest elements.

Which elements stay is :mod:`simulator.workload.selection`'s; where nothing but densities is known, declare them
(:mod:`.declare`). The pruned network names its values and the pattern: nothing is copied.
"""

from collections.abc import Mapping

from simulator.errors import WorkloadError
from simulator.workload.graph import LayerGraph
from simulator.workload.transforms.declare import declare_sparsity


def prune(graph: LayerGraph, pattern: str, *, layers: Mapping[str, str] | None = None) -> LayerGraph:
    """Return ``graph`` with its weights pruned by magnitude.

    Parameters
    ----------
    graph : LayerGraph
        Its weights' values are known: loaded from an ONNX model, or declared by an ``.npz``.
    pattern : str
        What is left of every layer's weights: ``0.1`` (anywhere), ``2:4``, ``channels:0.5``, ``blocks:4x4:0.5`` (by the
        sum of magnitudes), or ``balanced:64:0.1`` (the same for each of 64 PEs, as ESE's load-balance-aware pruning).
    layers : mapping of str to str, optional
        Patterns of single layers; ``dense`` leaves a layer as it is.

    Raises
    ------
    WorkloadError
        A weight's values are not known, or a pattern is none.

    Examples
    --------
    >>> graph = prune(load_workload("model.onnx"), "2:4", layers={"stem": "dense"})  # doctest: +SKIP
    """
    clauses = [("weights", pattern), *(layers or {}).items()]
    text = ",".join(f"{where}={kind if kind == 'dense' else 'pruned:' + kind}" for where, kind in clauses)
    return declare_sparsity(graph, text)


def gradual_densities(steps: int, final: float, *, initial: float = 1.0) -> tuple[float, ...]:
    """Return the densities of a gradual pruning, one for each step: fast at first, ever slower.

    Source: Zhu & Gupta, "To prune, or not to prune", 2017, equation 1 (the cube).

    Raises
    ------
    WorkloadError
        A density lies outside 0 to 1, the final one exceeds the initial, or there are no steps.

    Examples
    --------
    >>> [round(density, 3) for density in gradual_densities(4, 0.1)]
    [0.48, 0.213, 0.114, 0.1]
    """
    if steps < 1 or not 0.0 <= final <= initial <= 1.0:
        message = (
            f"gradual pruning in {steps} steps from density {initial} to {final}: give at least one step and "
            "0 <= final <= initial <= 1"
        )
        raise WorkloadError(message)
    return tuple(final + (initial - final) * (1 - step / steps) ** 3 for step in range(1, steps + 1))
