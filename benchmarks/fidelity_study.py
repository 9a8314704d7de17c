"""``python -m benchmarks.fidelity_study``: bandwidth against event fidelity over random accelerators and layers.

Draws one layer for each random systolic accelerator, runs both fidelities, and writes ``reports/fidelity.md`` and
``.json``: rank correlation (Kendall's tau-b) of latencies, the ratio's spread, and the pairs where it is worst. The
same seed draws the same pairs.
"""

from typing import Any

import numpy as np
from numpy.random import Generator, default_rng

from benchmarks.studies import Study, run_study
from simulator.api import simulate
from simulator.arch import Accelerator
from simulator.errors import MappingError
from simulator.memory.dram_library import load_dram
from simulator.workload import LayerGraph
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision

STANDARDS = ("DDR3", "DDR4", "LPDDR4", "LPDDR5", "HBM2")
TARGET_TAU = 0.95
MOST_MEGABYTES = 6.0
KIB = 1024
QUANTILES = (0.05, 0.5, 0.95)
LATENCY_S = 100e-9
SHOWN = 10
COLUMNS = (
    *("ratio", "layer", "array", "slots", "dram", "bandwidth_bytes_per_cycle"),
    *("moved_per_payload", "limiter", "row_hit_rate"),
)
SOME, MANY = 1.1, 2.0
"""Bytes in bursts a byte of payload: rows of tiles shorter than a burst move the rest of it for nothing."""


