"""Dataflows at equal area on AlexNet's convolutions, as in ISCA 2016: energy of each beside row stationary's.

Machines have 256 multipliers of 16 bits and the normalised energies 1, 1, 2, 6, 200. Row stationary spends area on
register files of 0.5 kB a PE; the others have one register a PE (no local reuse none) and a buffer that much larger.
A larger buffer costs more an access; with two banks each is as large as row stationary's, and a word costs what it does
there: the paper's own way, one price for every dataflow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from simulator.api import simulate
from simulator.arch import Accelerator, load_accelerator
from simulator.arch.library import parse_accelerator
from simulator.arch.sram import sram_area_mm2

BATCH = 16
NODE_NM = 65
RF_BYTES = 512
RF_WORD_BITS = 16
GLB_WORD_BITS = 64
WORKLOAD = "alexnet_eyeriss"
ROW_STATIONARY = "eyeriss_isca16"
DATAFLOWS = ("rs", "ws", "os", "is", "nlr")
LEVELS = ("mac", "rf", "noc", "glb", "dram")
MAC_PJ = 2.0


@dataclass(frozen=True)
class DataflowEnergy:
    """Energy of AlexNet's convolutions under one dataflow [MACs' energy a MAC], by level and by layer."""

    dataflow: str
    buffer_bytes: int
    by_level: Mapping[str, float]
    by_layer: Mapping[str, float]

    @property
    def total(self) -> float:
        """All levels [MACs' energy a MAC]."""
        return sum(self.by_level.values())


@cache
def equal_area_buffer_bytes() -> int:
    """Return the buffer that takes the area of row stationary's buffer and register files together [bytes]."""
    machine = load_accelerator(ROW_STATIONARY)
    glb = machine.buffer_of("psum").capacity_bytes
    registers = machine.array.pes * sram_area_mm2(RF_BYTES, RF_WORD_BITS, NODE_NM, banks=1)
    whole = registers + sram_area_mm2(glb, GLB_WORD_BITS, NODE_NM, banks=1)
    size = glb
    while sram_area_mm2(size + 4096, GLB_WORD_BITS, NODE_NM, banks=1) <= whole:
        size += 4096
    return size


def machine_of(dataflow: str, banks: int = 1) -> Accelerator:
    """Return the machine that runs a dataflow: row stationary's preset, or one of equal area.

    Examples
    --------
    >>> machine_of("nlr").array.pes
    256
    """
    known = load_accelerator(ROW_STATIONARY)
    if dataflow == "rs":
        return known
    data = known.model_dump(mode="json", by_alias=True)
    array = {"rows": 16, "columns": 16, "psum_bits": 16, "dataflows": [dataflow]}
    data["array"] = array | {"kind": "no_local_reuse" if dataflow == "nlr" else "systolic"}
    data["name"] = f"{dataflow}_equal_area"
    data["buffers"] = [
        {
            "name": "glb",
            "capacity_bytes": equal_area_buffer_bytes(),
            "operands": ["ifmap", "weight", "psum"],
            "slots": 1,
            "word_bits": GLB_WORD_BITS,
            "banks": banks,
        }
    ]
    data["sources"] = {}
    return parse_accelerator(data, data["name"])


def dataflow_energy(dataflow: str, banks: int = 1) -> DataflowEnergy:
    """Return the energy of AlexNet's convolutions under a dataflow, each layer mapped for least energy."""
    machine = machine_of(dataflow, banks)
    result = simulate(WORKLOAD, machine, batch=BATCH, objective="energy", fidelity="bandwidth")
    macs = sum(layer.macs for layer in result.layers)
    layers = {layer.name: layer for layer in result.layers if layer.macs}
    by_level = {level: sum(layer.energy_pj[level] for layer in layers.values()) / MAC_PJ / macs for level in LEVELS}
    by_layer = {
        name: sum(layer.energy_pj[level] for level in LEVELS) / MAC_PJ / layer.macs for name, layer in layers.items()
    }
    return DataflowEnergy(dataflow, sum(buffer.capacity_bytes for buffer in machine.buffers), by_level, by_layer)
