"""Our statement of SCALE-Sim's convention against that tool's own reports, layer by layer."""

from pathlib import Path

import pytest

from simulator.arch.scalesim_cfg import read_scalesim_cfg
from simulator.dataflow.scalesim_convention import scalesim_layer
from simulator.workload.importers.scalesim import import_scalesim_topology
from simulator.workload.sparsity import NOfM


def columns(path: Path, *names: str) -> list[tuple[float, ...]]:
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    labels = [label.strip() for label in header.split(",")]
    return [tuple(float(line.split(",")[labels.index(name)]) for name in names) for line in lines if line.strip()]


def ours(case: Path) -> list[tuple[float, ...]]:
    config = read_scalesim_cfg(case / "scale.cfg")
    graph = import_scalesim_topology(case / "topology.csv")
    counts = []
    for layer in graph.layers:
        sparsity = graph.tensors[layer.inputs[1]].sparsity
        layer_counts = scalesim_layer(
            graph.loops_of(layer),
            config.array_rows,
            config.array_columns,
            config.dataflow,
            n_of_m=sparsity if isinstance(sparsity, NOfM) else None,
            sparsity_support=config.sparsity_support,
        )
        counts.append(tuple(layer_counts.to_dict().values()))
    return counts


def test_every_reference_run_to_the_last_digit(reference_dir):
    """Totals and SRAM reads are equal; percentages differ by the tool's order of summation only."""
    cases = sorted(path.parent for path in (reference_dir / "scalesim").glob("*/COMPUTE_REPORT.csv"))
    assert cases, "the reference folder has no scalesim runs"
    for case in cases:
        compute = columns(case / "COMPUTE_REPORT.csv", "Total Cycles", "Overall Util %", "Mapping Efficiency %")
        reads = columns(case / "DETAILED_ACCESS_REPORT.csv", "SRAM IFMAP Reads", "SRAM Filter Reads")
        theirs = [(*left, *right) for left, right in zip(compute, reads, strict=True)]
        assert ours(case) == [pytest.approx(layer, rel=1e-12, abs=0) for layer in theirs], case.name
