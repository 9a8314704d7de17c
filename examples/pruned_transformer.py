"""Where pruning pays: a trained int8 transformer, pruned to 50, 75 and 90 %, on four kinds of hardware.

``python examples/pruned_transformer.py`` writes ``pruned_transformer.json``, ``.md`` and ``.png`` into ``reports`` or
the folder of ``--out``. The model is ``models/smart-turn-v3.2-cpu.onnx`` in the folder that ``SIMULATOR_REFERENCE_DIR``
names; without it the example says so and leaves.

The dense array, the gated one and the N:M core have 1024 8-bit multipliers at 500 MHz in 45 nm and the same DRAM; EIE
is the published chip: 64 16-bit multipliers at 800 MHz in 45 nm, all weights on chip (no DRAM in its energy). Compared
are the matrix products with constant weights: every machine runs those, and pruning touches nothing else. Times are
multipliers x cycles, so that neither a slower clock nor fewer multipliers count against a machine.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from simulator import simulate
from simulator.arch import Accelerator, load_accelerator
from simulator.results import LayerResult, RunResult
from simulator.workload import LayerGraph, load_workload
from simulator.workload.transforms.prune import prune

MODEL = "smart-turn-v3.2-cpu.onnx"
SHAPES = {"input_features": (1, 80, 800)}
REPORTS = Path(__file__).resolve().parent.parent / "reports"

DENSITIES = (1.0, 0.5, 0.25, 0.1)
N_OF_M = {1.0: (4, 4), 0.5: (2, 4), 0.25: (1, 4), 0.1: (1, 10)}
MACHINES = ("dense array", "gated array", "N:M tensor core", "EIE")
COLORS = dict(zip(MACHINES, ("#7d9bb0", "#2b6ca3", "#e3b13c", "#c24d3f"), strict=True))


@dataclass(frozen=True)
class Point:
    """One machine at one density: the products with constant weights, added up."""

    machine: str
    density: float
    pattern: str
    multiplier_cycles: int
    energy_j: float
    weight_dram_bytes: int
    share_of_network: float
    """Of the dense array's time, the part that these products take."""


def machine(name: str, density: float) -> Accelerator:
    """Return one of :data:`MACHINES`."""
    if name == "EIE":
        return load_accelerator("eie_64pe")
    if name != "N:M tensor core":
        gating = ['zero_gating.by=["ifmap","weight"]'] if name == "gated array" else []
        return load_accelerator("edge_like_32", overrides=["technology.node_nm=45", 'array.dataflows=["ws"]', *gating])
    n, m = N_OF_M[density]
    same = {
        "clock_hz": "5e8",
        "array.n": n,
        "array.m": m,
        "array.multiprocessors": 1,
        "array.value_bits": 8,
        "array.output_bits": 8,
        "precision.pairs.0.ifmap_bits": 8,
        "precision.pairs.0.weight_bits": 8,
        "dram.standard": "LPDDR4",
        "dram.bandwidth_bytes_per_second": "8e9",
        "dram.latency_cycles": 60,
        "technology.node_nm": 45,
        "buffers.shared_memory.capacity_bytes": 164 * 1024,
        "buffers.shared_memory.banks": 1,
        "buffers.registers.capacity_bytes": 256 * 1024,
        "buffers.registers.banks": 1,
    }
    return load_accelerator("nm_tensor_core_a100", overrides=[f"{path}={value}" for path, value in same.items()])


def pruned(graph: LayerGraph, name: str, density: float) -> tuple[LayerGraph, str]:
    """Return the network as a machine wants it pruned, and the pattern."""
    n, m = N_OF_M[density]
    pattern = f"{n}:{m}" if name == "N:M tensor core" else f"{density}"
    return (graph, "as trained") if density == 1.0 else (prune(graph, pattern), pattern)


def products(result: RunResult, names: Sequence[str]) -> list[LayerResult]:
    """Return the layers that are compared."""
    by_name = {layer.name: layer for layer in result.layers}
    return [by_name[name] for name in names]


def measure(graph: LayerGraph) -> list[Point]:
    """Run every machine at every density."""
    names = [layer.name for layer in simulate(graph, "eie_64pe", fidelity="bandwidth").layers]
    whole = simulate(graph, machine("dense array", 1.0), fidelity="bandwidth")
    share = sum(layer.cycles or 0 for layer in products(whole, names)) / (whole.total.cycles or 1)
    points = []
    for name in MACHINES:
        for density in DENSITIES:
            sys.stderr.write(f"{name}, {density:.0%} of the weights left\n")
            network, pattern = pruned(graph, name, density)
            described = machine(name, density)
            layers = products(simulate(network, described, fidelity="bandwidth"), names)
            points.append(
                Point(
                    machine=name,
                    density=density,
                    pattern=pattern,
                    multiplier_cycles=sum(layer.cycles or 0 for layer in layers) * described.array.pes,
                    energy_j=sum(layer.total_energy_pj for layer in layers) * 1e-12,
                    weight_dram_bytes=sum(layer.accesses["dram"]["weight"].bytes for layer in layers),
                    share_of_network=share,
                )
            )
    return points


def factors(points: Sequence[Point]) -> dict[tuple[str, float], tuple[float, float]]:
    """Return (multiplier-cycles over the dense array's as trained, energy over the same machine's as trained).

    Energies of different machines are not compared: the N:M core's leaves out registers, EIE's leaves out DRAM.
    """
    base = points[0].multiplier_cycles
    own = {point.machine: point.energy_j for point in points if point.density == 1.0}
    return {
        (point.machine, point.density): (point.multiplier_cycles / base, point.energy_j / own[point.machine])
        for point in points
    }


