"""How closely the memory is simulated: which DRAM an accelerator means, and a tape run over it.

``event`` simulates the DRAM's commands; ``bandwidth`` knows latency and bytes a cycle. An event run is run over the
bandwidth first, which takes no time worth mentioning, so that every report can show the distance between the two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.arch.arrays import is_systolic
from simulator.arch.description import Accelerator
from simulator.dataflow.binding import BoundNetwork
from simulator.dataflow.tape import Tape
from simulator.engine.boxes import Descriptors
from simulator.engine.compression import Compressed, compress
from simulator.engine.descriptors import Layout
from simulator.engine.run import Timeline, run
from simulator.errors import ArchitectureError
from simulator.memory.dma import RegionAllocator
from simulator.memory.dram_choice import DramChoice, choose_dram
from simulator.memory.dram_library import dram_preset_names
from simulator.records import Table
from simulator.results import LayerResult
from simulator.units import BITS_PER_BYTE, ceil_div
from simulator.workload.masks import Masks

FIDELITIES = ("event", "bandwidth")
DEFAULT_FIDELITY = "event"
DEFAULT_CHANNEL_TILE = 16
LEAST_RATIO, MOST_RATIO = 0.8, 1.25
"""Event cycles to bandwidth cycles within which nothing is said."""


@dataclass(frozen=True)
class Executed:
    """A tape that was run.

    Attributes
    ----------
    timeline : Timeline
    bandwidth_cycles : int64 array, optional
        Of each work in bandwidth fidelity, beside an event run.
    """

    timeline: Timeline
    bandwidth_cycles: Table | None = None


def resolve_fidelity(accelerator: Accelerator, fidelity: str | None) -> tuple[str, DramChoice | None, tuple[str, ...]]:
    """Return the fidelity of a run, the DRAM of an event run, and what its reader must be told.

    Parameters
    ----------
    accelerator : Accelerator
    fidelity : {"event", "bandwidth"}, optional
        None: ``DEFAULT_FIDELITY``, which is event; it gives way to bandwidth, with a warning, where no DRAM is known.

    Raises
    ------
    ArchitectureError
        No such fidelity, or event where the accelerator does not allow it.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> resolve_fidelity(load_accelerator("tpu_v1"), "event")[1].origin
    'ddr3_1600 x 2 channels at 1062 instead of 800 MHz, to match dram.bandwidth_bytes_per_second'
    """
    if fidelity not in (None, *FIDELITIES):
        message = f"fidelity {fidelity!r}: no such fidelity; use 'event' or 'bandwidth'"
        raise ArchitectureError(message)
    if (fidelity or DEFAULT_FIDELITY) == "bandwidth":
        return "bandwidth", None, ()
    if not is_systolic(accelerator.array):
        if fidelity == "event":
            message = (
                f"fidelity 'event': array.kind {accelerator.array.kind!r} of {accelerator.name} has no event timing; "
                "use 'bandwidth'"
            )
            raise ArchitectureError(message)
        return "bandwidth", None, ()
    choice = choose_dram(accelerator.dram)
    if choice is not None:
        return "event", choice, _unused_price(accelerator, choice)
    reason = f"no DRAM preset of dram.standard {accelerator.dram.standard!r}"
    remedy = f"give --dram (dram=...) or dram.system ({', '.join(dram_preset_names())}, or a .json or .ini file)"
    if fidelity == "event":
        message = f"fidelity 'event': {reason}; {remedy}"
        raise ArchitectureError(message)
    return "bandwidth", None, (f"bandwidth fidelity: {reason}; {remedy} for command-level timing",)


def _unused_price(accelerator: Accelerator, choice: DramChoice) -> tuple[str, ...]:
    """Return a remark where the description prices bits of a DRAM whose commands have prices of their own."""
    price = accelerator.technology.dram_energy_pj_per_bit
    if price is None or choice.config.power is None:
        return ()
    text = f"technology.dram_energy_pj_per_bit = {price:g} is not used: event fidelity prices the DRAM's commands"
    return (f"{text}; fidelity bandwidth prices its bits",)


def execute(
    made: Compressed,
    network: BoundNetwork,
    mappings: Table,
    accelerator: Accelerator,
    at: tuple[Table, DramChoice | None],
) -> Executed:
    """Run the tape ``made``; ``at`` = (MEMORY_SPACE, the DRAM of an event run or None).

    Raises
    ------
    SimulatorError
        The tape deadlocks, its times do not fit, or its tensors do not fit the DRAM.
    """
    space, choice = at
    timeline = run(made.tape, space)
    if choice is None:
        return Executed(timeline)
    from simulator.engine.event_run import run_on_dram

    (descriptors,) = descriptors_of([(made, network, mappings)], accelerator, choice)
    bandwidth_cycles = timeline.layers["cycles"].copy()
    return Executed(run_on_dram(made.tape, descriptors, choice.config, accelerator.clock_hz), bandwidth_cycles)


def descriptors_of(
    programs: Sequence[tuple[Compressed, BoundNetwork, Table]], accelerator: Accelerator, choice: DramChoice
) -> list[Descriptors]:
    """Return what each transfer of each network moves: all of them lie in one DRAM, one network behind the other.

    Parameters
    ----------
    programs : sequence of (Compressed, BoundNetwork, recarray of MAPPING)
    accelerator : Accelerator
    choice : DramChoice

    Raises
    ------
    WorkloadError
        The tensors do not fit the DRAM.
    """
    from simulator.engine.addresses import place_tensors
    from simulator.engine.compressed_runs import with_runs
    from simulator.engine.descriptors import describe
    from simulator.engine.last_level import without
    from simulator.memory.dram_split import row_span_bytes

    organization, layout = choice.config.organization, layout_of(accelerator)
    allocator = RegionAllocator(row_span_bytes(organization), organization.capacity_bytes)
    found = []
    for made, network, mappings in programs:
        tables = (network.works, mappings, place_tensors(network, mappings, layout, allocator))
        plain = without(describe(made.raw_tape, *tables, layout, network.parts), made.tape.last_level)
        found.append(with_runs(plain, made.tape, made.encoded, tables, layout))
    return found


def layout_of(accelerator: Accelerator) -> Layout:
    """Return how an accelerator's tensors lie in DRAM.

    Examples
    --------
    >>> from simulator.arch import load_accelerator
    >>> layout_of(load_accelerator("tpu_like_128")).order
    'NHWC'
    """
    dram = accelerator.dram
    word_bytes = ceil_div(dram.word_bits, BITS_PER_BYTE)
    return Layout(dram.layout, dram.channel_tile or DEFAULT_CHANNEL_TILE, dram.weight_layout, word_bytes)


def compressed(
    tape: Tape, network: BoundNetwork, mappings: Table, accelerator: Accelerator, masks: Masks
) -> Compressed:
    """Return ``tape`` with the bytes and codec cycles of the formats of ``accelerator``; as it is where it has none."""
    return compress(tape, network, mappings, (accelerator, layout_of(accelerator)), masks)


def distance_remarks(layers: Sequence[LayerResult], choice: DramChoice | None) -> tuple[str, ...]:
    """Say where bandwidth fidelity would mislead: far from the event run, and why it most often is.

    A row of a tile that is shorter than a burst moves the whole burst; bandwidth fidelity knows the payload alone.
    """
    plain = sum(layer.bandwidth_cycles or 0 for layer in layers)
    cycles = sum(layer.cycles or 0 for layer in layers)
    if choice is None or not plain or LEAST_RATIO <= cycles / plain <= MOST_RATIO:
        return ()
    burst_bytes = choice.config.organization.request_bytes
    payload = sum(layer.dram["read_bytes"] + layer.dram["write_bytes"] for layer in layers)
    moved = burst_bytes * sum(layer.dram["reads"] + layer.dram["writes"] for layer in layers)
    text = f"bandwidth fidelity is far off here: {plain:,} cycles, where the DRAM's commands take {cycles:,}"
    if moved > MOST_RATIO * payload:
        text += (
            f"; rows of tiles are shorter than a burst of {burst_bytes} bytes, so that {moved:,} bytes are moved for a "
            f"payload of {payload:,}: try another dram.layout or dram.weight_layout"
        )
    return (text,)


def dram_system(choice: DramChoice | None, timeline: Timeline | None) -> Mapping[str, Any] | None:
    """Return what a result says of the DRAM it was run on, None where its commands were not simulated."""
    if choice is None or timeline is None:
        return None
    config = choice.config
    return {
        "name": config.name,
        "origin": choice.origin,
        "protocol": config.organization.protocol,
        "channels": config.organization.channels,
        "clock_hz": config.clock_hz,
        "peak_bytes_per_second": config.peak_bytes_per_second,
        "refreshes": timeline.refreshes,
        "energy_pj": dict(timeline.dram_energy_pj) if timeline.dram_energy_pj is not None else None,
    }
