"""A bound network spread over several cores: which core does which part of each work, and who waits for whom.

docs/model/cores.md has the rules. The parts take the place of the works; everything downstream (mapping, planning,
addresses) sees works, each on its core.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.arch.arrays import require_systolic
from simulator.arch.description import Accelerator
from simulator.dataflow.binding import BoundNetwork
from simulator.dataflow.core_cuts import Cut, can_cut, cuts_along, equal_ranges, images_of, whole_parts
from simulator.dataflow.plan_tables import IN_DRAM
from simulator.errors import ArchitectureError
from simulator.records import MAC_WORK, PART, WORK, table
from simulator.units import BITS_PER_BYTE, ceil_div

Placed = tuple[int, Cut, tuple[int, int] | None]
"""Core, part, and the images it is for (None: all)."""


def over_cores(network: BoundNetwork, accelerator: Accelerator) -> BoundNetwork:
    """Spread ``network`` over the accelerator's cores as ``core_split`` says; as it is on one core.

    Raises
    ------
    ArchitectureError
        ``core_split`` N with a batch of 1.
    """
    if accelerator.cores == 1:
        return network
    split, images = accelerator.core_split, network.batch
    if split == "N" and images == 1:
        message = (
            f"accelerator {accelerator.name}: core_split = 'N' gives each core images of its own, and the batch is 1; "
            "give a larger batch (--batch), or core_split K, P or auto"
        )
        raise ArchitectureError(message)
    if split == "N" or (split == "auto" and images >= accelerator.cores):
        return _joined(network, _by_images(network, accelerator.cores))
    if split == "pipeline":
        return _joined(network, _pipelined(network, accelerator))
    return _joined(network, _by_layers(network, accelerator))


def _by_images(network: BoundNetwork, cores: int) -> list[Placed]:
    """Every core runs the whole network for its images."""
    ranges = equal_ranges(network.batch, cores)
    return [
        (core, _of(index, images_of(work, *one, network.batch)), one)
        for index, work in enumerate(network.works)
        for core, one in enumerate(ranges)
    ]


def _pipelined(network: BoundNetwork, accelerator: Accelerator) -> list[Placed]:
    """Each core does some neighbouring works, for one image after the other."""
    costs = [estimated_cycles(work, accelerator, accelerator.cores) for work in network.works]
    stages = balanced_stages(costs, accelerator.cores)
    images = network.batch
    return [
        (stages[index], _of(index, images_of(work, image, image + 1, images)), (image, image + 1))
        for image in range(images)
        for index, work in enumerate(network.works)
    ]


def _by_layers(network: BoundNetwork, accelerator: Accelerator) -> list[Placed]:
    """All cores work on the same layer, along K or P; what cannot be cut is core 0's."""
    placed: list[Placed] = []
    for index, work in enumerate(network.works):
        dimensions = [accelerator.core_split] if accelerator.core_split != "auto" else ["K", "P"]
        possible = [name for name in dimensions if work.kind != MAC_WORK or can_cut(work, name)]
        cuts = [cuts_along(work, name, accelerator.cores) for name in possible]
        cuts = cuts or [[_uncut(work)]]
        best = min(cuts, key=lambda parts: max(estimated_cycles(cut, accelerator, len(parts)) for cut, _ in parts))
        placed += [(core, _of(index, cut), None) for core, cut in enumerate(best)]
    return placed


def _uncut(work: Any) -> Cut:  # noqa: ANN401
    records = table(WORK, 1)
    records[0] = work
    return records[0], whole_parts(records)[0]


def _of(index: int, cut: Cut) -> Cut:
    cut[1].whole = index
    return cut


def estimated_cycles(work: Any, accelerator: Accelerator, sharers: int) -> float:  # noqa: ANN401
    """Return about how long a work takes on one core: folds of the array, or its tensors over its share of the DRAM.

    Only choices between splits and of pipeline stages rest on it.
    """
    array = require_systolic(accelerator.name, accelerator.array, "several cores")
    bits = work.input_bits + work.ofmap_elements * work.ofmap_bits
    compute = work.operations / accelerator.vector.lanes
    if work.kind == MAC_WORK:
        inner = int(work.C * work.R * work.S)
        folds = ceil_div(inner, array.rows) * ceil_div(int(work.K), array.columns * max(1, int(work.pack)))
        groups = ceil_div(int(work.G), max(1, int(work.group_packing)))
        rows = max(int(work.N * work.P * work.Q), array.rows) * int(work.passes) * int(work.sequence_steps)
        compute = max(compute, folds * groups * rows)
        bits += work.N * work.G * work.C * work.H * work.W * work.ifmap_bits
        bits += work.G * work.K * inner * work.weight_bits + work.ofmap_elements * work.residual_bits
    return float(max(compute, bits / BITS_PER_BYTE * sharers / accelerator.dram_bytes_per_cycle))


