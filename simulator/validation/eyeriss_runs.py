"""The Eyeriss chip's two networks on our model: counts, times and power of each layer, mappings given or searched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.arch import load_accelerator
from simulator.arch.row_stationary_array import RowStationaryArray
from simulator.dataflow.binding import bind
from simulator.dataflow.row_stationary import RowMachine, RowMapping, active_pes
from simulator.energy import price_list
from simulator.energy.row_stationary_energy import row_energy_pj
from simulator.machines.contract import Request
from simulator.machines.row_stationary import plan_network
from simulator.machines.row_stationary_results import PlannedNest
from simulator.workload import load_workload

CHIP_PARTS = ("mac", "ifmap_spad", "filter_spad", "psum_spad", "inter_pe", "multicast", "glb", "clock", "static")
ALWAYS_ON = ("clock", "static")
MACHINE = "eyeriss_v1"


@dataclass(frozen=True)
class LayerRun:
    """One layer on the chip's model; energies by part, DRAM left out [pJ]."""

    name: str
    planned: PlannedNest
    clock_hz: float
    active_pes: int
    energy_pj: Mapping[str, float]

    @property
    def processing_ms(self) -> float:
        """Time of the array [ms]."""
        return self.planned.run.processing_cycles / self.clock_hz * 1e3

    @property
    def total_ms(self) -> float:
        """With the waits for the link [ms]."""
        return self.planned.run.cycles / self.clock_hz * 1e3

    @property
    def glb_mb(self) -> float:
        """Array-side traffic of the global buffer, filters left out, as the chip's tables count it [MB]."""
        run, maps = self.planned.run, self.planned.maps
        return (run.glb_ifmap_words * maps.ifmap_bits + 2 * run.glb_psum_words * maps.ifmap_bits) / 8e6

    @property
    def dram_mb(self) -> float:
        """Traffic over the link [MB]."""
        return self.planned.run.link_bits / 8e6

    def power_mw(self, part: str | None = None) -> float:
        """Power of the chip, or of one part of it, over the layer's time [mW]."""
        energy = sum(self.energy_pj.values()) if part is None else self.energy_pj[part]
        return energy / self.total_ms * 1e-6


def run_on_chip(workload: str, batch: int, mappings: Mapping[str, RowMapping] | None = None) -> tuple[LayerRun, ...]:
    """Return each convolution of a network on the chip's model, under ``mappings`` or our search's.

    Examples
    --------
    >>> [layer.active_pes for layer in run_on_chip("alexnet_eyeriss", 4)]
    [154, 140, 156, 156, 156]
    """
    machine = load_accelerator(MACHINE)
    given = {name: mapping.to_dict() for name, mapping in mappings.items()} if mappings else None
    request = Request(load_workload(workload), machine, batch, mappings=given)
    network, prices = bind(request.graph, machine, batch=batch), price_list(machine)
    assert isinstance(machine.array, RowStationaryArray)
    sizes = RowMachine.of(machine, machine.array)
    found = []
    for row, planned in zip(network.rows, plan_network(request, network, prices), strict=True):
        (one,) = planned
        energy = row_energy_pj(one.run, one.nest, one.maps, machine, prices, switching=one.switching)
        parts = {part: energy[part] for part in CHIP_PARTS}
        found.append(LayerRun(row.name, one, machine.clock_hz, active_pes(one.nest, sizes, one.mapping), parts))
    return tuple(found)


@dataclass(frozen=True)
class PowerFit:
    """Two fitted numbers: the price of everything that switches against the profile's, and the always-on power [mW]."""

    switching_scale: float
    always_on_mw: float

    def power_mw(self, layer: LayerRun) -> float:
        """Return the power of a layer under this fit [mW]."""
        return self.switching_scale * switching_mw(layer) + self.always_on_mw


def switching_mw(layer: LayerRun) -> float:
    """Return the power of all parts that switch with the data [mW]."""
    return layer.power_mw() - sum(layer.power_mw(part) for part in ALWAYS_ON)


def fit_power(layers: Sequence[LayerRun], measured_mw: Sequence[float]) -> PowerFit:
    """Return the least-squares fit of relative errors over some layers."""
    rows = [(switching_mw(layer) / power, 1.0 / power) for layer, power in zip(layers, measured_mw, strict=True)]
    found = np.linalg.lstsq(np.array(rows), np.ones(len(rows)), rcond=None)[0]
    return PowerFit(float(found[0]), float(found[1]))
