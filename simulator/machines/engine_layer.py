"""What a layer did on an engine that skips zeros, and the layer result it makes. Knows no engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.arch import Accelerator
from simulator.arch.technology import buffer_energy
from simulator.dataflow.binding import Row
from simulator.dataflow.sparse_run import SparseRun
from simulator.energy import COMPONENTS, PriceList, PriceRow
from simulator.records import CAUSE_NAMES, ONE_CORE_LATE_NAMES, OPERAND_NAMES
from simulator.results import Access, LayerResult
from simulator.units import BITS_PER_BYTE, PJ_PER_J, bits_to_bytes, ceil_div

ISSUE_NAMES = ("useful", "fill", "drain", "imbalance", "bus")


@dataclass(frozen=True)
class EngineLayer:
    """One layer's numbers.

    Parameters
    ----------
    cycles
        Of the engine's own work, operands in place.
    wait_cycles
        Before it, for weights that do not stay on chip.
    pe_cycles
        By cause; they sum to multipliers x ``cycles``.
    issued_macs
        Products computed, and slots lost to padding.
    energy_pj
        By component; those left out are 0.
    glb
        Words and bytes of the engine's memories, by operand.
    weight_dram_bytes
        Read from outside.
    """

    cycles: int
    wait_cycles: int
    pe_cycles: Mapping[str, int]
    pe_load: tuple[int, ...]
    effectual_macs: int
    issued_macs: int
    energy_pj: Mapping[str, float]
    glb: Mapping[str, Access]
    ifmap_bits: int
    weight_bits: int
    weight_dram_bytes: int = 0
    mapping: Mapping[str, object] = field(default_factory=dict)
    other_dram_bytes: Mapping[str, int] = field(default_factory=dict)
    """Read (``ifmap``) and written (``ofmap``)."""


def engine_result(row: Row, layer: EngineLayer, accelerator: Accelerator, start_cycle: int) -> LayerResult:
    """Return the result of one layer that begins at ``start_cycle``.

    Its issue cycles are those of the whole array: fill and imbalance by their share of the PE-cycles, the rest useful.
    """
    pes, cycles = accelerator.array.pes, layer.cycles + layer.wait_cycles
    late = dict.fromkeys(ONE_CORE_LATE_NAMES, 0)
    dram = _dram_accesses(layer, ceil_div(accelerator.dram.word_bits, 8))
    return LayerResult(
        name=row.name,
        op=row.op,
        dataflow=accelerator.array.dataflows[0],
        mapping=layer.mapping,
        fused=row.fused,
        ifmap_bits=layer.ifmap_bits,
        weight_bits=layer.weight_bits,
        precision_assumed=row.precision_assumed,
        start_cycle=start_cycle,
        end_cycle=start_cycle + cycles,
        cycles=cycles,
        issue_cycles=_issue_cycles(layer, pes),
        idle_cycles=dict.fromkeys(CAUSE_NAMES, 0) | {"weight": layer.wait_cycles},
        late_because=late | {"dram_bus": layer.wait_cycles},
        tail_cycles=0,
        gain_cycles=layer.wait_cycles,
        macs=row.macs,
        effectual_macs=layer.effectual_macs,
        issued_macs=layer.issued_macs,
        utilization=layer.effectual_macs / (pes * cycles),
        accesses={"rf": {}, "noc": {}, "glb": dict(layer.glb), "dram": dram},
        dram={
            "read_bytes": dram["weight"].bytes + dram["ifmap"].bytes,
            "write_bytes": dram["ofmap"].bytes,
            "row_hit_rate": None,
            "limiter": "compute" if layer.cycles >= layer.wait_cycles else "dram_bus",
        },
        energy_pj={name: float(layer.energy_pj.get(name, 0.0)) for name in COMPONENTS},
        pe_cycles=dict(layer.pe_cycles),
        pe_load=layer.pe_load,
    )


def _issue_cycles(layer: EngineLayer, pes: int) -> dict[str, int]:
    fill, imbalance = layer.pe_cycles["fill"] // pes, layer.pe_cycles["imbalance"] // pes
    issue = dict.fromkeys(ISSUE_NAMES, 0)
    return issue | {"useful": layer.cycles - fill - imbalance, "fill": fill, "imbalance": imbalance}


def _dram_accesses(layer: EngineLayer, word_bytes: int) -> dict[str, Access]:
    read_bytes, write_bytes = (layer.other_dram_bytes.get(name, 0) for name in ("ifmap", "ofmap"))
    return {operand: Access() for operand in (*OPERAND_NAMES, "ofmap")} | {
        "weight": Access(ceil_div(layer.weight_dram_bytes, word_bytes), 0, layer.weight_dram_bytes),
        "ifmap": Access(ceil_div(read_bytes, word_bytes), 0, read_bytes),
        "ofmap": Access(0, ceil_div(write_bytes, word_bytes), write_bytes),
    }


def engine_energy_pj(
    prices: PriceList, cycles: int, products: int, bits: tuple[int, int], traffic: Mapping[str, int]
) -> dict[str, float]:
    """Return the energy of products at ``bits`` (ifmap, weight), DRAM ``traffic`` [bytes] and time [pJ]."""
    per_cycle = PJ_PER_J / prices.clock_hz
    return {
        "mac": products * prices.mac_pj(*bits),
        "dram": sum(traffic.values()) * BITS_PER_BYTE * prices.dram_pj_per_bit,
        "static": cycles * prices.static_w * per_cycle,
        "clock": cycles * prices.clock_w * per_cycle,
    }


def engine_memories(run: SparseRun, accelerator: Accelerator, used: set[PriceRow]) -> tuple[dict[str, Access], float]:
    """Return the accesses of the engine's memories under the operand each serves, and their energy [pJ].

    Prices that were used are added to ``used``.
    """
    glb = dict.fromkeys(("ifmap", "weight", "psum"), Access())
    energy_pj = 0.0
    for name, access in run.accesses.items():
        price = buffer_energy(accelerator.technology, access.capacity_bits / BITS_PER_BYTE, access.word_bits, 1)
        energy_pj += access.reads * price.read_pj + access.writes * price.write_pj
        source = (
            f"CACTI's surface as for buffers, {access.capacity_bits // BITS_PER_BYTE} bytes of {access.word_bits} bits"
        )
        used.add(PriceRow(f"{name} read", price.read_pj, "pJ", source, "A"))
        used.add(PriceRow(f"{name} write", price.write_pj, "pJ", source, "A"))
        operand = _serves(name)
        before = glb[operand]
        moved = bits_to_bytes((access.reads + access.writes) * access.word_bits)
        glb[operand] = Access(before.reads + access.reads, before.writes + access.writes, before.bytes + moved)
    return glb, energy_pj


def _serves(memory: str) -> str:
    if "weight" in memory:
        return "weight"
    return "psum" if any(word in memory for word in ("accumulator", "output", "psum")) else "ifmap"
