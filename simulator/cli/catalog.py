"""``list``: what there is, one a line. Each list loads what it lists and nothing else."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from simulator.cli.screen import console, print_pairs
from simulator.documents import read_json
from simulator.errors import ArchitectureError, SimulatorError, did_you_mean
from simulator.report.quantities import printable, significant, with_prefix
from simulator.units import OPS_PER_MAC

if TYPE_CHECKING:
    from simulator.arch import Accelerator
    from simulator.memory.dram_config import DramConfig

DATAFLOWS = {
    "ws": "weight stationary: weights wait in the array, psums leave at the bottom",
    "os": "output stationary: psums wait in the array, both operands stream",
    "is": "input stationary: ifmap values wait in the array, weights stream",
    "nlr": "no local reuse: multipliers read both operands from the buffer, adder trees, psums back to it",
    "rs": "row stationary: filter rows and a window of ifmap wait in each PE, psums go up the column (Eyeriss)",
    "auto": "the best of the accelerator's dataflows, layer by layer",
}
CATALOGS = ("workloads", "archs", "dataflows", "drams")


def list_names(what: str) -> None:
    """Print the names of a catalog, one a line, each with a word about it.

    Raises
    ------
    SimulatorError
        No such catalog.
    """
    catalogs = {"workloads": _workloads, "archs": _archs, "dataflows": DATAFLOWS.items, "drams": _drams}
    if what not in catalogs:
        message = f"list {what!r}: no such list{did_you_mean(what, CATALOGS)}; give one of {', '.join(CATALOGS)}"
        raise SimulatorError(message)
    print_pairs(console(), [(name, printable(about)) for name, about in catalogs[what]()])


def _workloads() -> Iterator[tuple[str, str]]:
    """Yield each library workload with its source, without checking the whole file."""
    from simulator.workload.library import library_folder, library_names

    for name in library_names():
        data = read_json(library_folder() / f"{name}.json", SimulatorError)
        source = data.get("provenance", {}).get("source", "")
        yield name, f"{len(data.get('layers', ()))} layers; {source}"


def _archs() -> Iterator[tuple[str, str]]:
    from simulator.arch import load_accelerator, preset_names

    for name in preset_names():
        yield name, accelerator_in_short(load_accelerator(name))


def accelerator_in_short(machine: "Accelerator") -> str:
    """Return an accelerator's organisation in a line."""
    capacity = sum(buffer.capacity_bytes for buffer in machine.buffers)
    peak = OPS_PER_MAC * machine.peak_macs_per_cycle * machine.clock_hz
    bandwidth = with_prefix(machine.dram.bandwidth_bytes_per_second, "B/s")
    return (
        f"{machine.array.in_short}, {with_prefix(machine.clock_hz, 'Hz')}, "
        f"peak {with_prefix(peak, 'OP/s')}, buffers {with_prefix(capacity, 'B')}, {machine.dram.standard} {bandwidth}"
    )


def _drams() -> Iterator[tuple[str, str]]:
    from simulator.arch.library import PRESET_FOLDER
    from simulator.memory.dram_library import dram_preset_names, load_dram

    table = read_json(PRESET_FOLDER.parent / "tables" / "dram.json", ArchitectureError)
    for name in dram_preset_names():
        yield name, f"commands: {dram_in_short(load_dram(name))}; simulator dram {name} TRACE.npz"
    for name, row in table["pj_per_bit"].items():
        yield name, f"energy: {significant(float(row['value']))} pJ/bit ({row['source']}); --set dram.standard={name}"


def dram_in_short(dram: "DramConfig") -> str:
    """Return a DRAM's organisation in a line."""
    shape, ways = dram.organization, "channel" if dram.organization.channels == 1 else "channels"
    peak, capacity = with_prefix(dram.peak_bytes_per_second, "B/s"), with_prefix(shape.capacity_bytes, "B")
    banks = f"{shape.banks_per_rank * shape.ranks} banks"
    return f"{shape.protocol}, {shape.channels} {ways} of {shape.bus_width_bits} bits, {banks}, {peak}, {capacity}"
