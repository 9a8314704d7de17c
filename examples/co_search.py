"""Array, buffers and bits together under an area limit, in the spirit of HAO (Dong et al., FCCM 2021).

``python examples/co_search.py`` writes ``reports/co_search.json``, ``.md`` and ``.png``. Optuna's NSGA-II chooses rows
and columns of an array of fusion units (preset ``bitfusion``), the sizes of its three buffers, and the bits of weights
and activations of each of ResNet-18's four stages; first convolution and classifier stay at 8 bits. A design larger
than the limit is pruned. Three things are minimised: latency, energy, and quantization noise.

The noise stands in for accuracy, which no simulator knows: every product's relative rounding error, 4^-w + 4^-a,
weighted with its layer's share of the MACs, in dB against 8 bits (assumed). Whoever has a trained model puts its loss
in ``noise_db``.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import optuna
from matplotlib.figure import Figure

from simulator import load_accelerator
from simulator.arch import Accelerator
from simulator.energy import area_mm2
from simulator.search import Evaluator
from simulator.workload import LayerGraph, load_workload

REPORTS = Path(__file__).resolve().parent.parent / "reports"
BASE = "bitfusion"
ROWS, COLUMNS = (8, 16, 32, 64), (8, 16, 32, 64)
BUFFERS_KIB = {"ibuf": (16, 32, 64, 128), "wbuf": (32, 64, 128, 256), "obuf": (8, 16, 32, 64)}
WIDTHS = (2, 4, 6, 8)
STAGES = {64: 0, 128: 1, 256: 2, 512: 3}


@dataclass(frozen=True)
class Design:
    """One design of the search, and what it costs."""

    rows: int
    columns: int
    ibuf_kib: int
    wbuf_kib: int
    obuf_kib: int
    bits: str
    area_mm2: float
    latency_ms: float
    energy_mj: float
    noise_db: float


def machine_of(trial: optuna.Trial) -> Accelerator:
    """Choose array and buffers."""
    chosen = {"array.rows": trial.suggest_categorical("rows", ROWS)}
    chosen["array.columns"] = trial.suggest_categorical("columns", COLUMNS)
    for name, sizes in BUFFERS_KIB.items():
        chosen[f"buffers.{name}.capacity_bytes"] = 1024 * trial.suggest_categorical(f"{name}_kib", sizes)
    return load_accelerator(BASE, overrides=[f"{path}={value}" for path, value in chosen.items()])


def bits_of(trial: optuna.Trial, graph: LayerGraph) -> npt.NDArray[np.int64]:
    """Choose (weight, activation) bits [L, 2], one pair a stage: its layers have the same output channels."""
    pairs = [
        [trial.suggest_categorical(f"{operand}{stage + 1}", WIDTHS) for operand in "wa"] for stage in STAGES.values()
    ]
    layers = graph.mac_layers
    bits = np.array([pairs[STAGES.get(graph.loops_of(layer)[0].K, 0)] for layer in layers], np.int64)
    bits[[0, -1]] = 8
    return bits


def noise_db(graph: LayerGraph, bits: npt.NDArray[np.int64]) -> float:
    """Return the rounding noise of an assignment against 8 bits everywhere [dB]."""
    macs = np.array([graph.macs_of(layer) for layer in graph.mac_layers], np.float64)
    noise = (macs[:, None] * 4.0 ** -bits.astype(np.float64)).sum()
    return float(10 * np.log10(noise / (macs.sum() * 2 * 4.0**-8)))


def search(network: str, limit_mm2: float, trials: int, seed: int = 0) -> optuna.Study:
    """Search for ``trials`` trials; designs are in the trials' attribute ``design``."""
    graph = load_workload(network)

    def cost(trial: optuna.Trial) -> tuple[float, float, float]:
        machine, bits = machine_of(trial), bits_of(trial, graph)
        area = area_mm2(machine)
        if area > limit_mm2:
            raise optuna.TrialPruned
        found = Evaluator(graph, machine).evaluate(bits)
        objectives = 1e3 * found["cycles"] / machine.clock_hz, found["energy_pj"] * 1e-9, noise_db(graph, bits)
        spelled = " ".join("w{}a{}".format(*(trial.params[f"{one}{i + 1}"] for one in "wa")) for i in STAGES.values())
        sizes = [trial.params[name] for name in ("rows", "columns", *(f"{name}_kib" for name in BUFFERS_KIB))]
        trial.set_user_attr("design", asdict(Design(*sizes, spelled, area, *objectives)))
        return objectives

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        directions=["minimize"] * 3, sampler=optuna.samplers.NSGAIISampler(seed=seed, population_size=40)
    )
    for width in (8, 6, 4):  # the preset itself at uniform bits: where a front should at least reach
        uniform = {f"{operand}{stage + 1}": width for operand in "wa" for stage in STAGES.values()}
        sizes = {"rows": 16, "columns": 32, "ibuf_kib": 32, "wbuf_kib": 64, "obuf_kib": 16}
        study.enqueue_trial(uniform | sizes)
    study.optimize(cost, n_trials=trials)
    return study


