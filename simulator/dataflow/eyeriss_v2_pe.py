"""One PE of Eyeriss v2: both operands compressed, zeros of both skipped (docs/model/eyeriss_v2.md)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.dataflow.sparse_run import named_pe_cycles
from simulator.errors import ArchitectureError, WorkloadError, did_you_mean
from simulator.formats.relative_index import entry_counts
from simulator.units import ceil_div

Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class EyerissV2Pe:
    """A PE that skips zeros of both operands.

    Parameters
    ----------
    lanes
        Weight entries multiplied in a cycle.
    stages
        Pipeline stages: a pass ends ``stages - 1`` cycles behind its last issue.
    count_bits
        Width of the zero count of an entry; None: entries are the non-zeros alone.
    activation_entries, weight_words, psums, address_bits
        What the scratchpads hold in a pass: activation entries of a pixel, words of ``lanes`` weight entries, outputs,
        and the width of a column's address.

    Raises
    ------
    ArchitectureError
        A number makes no sense.
    """

    lanes: int = 2
    stages: int = 7
    count_bits: int | None = 4
    activation_entries: int = 16
    weight_words: int = 96
    psums: int = 32
    address_bits: int = 7

    def __post_init__(self) -> None:
        for name in ("lanes", "stages", "activation_entries", "weight_words", "psums", "address_bits"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1 << 20:
                message = f"Eyeriss v2 PE: {name} = {value!r}; give a whole number from 1 to {1 << 20}"
                raise ArchitectureError(message)
        if self.count_bits is not None and not 1 <= self.count_bits <= 8:
            message = f"Eyeriss v2 PE: count_bits = {self.count_bits!r}; give 1 to 8 bits, or None for no counts"
            raise ArchitectureError(message)
        words = ceil_div(self.psums, self.lanes)
        if words > self.weight_words or self.psums >> self.address_bits:
            message = (
                f"Eyeriss v2 PE: psums = {self.psums} take columns of up to {words} words, but weight_words = "
                f"{self.weight_words} and address_bits = {self.address_bits} hold fewer; give a larger scratchpad"
            )
            raise ArchitectureError(message)


PRESETS: dict[str, EyerissV2Pe] = {
    "eyeriss_v2_pe": EyerissV2Pe(),
    "eyeriss_v2_pe_1mac": EyerissV2Pe(lanes=1, stages=1, count_bits=None),
}
"""The published PE (Chen et al., JETCAS 2019), and Sparseloop's ideal one of a single multiplier."""


def preset(name: str) -> EyerissV2Pe:
    """Return a PE by name.

    Raises
    ------
    ArchitectureError
        There is none of that name.
    """
    if name not in PRESETS:
        message = f"Eyeriss v2 PE: no preset {name!r}{did_you_mean(name, PRESETS)}; presets: {', '.join(PRESETS)}"
        raise ArchitectureError(message)
    return PRESETS[name]


@dataclass(frozen=True)
class PeRun:
    """What a layer did on one PE. Of ``lanes`` x ``cycles`` slots, ``macs`` did useful work."""

    cycles: int
    issue_cycles: int
    fill_cycles: int
    macs: int
    padding_entries: int
    """Multiplier slots spent on padding entries."""
    passes: int
    lanes: int = 1

    @property
    def pe_cycles(self) -> dict[str, int]:
        """Where the ``lanes`` x ``cycles`` slots went: half-empty words count as padding."""
        return named_pe_cycles(self.lanes, self.cycles, "padding", useful=self.macs, fill=self.fill_cycles * self.lanes)


