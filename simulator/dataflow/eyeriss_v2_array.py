"""Eyeriss v2's clusters of PEs on one matrix product: passes with a barrier in each cluster (docs/model/eyeriss_v2.md).

Source: Chen et al., *Eyeriss v2: A Flexible Accelerator for Emerging Deep Neural Networks on Mobile Devices*, JETCAS
2019.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from simulator.dataflow.engine_checks import check_clock, check_counts, check_units, read_mask
from simulator.dataflow.eyeriss_v2_pe import EyerissV2Pe, Pass, passes_of
from simulator.dataflow.group_barrier import run_groups
from simulator.dataflow.sparse_run import SparseRun, named_pe_cycles
from simulator.errors import WorkloadError

ENGINE = "Eyeriss v2"
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class EyerissV2Array:
    """Clusters of PEs; the defaults are the published ones.

    Parameters
    ----------
    clusters
        Each takes a block of outputs and a stretch of pixels.
    pes_per_cluster
        They share a pass's weights, and its stretch of pixels.

    Examples
    --------
    >>> EyerissV2Array().multipliers
    384
    """

    pe: EyerissV2Pe = field(default_factory=EyerissV2Pe)
    clusters: int = 16
    pes_per_cluster: int = 12
    clock_hz: float = 200e6

    def __post_init__(self) -> None:
        check_counts(ENGINE, {"clusters": self.clusters, "pes_per_cluster": self.pes_per_cluster})
        check_units(ENGINE, {"clusters": self.clusters, "pes_per_cluster": self.pes_per_cluster})
        check_clock(ENGINE, self.clock_hz)

    @property
    def multipliers(self) -> int:
        """Of all PEs."""
        return self.clusters * self.pes_per_cluster * self.pe.lanes


SOURCES: dict[str, str] = {
    "pe": "Chen et al., JETCAS 2019, section IV",
    "clusters": "Chen et al., JETCAS 2019 (recalled with high confidence): 8 x 2 clusters",
    "pes_per_cluster": "Chen et al., JETCAS 2019 (recalled with high confidence): 3 x 4 PEs, 192 in all",
    "clock_hz": "Chen et al., JETCAS 2019 (recalled with high confidence): 200 MHz in 65 nm",
}
"""Where each number of the default comes from."""

assert set(SOURCES) == set(vars(EyerissV2Array()))


def run_array(weights: npt.ArrayLike, activations: npt.ArrayLike, array: EyerissV2Array | None = None) -> SparseRun:
    """Run a 1x1 layer on all clusters, the scratchpads' limits enforced.

    Parameters
    ----------
    weights
        Non-zero weights [outputs, channels].
    activations
        Non-zero activations [pixels, channels].

    Raises
    ------
    WorkloadError
        The masks have the wrong shape, or other numbers of channels.

    Examples
    --------
    >>> import numpy as np
    >>> run = run_array(np.ones((32, 16)), np.ones((192, 16)))
    >>> run.cycles, run.effectual_macs, sum(run.pe_cycles.values()) == 384 * run.cycles
    (274, 98304, True)
    """
    array = EyerissV2Array() if array is None else array
    weight_mask = read_mask(ENGINE, "weights", weights, "outputs, channels")
    activation_mask = read_mask(ENGINE, "activations", activations, "pixels, channels")
    if weight_mask.shape[1] != activation_mask.shape[1]:
        message = (
            f"{ENGINE}: weights have {weight_mask.shape[1]} channels, activations {activation_mask.shape[1]}; "
            "give [outputs, channels] and [pixels, channels] of one layer"
        )
        raise WorkloadError(message)
    blocks = -(-weight_mask.shape[0] // array.pe.psums)
    stretches = np.array_split(np.arange(activation_mask.shape[0]), max(1, array.clusters // blocks))
    work: list[list[Counts]] = [[] for _ in range(array.clusters)]
    macs = 0
    for item in passes_of(weight_mask, array.pe):
        for number, stretch in enumerate(stretches):
            seen = activation_mask[stretch][:, item.channels]
            work[(item.block * len(stretches) + number) % array.clusters].append(_pe_issues(seen, item, array))
            macs += int(seen.sum(axis=0, dtype=np.int64) @ item.useful)
    return _summed(work, macs, weight_mask.shape[0] * activation_mask.size, array)


def _pe_issues(seen: npt.NDArray[np.bool_], item: Pass, array: EyerissV2Array) -> Counts:
    """Return the issue cycles of each PE in a pass: pixels are dealt out in turn."""
    words = seen.astype(np.int64) @ item.words
    pe = np.arange(len(words)) % array.pes_per_cluster
    issues = np.zeros(array.pes_per_cluster, dtype=np.int64)
    np.add.at(issues, pe, words)
    return issues


def _summed(work: list[list[Counts]], macs: int, dense_macs: int, array: EyerissV2Array) -> SparseRun:
    ends, issued, filled = [], 0, 0
    load = np.zeros((array.clusters, array.pes_per_cluster), dtype=np.int64)
    for cluster, issues in enumerate(work):
        table = np.array(issues, dtype=np.int64).reshape(-1, array.pes_per_cluster)
        fill = (array.pe.stages - 1) * (table > 0)
        ends.append(run_groups(table + fill).cycles)
        load[cluster] = table.sum(axis=0)
        issued, filled = issued + int(table.sum()), filled + int(fill.sum())
    lanes, cycles = array.pe.lanes, max(ends)
    pe_cycles = named_pe_cycles(
        array.multipliers, cycles, "imbalance", useful=macs, padding=issued * lanes - macs, fill=filled * lanes
    )
    return SparseRun(
        cycles=cycles,
        multipliers=array.multipliers,
        pe_cycles=pe_cycles,
        dense_macs=dense_macs,
        clock_hz=array.clock_hz,
        pe_load=load.ravel(),
        batches=sum(len(issues) for issues in work),
    )