def front_of(study: optuna.Study) -> list[Design]:
    """Return the Pareto front, fastest first, each design once."""
    found = {Design(**trial.user_attrs["design"]) for trial in study.best_trials}
    return sorted(found, key=lambda design: (design.latency_ms, design.energy_mj, design.noise_db))


def table(front: list[Design], network: str, limit_mm2: float, tried: tuple[int, int]) -> str:
    """Return the front as a page."""
    lines = [
        f"# Co-search: {network} on a `{BASE}` of at most {limit_mm2:g} mm2",
        "",
        f"{tried[0]} trials, {tried[1]} larger than the limit; `python examples/co_search.py` (bandwidth fidelity).",
        f"{len(front)} designs that no other beats in latency, energy and noise at once.",
        "Noise stands in for accuracy (rounding noise against 8 bits everywhere, assumed). Bits are those of",
        "stages 1 to 4; first convolution and classifier have 8.",
        "",
        "| array | ibuf / wbuf / obuf KiB | bits | area mm2 | latency ms | energy mJ | noise dB |",
        "|---|---|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {one.rows} x {one.columns} | {one.ibuf_kib} / {one.wbuf_kib} / {one.obuf_kib} | {one.bits} "
        f"| {one.area_mm2:.2f} | {one.latency_ms:.3f} | {one.energy_mj:.3f} | {one.noise_db:.1f} |"
        for one in front
    ]
    return "\n".join(lines) + "\n"


def draw(front: list[Design], others: list[Design], title: str) -> Figure:
    """Draw latency over noise, the front coloured by energy, all other designs in grey."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.scatter([one.noise_db for one in others], [one.latency_ms for one in others], s=10, color="#c4ccd2")
    points = axes.scatter(
        [one.noise_db for one in front],
        [one.latency_ms for one in front],
        c=[one.energy_mj for one in front],
        s=32,
        cmap="viridis",
        edgecolors="black",
        linewidths=0.4,
    )
    figure.colorbar(points, label="energy [mJ]")
    axes.set(xlabel="quantization noise against 8 bits [dB]", ylabel="latency [ms]", yscale="log", title=title)
    marks = [mark for mark in (1, 2, 3, 5, 10, 20, 30, 50, 100) if axes.get_ylim()[0] < mark < axes.get_ylim()[1]]
    axes.set_yticks(marks, [str(mark) for mark in marks])
    axes.minorticks_off()
    axes.grid(visible=True, alpha=0.3)
    return figure


def main() -> None:
    """Search, and write table, numbers and plot."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--network", default="resnet18_int8")
    parser.add_argument("--area", type=float, default=2.0, help="limit [mm2]")
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--out", type=Path, default=REPORTS)
    options = parser.parse_args()
    study = search(options.network, options.area, options.trials)
    front = front_of(study)
    designs = [Design(**trial.user_attrs["design"]) for trial in study.trials if "design" in trial.user_attrs]
    page = table(front, options.network, options.area, (len(study.trials), len(study.trials) - len(designs)))
    (options.out / "co_search.md").write_text(page, encoding="utf-8")
    document = json.dumps({"front": [asdict(one) for one in front]}, indent=1)
    (options.out / "co_search.json").write_text(document + "\n", encoding="utf-8")
    title = f"{options.network}: {len(front)} designs on the front, {len(designs)} within {options.area:g} mm2"
    draw(front, [one for one in designs if one not in front], title).savefig(options.out / "co_search.png", dpi=110)
    print(page)  # noqa: T201 - an example talks to its reader


if __name__ == "__main__":
    main()
