"""When everything of a run happened: slices of each resource's time. Knows records; knows no timing law."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.records import WRITE, Table, int_fields

Cycles = npt.NDArray[np.int64]

WORK, FILL, WAIT, TAIL = range(4)
SLICE_KINDS = ("work", "fill", "wait", "tail")

CORE_SLICE = int_fields(
    "core",
    "kind",
    "layer",  # a work of the tape; RunTimeline.layer_names names it
    "step",  # NONE in a tail
    "cause",  # of a wait: what was satisfied last
    "late_because",
    "blamed",  # the transfer behind that cause, or NONE
    "begin_cycle",
    "end_cycle",
)
"""A core's time, every cycle of it once: work, fill that nothing hid, wait before a step, tail of a layer."""

VECTOR_SLICE = int_fields("core", "layer", "step", "begin_cycle", "end_cycle")
"""A turn on the vector unit."""

PORT_SLICE = int_fields("lane", "transfer", "begin_cycle", "end_cycle")
"""A transfer on the DRAM port; where several are under way at once, each has its own lane."""

QUEUE_SLICE = int_fields("queue", "transfer", "late_because", "begin_cycle", "end_cycle")
"""The head of a DMA queue held up (``slot`` or ``data``): everything behind it waits too."""

TILE_SLICE = int_fields(
    "buffer", "operand", "lane", "layer", "transfer", "bytes", "begin_cycle", "ready_cycle", "end_cycle"
)
"""A tile in a buffer slot: from the load's submission (psum: from the first partial sum) until the slot is free."""

_NOTHING_BYTES = 1e-6  # less than this is rounding


@dataclass(frozen=True)
class BufferTrack:
    """A buffer as the timeline shows it."""

    name: str
    capacity_bytes: int
    operands: tuple[str, ...]


@dataclass(frozen=True)
class RunTimeline:
    """When everything of one run happened.

    Attributes
    ----------
    layer_names : tuple of str
        By ``layer`` of the slices; a recurrent layer has several.
    clock_hz : float
    dram_bytes_per_cycle : float
        Peak [B/cycle].
    total_cycles : int
    buffers : tuple of BufferTrack
        By ``buffer`` of the tiles.
    steps, transfers : recarrays of STEP and TRANSFER
        The tape with its times (:mod:`simulator.records`).
    windows : int64 array [works, 2]
        Begin and end of each layer's window.
    core, vector, ports, queues, tiles : recarrays
        Slices: CORE_SLICE, VECTOR_SLICE, PORT_SLICE, QUEUE_SLICE, TILE_SLICE, in order of time on each track.
    has_resident : bool
        Feature maps stayed on chip: ``tiles`` and occupancy then hold only what comes from and goes to DRAM.
    """

    layer_names: tuple[str, ...]
    clock_hz: float
    dram_bytes_per_cycle: float
    total_cycles: int
    buffers: tuple[BufferTrack, ...]
    steps: Table
    transfers: Table
    windows: Cycles
    core: Table
    vector: Table
    ports: Table
    queues: Table
    tiles: Table
    has_resident: bool = False

    def occupancy(self, buffer: int) -> tuple[Cycles, Cycles]:
        """Return (cycles, bytes held from each of them on) of one buffer."""
        tiles = self.tiles[self.tiles["buffer"] == buffer]
        cycles = np.concatenate([tiles["begin_cycle"], tiles["end_cycle"]])
        change = np.concatenate([tiles["bytes"], -tiles["bytes"]])
        at, place = np.unique(cycles, return_inverse=True)
        total = np.zeros(len(at), np.int64)
        np.add.at(total, place, change)
        return at, np.cumsum(total)

    def bin_edges(self, bins: int) -> Cycles:
        """Return the edges of at most ``bins`` intervals of equal whole cycles over the run, the last maybe shorter."""
        last = max(self.total_cycles, int(self.ports["end_cycle"].max(initial=0)))
        width = max(1, -(-last // bins))
        return np.append(np.arange(0, last, width), last)

    def moved_bytes(self, edges: npt.NDArray[Any]) -> dict[str, npt.NDArray[np.float64]]:
        """Return the bytes read and written between neighbouring ``edges`` [cycles].

        Each transfer is spread evenly over its time on the port. Transfers that are under way at once take turns, so
        an even spread can pass the peak; what is over moves to an earlier interval of the same transfer.

        Parameters
        ----------
        edges : array [n + 1]
            Rising.

        Returns
        -------
        dict of str to float64 array [n]
            ``read`` and ``write`` [bytes].
        """
        writes = self.transfers["direction"][self.ports["transfer"]] == WRITE
        left = self.transfers["payload_bytes"][self.ports["transfer"]].astype(np.float64)
        begins, ends = self.ports["begin_cycle"], self.ports["end_cycle"]
        moved = {name: np.zeros(len(edges) - 1) for name in ("read", "write")}
        latest_first = np.argsort(-ends, kind="stable")
        reached = np.searchsorted(-ends[latest_first], -np.asarray(edges), side="left")  # those that end after an edge
        active = latest_first[: reached[-1]]
        for i in range(len(edges) - 2, -1, -1):
            active = np.concatenate([active, latest_first[reached[i + 1] : reached[i]]])
            active = active[np.argsort(-begins[active], kind="stable")]
            span = (float(edges[i]), float(edges[i + 1]))
            wanted = left[active] * _share_within(begins[active], ends[active], span)
            room = np.inf if i == 0 else self.dram_bytes_per_cycle * (span[1] - span[0])
            got = np.diff(np.minimum(np.cumsum(wanted), room), prepend=0.0)
            left[active] -= got
            moved["write"][i] = got[writes[active]].sum()
            moved["read"][i] = got[~writes[active]].sum()
            active = active[
                (left[active] > _NOTHING_BYTES) & ((begins[active] < span[0]) | (got < wanted - _NOTHING_BYTES))
            ]
        return moved


def _share_within(begins: Cycles, ends: Cycles, span: tuple[float, float]) -> npt.NDArray[np.float64]:
    """Return which share of what each slice moves until the end of ``span`` falls within it; 1 if begun within."""
    since, until = span
    last = np.minimum(ends, until)
    before = np.maximum(last - begins, 1)
    share: npt.NDArray[np.float64] = np.where(begins >= since, 1.0, (last - since) / before)
    return share


def lanes_of(begins: Cycles, ends: Cycles) -> Cycles:
    """Return a lane for each interval, the lowest that is free, so that none overlap on a lane.

    Parameters
    ----------
    begins, ends : int64 array
        Half-open intervals, in any order.

    Examples
    --------
    >>> lanes_of(np.array([0, 5, 6, 12]), np.array([10, 8, 9, 20])).tolist()
    [0, 1, 2, 0]
    """
    lanes = np.zeros(len(begins), np.int64)
    free: list[int] = []
    for index in np.lexsort((ends, begins)).tolist():
        begin, end = int(begins[index]), int(ends[index])
        lane = next((i for i, cycle in enumerate(free) if cycle <= begin), len(free))
        if lane == len(free):
            free.append(0)
        free[lane] = max(end, begin)
        lanes[index] = lane
    return lanes