def balanced_stages(costs: Sequence[float], stages: int) -> list[int]:
    """Return the stage of each of ``costs``, in order, such that the largest sum of a stage is as small as can be.

    Examples
    --------
    >>> balanced_stages([3.0, 1.0, 1.0, 3.0], 2)
    [0, 0, 1, 1]
    """
    before = np.concatenate([[0.0], np.cumsum(costs)])
    count = len(costs)
    best, cut = before.copy(), np.zeros((stages, count + 1), np.int64)
    for stage in range(1, stages):
        worst = np.maximum(best[:, None], before[None, :] - before[:, None])
        worst[np.tril_indices(count + 1, -1)] = np.inf
        cut[stage], best = worst.argmin(axis=0), worst.min(axis=0)
    found, end = [0] * count, count
    for stage in range(stages - 1, 0, -1):
        begin = int(cut[stage, end])
        found[begin:end] = [stage] * (end - begin)
        end = begin
    return found


def _joined(network: BoundNetwork, placed: Sequence[Placed]) -> BoundNetwork:
    """Return the network of the parts; nothing of it stays on chip."""
    works, parts = table(WORK, len(placed)), table(PART, len(placed))
    for i, (core, (work, part), _) in enumerate(placed):
        works[i], parts[i] = work, part
        parts[i].core = core
    whole = parts["whole"].tolist()
    pieces: dict[int, list[int]] = {}
    for i, index in enumerate(whole):
        pieces.setdefault(index, []).append(i)
    producers, spans = _feeds(network, placed, pieces)
    alone = np.array([len(pieces[index]) == 1 for index in whole])
    fed_by_one = spans[:, 0, 1] - spans[:, 0, 0] == 1
    aligned = network.aligned[whole] * fed_by_one
    if placed[0][2] is None:  # a part of the rows: its producers are waited for in full
        aligned = aligned * alone * _are_alone(producers, spans, alone)
    return replace(
        network,
        works=works,
        multipliers=tuple(network.multipliers[index] for index in whole),
        row_of_work=tuple(network.row_of_work[index] for index in whole),
        producers=producers,
        producer_spans=spans,
        aligned=aligned.astype(np.int64),
        reads=np.full(len(producers), IN_DRAM, np.int64),
        parts=parts,
        operands=tuple(network.operands[index] for index in whole),
    )


def _are_alone(
    producers: npt.NDArray[np.int64], spans: npt.NDArray[np.int64], alone: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Return whether the first producer of each part's ifmap is a whole work."""
    first = np.minimum(spans[:, 0, 0], max(0, len(producers) - 1))
    return alone[producers[first]] if len(producers) else np.zeros(len(spans), bool)


def _feeds(
    network: BoundNetwork, placed: Sequence[Placed], pieces: dict[int, list[int]]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return producers and their spans of every part: the parts that make what it reads."""
    producers: list[int] = []
    spans = np.zeros((len(placed), 3, 2), np.int64)
    for i, (_, (_, part), _) in enumerate(placed):
        for column, (begin, end) in enumerate(network.producer_spans[part.whole]):
            first = len(producers)
            for source in network.producers[begin:end].tolist():
                producers += [j for j in pieces[source] if _reads(network, placed, (i, j), column)]
            spans[i, column] = first, len(producers)
    return np.array(producers, np.int64), spans


def _reads(network: BoundNetwork, placed: Sequence[Placed], pair: tuple[int, int], column: int) -> bool:
    """Say whether part ``pair[0]`` reads in operand ``column`` something that part ``pair[1]`` makes."""
    (_, (work, part), mine), (_, (maker, made), theirs) = placed[pair[0]], placed[pair[1]]
    if mine is not None and theirs is not None:  # images: each part its own
        return mine[0] < theirs[1] and theirs[0] < mine[1]
    if column == 0 and network.aligned[part.whole] and made.ofmap_channels == maker.K * maker.G:
        first, behind = part.first_ifmap_row, part.first_ifmap_row + work.H
        return bool(first < made.first_ofmap_row + maker.P and made.first_ofmap_row < behind)
    return True