def kendall_tau(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> float:
    """Return Kendall's tau-b of two samples [n].

    Examples
    --------
    >>> kendall_tau(np.array([1, 2, 3, 4]), np.array([1, 3, 2, 4]))
    0.6666666666666666
    """
    upper = np.triu_indices(len(left), k=1)
    first, second = np.sign(left[:, None] - left)[upper], np.sign(right[:, None] - right)[upper]
    return float((first * second).sum() / np.sqrt((first != 0).sum() * (second != 0).sum()))


def random_accelerator(draw: Generator, number: int) -> Accelerator:
    """Return a systolic accelerator of 8 x 8 to 128 x 128, with a DRAM of 2 to 400 GB/s."""
    standard = str(draw.choice(STANDARDS))
    clock_hz = float(draw.choice([2e8, 5e8, 7e8, 1e9]))
    side = [int(2 ** draw.integers(3, 8)) for _ in range(2)]
    capacity = int(2 ** draw.integers(6, 13)) * KIB
    operands = [["ifmap", "weight"], ["psum"]] if draw.random() < 0.5 else [["ifmap"], ["weight"], ["psum"]]
    buffers = [
        {"name": f"buffer_{i}", "capacity_bytes": capacity, "operands": names, "slots": int(draw.integers(1, 4))}
        for i, names in enumerate(operands)
    ]
    return Accelerator.model_validate(
        {
            "name": f"random_{number}",
            "clock_hz": clock_hz,
            "array": {"kind": "systolic", "rows": side[0], "columns": side[1], "dataflows": ["ws", "os"]},
            "precision": {"pairs": [{"ifmap_bits": 8, "weight_bits": 8}]},
            "buffers": buffers,
            "vector": {"lanes": int(2 ** draw.integers(3, 8))},
            "dram": {
                "standard": standard,
                "bandwidth_bytes_per_second": float(2e9 * 2 ** draw.uniform(0, 7.6)),
                "latency_cycles": round(LATENCY_S * clock_hz),
            },
        }
    )


def random_layer(draw: Generator) -> LayerGraph:
    """Return one layer: a convolution, a depthwise one, or a matrix product, of up to some megabytes."""
    eight = Precision(bits=8)
    while True:
        net = GraphBuilder("layer", weight_precision=eight, activation_precision=eight)
        kind, size = str(draw.choice(["conv", "conv", "pointwise", "depthwise", "gemm"])), int(draw.integers(4, 57))
        inputs, outputs = (int(2 ** draw.uniform(3, 10)) for _ in range(2))
        if kind == "gemm":
            graph = net.build(net.gemm(net.input("rows", (int(2 ** draw.uniform(0, 9)), 4 * inputs)), 4 * outputs))
        else:
            taps = 1 if kind == "pointwise" else int(draw.choice([3, 5]))
            groups = inputs if kind == "depthwise" else 1
            image = net.input("image", (1, inputs, size, size))
            filters = inputs if kind == "depthwise" else outputs
            graph = net.build(net.conv(image, filters, taps, padding=taps // 2, groups=groups))
        if sum(tensor.elements for tensor in graph.tensors.values()) < MOST_MEGABYTES * 1e6:
            return graph


def run_pair(draw: Generator, number: int) -> dict[str, Any] | None:
    """Return both latencies of one random pair, None where nothing fits."""
    accelerator, graph = random_accelerator(draw, number), random_layer(draw)
    try:
        result = simulate(graph, accelerator, fidelity="event")
    except MappingError:
        return None
    layer, system = result.layers[0], result.dram_system or {}
    event, plain = (
        sum(one.cycles or 0 for one in result.layers),
        sum(one.bandwidth_cycles or 0 for one in result.layers),
    )
    slots = min(buffer.slots for buffer in accelerator.buffers)
    bursts = sum(one.dram["reads"] + one.dram["writes"] for one in result.layers)
    moved_bytes = bursts * load_dram(system["name"]).organization.request_bytes
    return {
        "layer": layer.op,
        "array": f"{accelerator.array.rows}x{accelerator.array.columns}",
        "slots": slots,
        "dram": system["origin"].split(" at ")[0].split(" (")[0],
        "bandwidth_bytes_per_cycle": result.dram_bytes_per_cycle,
        "event_s": event / result.clock_hz,
        "bandwidth_s": plain / result.clock_hz,
        "ratio": event / plain,
        "moved_per_payload": moved_bytes / result.total.dram_bytes,
        "row_hit_rate": layer.dram["row_hit_rate"],
        "limiter": layer.dram["limiter"],
    }


def _spread(ratio: np.ndarray[Any, Any]) -> list[float]:
    return [len(ratio), *np.quantile(ratio, QUANTILES).tolist(), ratio.max().item()]


def study(cases: int, seed: int) -> dict[str, Any]:
    """Return the pairs and what they say together."""
    draw, pairs = default_rng(seed), []
    number = 0
    while len(pairs) < cases:
        pair = run_pair(draw, number)
        number += 1
        if pair is not None:
            pairs.append(pair)
    ratio = np.array([pair["ratio"] for pair in pairs])
    event, plain = (np.array([pair[name] for pair in pairs]) for name in ("event_s", "bandwidth_s"))
    groups: dict[str, list[float]] = {}
    for name, low, high in (("up to 1.1", 0, SOME), ("1.1 to 2", SOME, MANY), ("more than 2", MANY, np.inf)):
        mine = np.array([pair["ratio"] for pair in pairs if low < pair["moved_per_payload"] <= high])
        if mine.size:
            groups[f"bytes moved / payload {name}"] = _spread(mine)
    for field in ("limiter", "slots", "layer"):
        for value in sorted({pair[field] for pair in pairs}, key=str):
            mine = np.array([pair["ratio"] for pair in pairs if pair[field] == value])
            groups[f"{field} {value}"] = _spread(mine)
    return {
        "cases": cases,
        "seed": seed,
        "nothing_fits": number - cases,
        "kendall_tau": kendall_tau(event, plain),
        "target_tau": TARGET_TAU,
        "ratio_quantiles": dict(zip(map(str, QUANTILES), np.quantile(ratio, QUANTILES).tolist(), strict=True)),
        "ratio_least": float(ratio.min()),
        "ratio_most": float(ratio.max()),
        "groups": groups,
        "pairs": pairs,
    }


def markdown(found: dict[str, Any]) -> str:
    """Return the study as a page."""
    low, middle, high = found["ratio_quantiles"].values()
    command = f"python -m benchmarks.fidelity_study --cases {found['cases']} --seed {found['seed']}"
    tau = f"{found['kendall_tau']:.4f}** (target {found['target_tau']})."
    spread = f"5 % {low:.3f}, median {middle:.3f}, 95 % {high:.3f}"
    lines = [
        "# Bandwidth against event fidelity",
        "",
        f"`{command}` wrote this: predicted by this simulator on both sides, nothing measured.",
        "",
        f"Kendall's tau-b of latency, {found['cases']} random accelerators with one random layer each: **{tau}",
        f"Event cycles / bandwidth cycles: {spread}; least {found['ratio_least']:.3f}, most {found['ratio_most']:.3f}.",
        "",
        "| pairs with | n | 5 % | median | 95 % | most |",
        "|---|---|---|---|---|---|",
    ]
    for name, (count, *numbers) in found["groups"].items():
        lines.append(f"| {name} | {count} | " + " | ".join(f"{number:.3f}" for number in numbers) + " |")
    lines += ["", "The pairs where it is worst:", "", f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    for pair in sorted(found["pairs"], key=lambda pair: -pair["ratio"])[:SHOWN]:
        cells = (f"{pair[name]:.3f}" if isinstance(pair[name], float) else str(pair[name]) for name in COLUMNS)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


STUDY = Study("fidelity_study", __doc__, "fidelity", "pairs of an accelerator and a layer", 200, study, markdown)

if __name__ == "__main__":
    run_study(STUDY)