def run_pe(
    weights: npt.ArrayLike, activations: npt.ArrayLike, pe: EyerissV2Pe | None = None, *, lift_limits: bool = False
) -> PeRun:
    """Run a 1x1 layer on one PE.

    Parameters
    ----------
    weights
        Non-zero weights [outputs, channels].
    activations
        Non-zero activations [pixels, channels].
    pe
        The published PE where not given.
    lift_limits
        Take the whole matrix as one pass, however small the scratchpads.

    Raises
    ------
    WorkloadError
        The masks have the wrong shape, or other numbers of channels.

    Examples
    --------
    >>> run = run_pe([[1, 0], [1, 1], [1, 0]], [[1, 1], [1, 0]], preset("eyeriss_v2_pe_1mac"))
    >>> run.cycles, run.macs
    (7, 7)
    """
    pe = EyerissV2Pe() if pe is None else pe
    weight_mask, activation_mask = _mask(weights, "weights"), _mask(activations, "activations")
    if weight_mask.shape[1] != activation_mask.shape[1]:
        message = (
            f"Eyeriss v2 PE: weights have {weight_mask.shape[1]} channels, activations {activation_mask.shape[1]}; "
            "give [outputs, channels] and [pixels, channels] of one layer"
        )
        raise WorkloadError(message)
    uses = activation_mask.sum(axis=0, dtype=np.int64)
    issue = fill = macs = padding = 0
    passes = 0
    for item in passes_of(weight_mask, pe, lift_limits=lift_limits):
        passes += 1
        used = uses[item.channels]
        cycles = int(used @ item.words)
        issue += cycles
        fill += (pe.stages - 1) * (cycles > 0)
        macs += int(used @ item.useful)
        padding += int(used @ item.padding)
    return PeRun(issue + fill, issue, fill, macs, padding, passes, pe.lanes)


@dataclass(frozen=True)
class Pass:
    """What a PE holds at a time: a block of outputs, a stretch of channels, and of each channel its column's counts.

    Parameters
    ----------
    words, useful, padding
        Words of the multipliers' lanes, non-zeros and padding entries of each channel's column [channels].
    """

    block: int
    channels: slice
    words: Counts
    useful: Counts
    padding: Counts


def passes_of(weights: Mask, pe: EyerissV2Pe, *, lift_limits: bool = False) -> Iterator[Pass]:
    """Yield what fits the scratchpads, one block of outputs after the other: of large layers half a million.

    Examples
    --------
    >>> [item.channels for item in passes_of(np.ones((32, 17), dtype=bool), EyerissV2Pe())]
    [slice(0, 6, None), slice(6, 12, None), slice(12, 17, None)]
    """
    for number, outputs in enumerate(_output_blocks(weights.shape[0], pe, lift_limits)):
        entries, pads = _entries(weights[outputs], pe)
        words, useful = -(-entries // pe.lanes), entries - pads
        for channels in _channel_blocks(words, pe, lift_limits):
            yield Pass(number, channels, words[channels], useful[channels], pads[channels])


def _mask(values: npt.ArrayLike, name: str) -> Mask:
    array = np.asarray(values)
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind not in "biuf":
        message = f"Eyeriss v2 PE: {name} are of shape {list(array.shape)} and {array.dtype}; give a mask of two axes"
        raise WorkloadError(message)
    return np.asarray(array != 0)


def _entries(block: Mask, pe: EyerissV2Pe) -> tuple[Counts, Counts]:
    if pe.count_bits is None:
        counts = block.sum(axis=0, dtype=np.int64)
        return counts, np.zeros_like(counts)
    entries, padding = entry_counts(block, 1, index_bits=pe.count_bits)
    return entries[:, 0], padding[:, 0]


def _output_blocks(outputs: int, pe: EyerissV2Pe, lift_limits: bool) -> list[slice]:
    step = outputs if lift_limits else pe.psums
    return [slice(first, min(first + step, outputs)) for first in range(0, outputs, step)]


def _channel_blocks(words: Counts, pe: EyerissV2Pe, lift_limits: bool) -> Iterator[slice]:
    """Yield stretches of channels, each as long as one pixel's activations and the weight words allow."""
    if lift_limits:
        yield slice(0, words.size)
        return
    held = min(pe.weight_words, (1 << pe.address_bits) - 1)
    first = 0
    while first < words.size:
        end, filled = first, 0
        while end < words.size and end - first < pe.activation_entries and filled + int(words[end]) <= held:
            filled += int(words[end])
            end += 1
        yield slice(first, end)
        first = end