def draw(points: Sequence[Point]) -> Figure:
    """Return time and energy of every machine over the share of pruned weights."""
    drawn = Figure(figsize=(9.5, 4.2), layout="constrained")
    time, energy = drawn.subplots(1, 2)
    found, pruned_shares = factors(points), [1 - density for density in DENSITIES]
    time.set_title("multiplier-cycles, of the dense array's as trained", fontsize=10)
    energy.set_title("energy, of the same machine's as trained", fontsize=10)
    for index, axes in enumerate((time, energy)):
        axes.plot(pruned_shares, DENSITIES, ":", color="#999999", label="in proportion to what is left")
        for name in MACHINES:
            values = [found[name, density][index] for density in DENSITIES]
            style = "o--" if name == "gated array" else "o-"
            axes.plot(pruned_shares, values, style, color=COLORS[name], label=name, markersize=5)
        axes.set_xticks(pruned_shares, ["as trained", "50 %", "75 %", "90 %"])
        axes.set_xlabel("weights pruned")
        axes.set_ylabel("factor")
        axes.set_ylim(0, 1.06)
        axes.grid(axis="y", color="#eeeeee", linewidth=0.6)
    energy.legend(fontsize=8, frameon=False, loc="lower left")
    drawn.suptitle(
        f"{MODEL}: products with constant weights ({100 * points[0].share_of_network:.0f} % of the dense array's time)",
        fontsize=10,
    )
    return drawn


def table(points: Sequence[Point]) -> str:
    """Return the numbers in words and a table."""
    found = factors(points)
    lines = [
        "# Where pruning pays",
        "",
        "`python examples/pruned_transformer.py` wrote this; its head says what is compared. Predicted, not measured.",
        "Cycles are factors of the dense array's as trained, energies of the same machine's own (parts differ).",
        "",
        "![time and energy over density](pruned_transformer.png)",
        "",
        "| machine | left | pattern | 10^9 multiplier-cycles | factor | energy [mJ] | factor | DRAM weights [MB] |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {point.machine} | {point.density:.0%} | {point.pattern} | {point.multiplier_cycles / 1e9:.3f} "
        f"| {found[point.machine, point.density][0]:.3f} | {point.energy_j * 1e3:.3f} "
        f"| {found[point.machine, point.density][1]:.3f} | {point.weight_dram_bytes / 1e6:.2f} |"
        for point in points
    ]
    return "\n".join([*lines, "", *reading(points), ""])


def reading(points: Sequence[Point]) -> list[str]:
    """Return what the numbers say, from the numbers."""
    of = {(point.machine, point.density): point for point in points}
    dense = of["dense array", 1.0]

    def time(name: str, density: float) -> float:
        return of[name, density].multiplier_cycles / dense.multiplier_cycles

    gated = of["gated array", 0.1].energy_j / dense.energy_j
    lines = [
        f"- A dense array gains no cycle from zeros: {time('dense array', 0.1):.3f} of its time at 90 % pruned. "
        + f"Gating saves energy only: {gated:.2f} of it is left at 90 %.",
        f"- N:M takes {time('N:M tensor core', 0.5):.2f} of the dense array's multiplier-cycles at 2:4 (dense: "
        + f"{time('N:M tensor core', 1.0):.2f}) and {time('N:M tensor core', 0.1):.2f} at 1:10: activations are read "
        + "as before, and bound it in the end.",
        f"- EIE takes {time('EIE', 1.0):.2f} of them as trained, where it has next to nothing to skip, and "
        + f"{time('EIE', 0.1):.2f} at 90 %; each weight left costs an entry with its index.",
    ]
    paying = [density for density in DENSITIES if time("EIE", density) < time("N:M tensor core", density)]
    lines.append(
        f"- EIE beats N:M in multiplier-cycles at {', '.join(f'{1 - density:.0%}' for density in paying)} pruned."
        if paying
        else "- EIE does not beat N:M in multiplier-cycles at any of these densities."
    )
    lines.append(
        f"- All of it concerns {dense.share_of_network:.0%} of the dense array's time: attention products, softmax and "
        "normalization have no weights to prune."
    )
    return lines


def main(arguments: Sequence[str] = ()) -> int:
    """Measure and write; 0 also where the model is not there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=REPORTS, help="folder that is there")
    out = parser.parse_args(arguments).out
    if not out.is_dir():
        parser.error(f"--out {out}: is no folder; make it, or name one that is there")
    path = Path(os.environ.get("SIMULATOR_REFERENCE_DIR", "")) / "models" / MODEL
    if not os.environ.get("SIMULATOR_REFERENCE_DIR") or not path.is_file():
        sys.stderr.write(f"skipped: {MODEL} is not there; name its folder's parent in SIMULATOR_REFERENCE_DIR\n")
        return 0
    points = measure(load_workload(path, shapes=SHAPES))
    rows = [vars(point) for point in points]
    (out / "pruned_transformer.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    (out / "pruned_transformer.md").write_text(table(points), encoding="utf-8")
    with mpl.rc_context({"font.size": 9.0}):
        draw(points).savefig(out / "pruned_transformer.png", dpi=110, metadata={"Software": None})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
