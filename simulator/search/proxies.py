"""Proxies on trial.

Do FLOPs, BOPs, parameters or arithmetic intensity rank configurations as the simulated hardware does?
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.arch import Accelerator
from simulator.errors import WorkloadError
from simulator.search.evaluate import Evaluator
from simulator.search.evaluations import Evaluations
from simulator.search.width_gain import WidthGain, to_lines, width_gains
from simulator.workload import LayerGraph

Floats = npt.NDArray[np.float64]
PROXIES = ("flops", "bops", "parameter_bits", "arithmetic_intensity")
MEASURES = ("cycles", "energy_pj")
NEARLY_EQUAL = 0.02


@dataclass(frozen=True)
class MisleadingPair:
    """Two configurations that a proxy ranks as the hardware does not.

    ``proxy_ratio`` and ``measured_ratio`` are the second's over the first's: the proxy says the second is cheaper, the
    simulator that it costs as much or more.
    """

    accelerator: str
    proxy: str
    measure: str
    first: str
    second: str
    proxy_ratio: float
    measured_ratio: float


@dataclass(frozen=True)
class ProxyTrial:
    """Rank correlations of proxies with simulated cycles and energy.

    Attributes
    ----------
    workload : str
    configurations : tuple of str
    accelerators : tuple of str
    proxies : mapping of str to float array [N]
    cycles, energy_pj : float arrays [accelerators, N]
    correlations : mapping of (accelerator, proxy, measure) to float or None
        Spearman's; None where all configurations have one value of the proxy, which then ranks nothing.
    misleading : tuple of MisleadingPair
        The worst pair of each, by how far the two ratios differ.
    gains : tuple of WidthGain
        What uniform narrow widths gain on each accelerator, and by what.
    """

    workload: str
    configurations: tuple[str, ...]
    accelerators: tuple[str, ...]
    proxies: dict[str, Floats]
    cycles: Floats
    energy_pj: Floats
    correlations: dict[tuple[str, str, str], float | None]
    misleading: tuple[MisleadingPair, ...]
    gains: tuple[WidthGain, ...] = ()


def try_proxies(
    workload: LayerGraph | str | Path,
    accelerators: Sequence[Accelerator | str | Path],
    *,
    samples: int = 24,
    widths: Sequence[int] = (2, 4, 8),
    seed: int = 0,
    batch: int = 1,
) -> ProxyTrial:
    """Simulate uniform and random bit configurations and hold the proxies against them.

    Parameters
    ----------
    workload, batch
        As :func:`simulator.api.simulate` takes them.
    accelerators : sequence
    samples : int
        Random configurations beside the uniform ones, each half a configuration of few widths, half of all.
    widths : sequence of int
        Allowed widths [bits].
    seed : int
        Of the random ones.

    Raises
    ------
    WorkloadError
        No accelerator, or impossible widths.

    Examples
    --------
    >>> trial = try_proxies("lenet5_int8", ["gemmini_like_16"], samples=2, widths=(4, 8))
    >>> trial.configurations[:2], trial.correlations["gemmini_like_16", "flops", "cycles"]
    (('w4a4', 'w4a8'), None)
    """
    if not accelerators or not widths or samples < 0:
        message = "proxies: give at least one accelerator and one width, and samples of at least 0"
        raise WorkloadError(message)
    evaluators = [Evaluator(workload, one, batch=batch) for one in accelerators]
    names, trials = _configurations(len(evaluators[0].mac_layers), tuple(widths), samples, seed)
    found = [evaluator.evaluate_all(trials) for evaluator in evaluators]
    proxies = _proxies(evaluators[0], trials)
    machines = tuple(one.accelerator.name for one in evaluators)
    correlations, pairs = {}, []
    for machine, answer in zip(machines, found, strict=True):
        for proxy in PROXIES:
            for measure in MEASURES:
                measured = getattr(answer, measure).astype(np.float64)
                correlations[machine, proxy, measure] = spearman(_cost(proxy, proxies), measured)
                pair = _worst(_cost(proxy, proxies), measured)
                if pair is not None:
                    i, j, claimed, real = pair
                    pairs.append(MisleadingPair(machine, proxy, measure, names[i], names[j], claimed, real))
    return ProxyTrial(
        workload=evaluators[0].graph.name,
        configurations=names,
        accelerators=machines,
        proxies=proxies,
        cycles=_stack(found, "cycles"),
        energy_pj=_stack(found, "energy_pj"),
        correlations=correlations,
        misleading=tuple(sorted(pairs, key=lambda pair: pair.proxy_ratio / pair.measured_ratio)),
        gains=tuple(gain for one in evaluators for gain in width_gains(one.graph, one.accelerator, widths, batch)),
    )


def _stack(found: Sequence[Evaluations], name: str) -> Floats:
    return np.array([getattr(one, name) for one in found], np.float64)


def _configurations(
    layers: int, widths: tuple[int, ...], samples: int, seed: int
) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    uniform = [(w, a) for w in widths for a in widths]
    values = np.random.default_rng(seed)
    trials = np.empty((len(uniform) + samples, layers, 2), np.int64)
    trials[: len(uniform)] = np.array(uniform)[:, None, :]
    for i in range(samples):
        some = values.choice(widths, 2) if i % 2 == 0 else np.asarray(widths)
        trials[len(uniform) + i] = values.choice(some, (layers, 2))
    return tuple([f"w{w}a{a}" for w, a in uniform] + [f"random{i}" for i in range(samples)]), trials


def _proxies(evaluator: Evaluator, trials: npt.NDArray[np.int64]) -> dict[str, Floats]:
    """Return each proxy of each configuration: what a search without a simulator would use."""
    graph = evaluator.graph
    macs = np.array([graph.macs_of(layer) * evaluator.batch for layer in evaluator.mac_layers], np.float64)
    weights = np.array([graph.tensors[layer.inputs[1]].elements for layer in evaluator.mac_layers], np.float64)
    inputs = np.array([graph.tensors[layer.inputs[0]].elements for layer in evaluator.mac_layers], np.float64)
    w, a = trials[..., 0], trials[..., 1]
    moved_bytes = (weights * w + inputs * evaluator.batch * a).sum(axis=1) / 8
    return {
        "flops": np.full(len(trials), 2.0 * macs.sum()),
        "bops": (macs * w * a).sum(axis=1),
        "parameter_bits": (weights * w).sum(axis=1),
        "arithmetic_intensity": 2.0 * macs.sum() / moved_bytes,
    }


def _cost(proxy: str, proxies: dict[str, Floats]) -> Floats:
    """Return a proxy so that less promises less: of arithmetic intensity, the inverse."""
    return 1.0 / proxies[proxy] if proxy == "arithmetic_intensity" else proxies[proxy]


def spearman(one: Any, other: Any) -> float | None:  # noqa: ANN401 - arrays of numbers
    """Return Spearman's rank correlation, ties at their mean rank; None where either side is constant.

    Examples
    --------
    >>> spearman([1, 2, 3], [10, 30, 20])
    0.5
    """
    ranks = [_ranks(np.asarray(values, np.float64)) for values in (one, other)]
    centred = [values - values.mean() for values in ranks]
    size = float(np.sqrt((centred[0] ** 2).sum() * (centred[1] ** 2).sum()))
    return float((centred[0] * centred[1]).sum() / size) if size else None


def _ranks(values: Floats) -> Floats:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Floats = (ends - (counts - 1) / 2.0)[place.ravel()]
    return ranks


def _worst(proxy: Floats, measured: Floats) -> tuple[int, int, float, float] | None:
    """Return (dearer by proxy, cheaper by proxy, the two ratios) of the pair that misleads most, or None."""
    claimed = proxy[None, :] / proxy[:, None]
    real = measured[None, :] / measured[:, None]
    misleads = (claimed < 1 - NEARLY_EQUAL) & (real > 1 - NEARLY_EQUAL)
    if not misleads.any():
        return None
    i, j = np.unravel_index(np.where(misleads, claimed / real, np.inf).argmin(), claimed.shape)
    return int(i), int(j), float(claimed[i, j]), float(real[i, j])


def to_markdown(trial: ProxyTrial) -> str:
    """Return correlations, the worst misleading pairs, and the uniform configurations as a page."""
    lines = [
        f"# Proxies on trial: {trial.workload}",
        "",
        f"{len(trial.configurations)} bit configurations, simulated on {', '.join(trial.accelerators)}.",
        "Spearman's rank correlation: 1 ranks as the hardware does, 0 says nothing; `-`: one value for all.",
        "",
        "| accelerator | measure | " + " | ".join(PROXIES) + " |",
        "|---|---|" + "---:|" * len(PROXIES),
    ]
    for machine in trial.accelerators:
        for measure in MEASURES:
            found = [trial.correlations[machine, proxy, measure] for proxy in PROXIES]
            lines.append(f"| {machine} | {measure} | {' | '.join('-' if x is None else f'{x:+.2f}' for x in found)} |")
    lines += ["", "## Worst misleading pairs", ""]
    for pair in trial.misleading[:8]:
        lines.append(
            f"- {pair.accelerator}: {pair.second} has {pair.proxy_ratio:.2f} x the {pair.proxy} cost of {pair.first}, "
            f"and {pair.measured_ratio:.2f} x its {pair.measure}"
        )
    lines += ["", "## Uniform configurations", "", "| configuration | " + " | ".join(trial.accelerators) + " |"]
    lines.append("|---|" + "---:|" * len(trial.accelerators))
    for i, name in enumerate(trial.configurations):
        if not name.startswith("random"):
            lines.append(f"| {name} | " + " | ".join(f"{int(row[i]):,} cycles" for row in trial.cycles) + " |")
    return "\n".join([*lines, *to_lines(trial.gains)]) + "\n"
