"""What ``simulate`` asks of a kind of array, and what it gets back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.arch import Accelerator
from simulator.energy import PriceList
from simulator.errors import ArchitectureError
from simulator.mapping.given import GivenMappings
from simulator.mapping.search import Objective
from simulator.memory.dram_choice import DramChoice
from simulator.results import LayerResult, Total
from simulator.timeline import RunTimeline
from simulator.workload import LayerGraph
from simulator.workload.masks import Masks


@dataclass(frozen=True)
class Request:
    """A network to run on an accelerator, and how; fields as :func:`simulator.api.simulate` takes them."""

    graph: LayerGraph
    accelerator: Accelerator
    batch: int = 1
    dataflow: str | None = None
    objective: Objective = "latency"
    mappings: GivenMappings | None = None
    compat: str | None = None
    masks: Masks | None = None
    timeline: bool = False
    dram: DramChoice | None = None  # of an event run

    @property
    def zeros(self) -> Masks:
        """Where the zeros of the network are; with seed 0 where nobody chose one."""
        return Masks(self.graph) if self.masks is None else self.masks


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Parameters
    ----------
    layers : tuple of LayerResult
        The timed layers, in order; their windows partition the time.
    total : Total
        :func:`simulator.assembly.add_up` makes it from the layers.
    dataflow : str
        As the result's head names it.
    prices : PriceList
        What the energies were priced with.
    batch : int
        The batch, checked.
    buffers : tuple of dict
        Each buffer's size and how full it was; empty where that is not known.
    not_timed : tuple of dict
        Layers that cost nothing: name, op, reason, macs.
    warnings : tuple of str
        What a reader must know before trusting the numbers.
    timeline : RunTimeline, optional
        When everything happened, where it was asked for and the kind of array keeps it.
    dram_system : mapping, optional
        The DRAM whose commands were simulated (:func:`simulator.machines.fidelity.dram_system`).
    workloads : tuple of dict
        Where several networks ran at once, what each took (:func:`simulator.machines.tenants.run_tenants`).
    """

    layers: tuple[LayerResult, ...]
    total: Total
    dataflow: str
    prices: PriceList
    batch: int
    buffers: tuple[dict[str, object], ...] = ()
    not_timed: tuple[dict[str, object], ...] = ()
    warnings: tuple[str, ...] = ()
    timeline: RunTimeline | None = None
    dram_system: Mapping[str, Any] | None = None
    workloads: tuple[dict[str, Any], ...] = ()


Machine = Callable[[Request], Outcome]


def require_plain_buffers(accelerator: Accelerator) -> None:
    """Check that no buffer has slots or a resident region that a machine without overlap would pass over in silence.

    Raises
    ------
    ArchitectureError
        A buffer has several slots, or keeps ofmaps.
    """
    for buffer in accelerator.buffers:
        if buffer.slots != 1:
            message = (
                f"accelerator {accelerator.name}: buffers.{buffer.name}.slots = {buffer.slots}: array.kind = "
                f"{accelerator.array.kind!r} fills a buffer between its uses, in one slot; set it to 1"
            )
            raise ArchitectureError(message)
        if buffer.resident_share:
            message = (
                f"accelerator {accelerator.name}: buffers.{buffer.name}.resident_share = {buffer.resident_share}: "
                f"array.kind = {accelerator.array.kind!r} sends every ofmap through DRAM; set it to 0"
            )
            raise ArchitectureError(message)
