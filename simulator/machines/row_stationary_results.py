"""A row of a row-stationary run as a result: cycles by cause, words at every level, energy by component."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from simulator.arch import Accelerator
from simulator.arch.row_stationary_array import RowStationaryArray
from simulator.assembly import effectual_macs
from simulator.dataflow.binding import Row
from simulator.dataflow.pe_use import row_stationary_blocks, use_of
from simulator.dataflow.row_stationary import ConvNest, RowMachine, RowMapping
from simulator.dataflow.row_stationary_law import FeatureMaps, RowRun
from simulator.energy import PriceList
from simulator.energy.row_stationary_energy import PARTS, by_component, row_energy_pj
from simulator.machines.contract import Request
from simulator.mapping.given import RECURRENT
from simulator.records import CAUSE_NAMES, MAC_WORK, ONE_CORE_LATE_NAMES
from simulator.results import Access, LayerResult
from simulator.units import BITS_PER_BYTE, PJ_PER_J, ceil_div


@dataclass(frozen=True)
class PlannedNest:
    """One nest with its mapping and what it takes; ``switching`` products are not gated."""

    nest: ConvNest
    maps: FeatureMaps
    mapping: RowMapping
    run: RowRun
    switching: int


@dataclass(frozen=True)
class PlainWork:
    """What a row moves and computes beside its nests: vector work, copies, residuals and parameters."""

    link_bits_in: int
    link_bits_out: int
    operations: int
    fused_operations: int

    def cycles(self, accelerator: Accelerator) -> tuple[int, int]:
        """Cycles of the lanes, and what the link takes beyond them."""
        lane_cycles = ceil_div(self.operations, accelerator.vector.lanes)
        rate, latency = accelerator.dram_bytes_per_cycle * BITS_PER_BYTE, accelerator.dram.latency_cycles
        link = sum(ceil(bits / rate - 1e-9) + latency for bits in (self.link_bits_in, self.link_bits_out) if bits)
        return lane_cycles, max(0, link - lane_cycles)


def plain_work(works: Sequence[Any]) -> PlainWork:
    """Return the row's plain part; lanes fused behind a nest work on psums as they leave and add no time."""
    into = out = operations = fused = 0
    for work in works:
        if work["kind"] == MAC_WORK:
            fused += int(work["operations"])
            into += int(work["parameter_bits"]) + int(work["residual_bits"]) * int(work["ofmap_elements"])
        else:
            into += int(work["input_bits"])
            out += int(work["ofmap_elements"]) * int(work["ofmap_bits"])
            operations += int(work["operations"])
    return PlainWork(into, out, operations, fused)


def row_result(
    request: Request, row: Row, parts: tuple[Sequence[Any], Sequence[PlannedNest]], before: tuple[int, PriceList]
) -> LayerResult:
    """Return the result of one row.

    Parameters
    ----------
    request : Request
    row : Row
    parts : (sequence of WORK records, sequence of PlannedNest)
        The row's works, and its nests in order.
    before : (int, PriceList)
        The cycle at which the row starts, and the prices.
    """
    (works, planned), (start, prices) = parts, before
    accelerator, plain = request.accelerator, plain_work(works)
    spent = _spent(planned, plain, accelerator)
    return sequential_result(
        request,
        row,
        Body(
            dataflow=_array(accelerator).dataflows[0] if planned else "vector",
            mapping=_mapping(planned),
            spent=spent,
            accesses=_traffic(accelerator, planned, plain),
            energy_pj=_energy(accelerator, prices, planned, plain, spent),
            issued_macs=sum(one.nest.macs for one in planned),
            operations=plain.operations + plain.fused_operations,
            pe_use=_pe_use(accelerator, planned) if planned else None,
            edge=_edge(accelerator, planned) if planned else None,
        ),
        start,
    )


def _pe_use(accelerator: Accelerator, planned: Sequence[PlannedNest]) -> dict[str, Any]:
    machine = RowMachine.of(accelerator, _array(accelerator))
    nests = (row_stationary_blocks(one.nest, machine, one.mapping) for one in planned)
    return use_of((machine.rows, machine.columns), nests)


def _edge(accelerator: Accelerator, planned: Sequence[PlannedNest]) -> dict[str, dict[str, float]]:
    """Return what left the buffers for the array, and what the multicast buses take; psums as many each way."""
    array = _array(accelerator)
    buses = {
        "ifmap": ("glb_ifmap_words", array.ifmap_bus_words_per_cycle),
        "weight": ("filter_words", array.filter_bus_words_per_cycle),
        "psum": ("glb_psum_words", array.psum_bus_words_per_cycle),
    }
    return {
        name: {"words": sum(getattr(one.run, words) for one in planned), "words_per_cycle": float(most)}
        for name, (words, most) in buses.items()
    }


@dataclass(frozen=True)
class Body:
    """What a row took, moved and cost, on a machine that runs its layers one after the other."""

    dataflow: str
    mapping: dict[str, Any]
    spent: "Spent"
    accesses: dict[str, dict[str, Access]]
    energy_pj: dict[str, float]
    issued_macs: int
    operations: int
    pe_use: dict[str, Any] | None = None
    edge: dict[str, dict[str, float]] | None = None


def sequential_result(request: Request, row: Row, body: Body, start_cycle: int) -> LayerResult:
    """Return the result of a row that begins at ``start_cycle``, when the one before has ended."""
    spent, cycles = body.spent, body.spent.cycles
    peak = request.accelerator.peak_macs_per_cycle
    written = body.accesses["dram"]["ofmap"].bytes
    return LayerResult(
        name=row.name,
        op=row.op,
        dataflow=body.dataflow,
        mapping=body.mapping,
        fused=row.fused,
        ifmap_bits=row.ifmap_bits,
        weight_bits=row.weight_bits,
        precision_assumed=row.precision_assumed,
        start_cycle=start_cycle,
        end_cycle=start_cycle + cycles,
        cycles=cycles,
        issue_cycles=spent.issue,
        idle_cycles=spent.idle,
        late_because={name: spent.waited if name == "dram_bus" else 0 for name in ONE_CORE_LATE_NAMES},
        tail_cycles=spent.tail,
        gain_cycles=spent.waited,
        macs=row.macs,
        effectual_macs=effectual_macs(request.graph, request.zeros, row.layer, request.batch),
        issued_macs=body.issued_macs,
        utilization=row.macs / (peak * cycles) if cycles else 0.0,
        accesses=body.accesses,
        dram={
            "read_bytes": sum(one.bytes for one in body.accesses["dram"].values()) - written,
            "write_bytes": written,
            "row_hit_rate": None,
            "limiter": spent.limiter,
        },
        energy_pj=body.energy_pj,
        vector_operations=body.operations,
        pe_use=body.pe_use,
        edge=body.edge,
    )


def _array(accelerator: Accelerator) -> RowStationaryArray:
    assert isinstance(accelerator.array, RowStationaryArray)
    return accelerator.array


@dataclass(frozen=True)
class Spent:
    """Where a row's cycles went, in the words of every result."""

    issue: dict[str, int]
    idle: dict[str, int]
    tail: int
    unplanned: int

    @property
    def waited(self) -> int:
        """Idle cycles."""
        return sum(self.idle.values())

    @property
    def cycles(self) -> int:
        """All of the row's cycles."""
        return sum(self.issue.values()) + self.waited + self.tail

    @property
    def limiter(self) -> str:
        """What bounds the row: ``compute``, or the link one way or the other."""
        if sum(self.issue.values()) >= self.waited + self.tail:
            return "compute"
        back = self.tail + self.idle["ofmap_slot"]
        return "write_back" if back > self.idle["ifmap"] + self.idle["weight"] else "dram_bus"


def _spent(planned: Sequence[PlannedNest], plain: PlainWork, accelerator: Accelerator) -> Spent:
    lane_cycles, link_wait = plain.cycles(accelerator)
    total = _sums(planned)
    tail = planned[-1].run.tail if planned else 0
    idle = dict.fromkeys(CAUSE_NAMES, 0)
    idle |= {"ifmap": total["ifmap_wait"] + link_wait, "weight": total["filter_wait"]}
    idle["ofmap_slot"] = total["ofmap_wait"] - tail
    issue = {"useful": total["useful"] + lane_cycles, "fill": total["fill"], "drain": total["drain"]}
    return Spent(issue | {"imbalance": 0, "bus": total["bus"]}, idle, tail, lane_cycles + link_wait)


def _sums(planned: Sequence[PlannedNest]) -> dict[str, int]:
    """Add up the runs of a row's nests."""
    return {name: sum(getattr(one.run, name) for one in planned) for name in RowRun.__dataclass_fields__}


def _mapping(planned: Sequence[PlannedNest]) -> dict[str, Any]:
    if not planned:
        return {}
    parts = [one.mapping.to_dict() for one in planned]
    return {"dataflow": "rs"} | parts[0] | ({RECURRENT: parts[1]} if len(parts) > 1 else {})


def _energy(
    accelerator: Accelerator,
    prices: PriceList,
    planned: Sequence[PlannedNest],
    plain: PlainWork,
    spent: Spent,
) -> dict[str, float]:
    """Price the nests, and what the row does beside them."""
    parts: dict[str, float] = {}
    for one in planned:
        priced = row_energy_pj(one.run, one.nest, one.maps, accelerator, prices, switching=one.switching)
        parts = {name: parts.get(name, 0.0) + value for name, value in priced.items()}
    parts = {name: parts.get(name, 0.0) for name in PARTS}
    for name, watts in (("clock", prices.clock_w), ("static", prices.static_w)):
        parts[name] += spent.unplanned * watts * PJ_PER_J / prices.clock_hz
    parts["dram"] += (plain.link_bits_in + plain.link_bits_out) * prices.dram_pj_per_bit
    operations = plain.operations + plain.fused_operations
    return by_component(parts, operations * prices.vector_pj_per_operation)


def _traffic(
    accelerator: Accelerator, planned: Sequence[PlannedNest], plain: PlainWork
) -> dict[str, dict[str, Access]]:
    """Level -> operand -> words and payload bytes; spads count one word a product, gated products none."""
    psum_bits = accelerator.array.psum_bits
    switching = sum(one.switching for one in planned)
    weight_bits = planned[0].maps.weight_bits if planned else 0
    ifmap_bits = planned[0].maps.ifmap_bits if planned else 0
    total = _sums(planned)
    glb, prefetch = accelerator.buffer_of("psum"), accelerator.buffer_of("weight")
    link_word = ceil_div(accelerator.dram.word_bits, BITS_PER_BYTE)
    outputs = sum(one.nest.macs // (one.nest.C * one.nest.R * one.nest.S) for one in planned)
    ifmap_in, ofmap_out = total["ifmap_link_bits"], total["ofmap_link_bits"] + plain.link_bits_out
    residual = plain.link_bits_in if planned else 0
    ifmap_in += 0 if planned else plain.link_bits_in
    return {
        "rf": {
            "ifmap": spad_access(switching, total["ifmap_spad_writes"], ifmap_bits),
            "weight": spad_access(switching, total["filter_spad_writes"], weight_bits),
            "psum": spad_access(switching, switching, psum_bits),
        },
        "noc": {
            "ifmap": spad_access(total["ifmap_spad_writes"], total["ifmap_spad_writes"], ifmap_bits, once=True),
            "weight": spad_access(total["filter_spad_writes"], total["filter_spad_writes"], weight_bits, once=True),
            "psum": spad_access(total["psum_hops"], total["psum_hops"], psum_bits, once=True),
        },
        "glb": {
            "ifmap": buffer_access(total["glb_ifmap_words"], total["ifmap_link_words"], ifmap_bits, glb.word_bits),
            "weight": buffer_access(total["filter_words"], total["filter_words"], weight_bits, prefetch.word_bits),
            "psum": buffer_access(total["glb_psum_words"] + outputs, total["glb_psum_words"], psum_bits, glb.word_bits),
        },
        "dram": {
            "ifmap": link_access(ifmap_in, 0, link_word),
            "weight": link_access(total["filter_link_bits"], 0, link_word),
            "psum": Access(),
            "residual": link_access(residual, 0, link_word),
            "ofmap": link_access(0, ofmap_out, link_word),
        },
    }


def spad_access(reads: int, writes: int, bits: int, *, once: bool = False) -> Access:
    """Return words read and written of so many bits; ``once`` where a read and a write are one move."""
    moved = reads if once else reads + writes
    return Access(reads, writes, ceil_div(moved * bits, BITS_PER_BYTE))


def buffer_access(reads: int, writes: int, bits: int, word_bits: int) -> Access:
    """Values read and written, as buffer words: several values a word."""
    found = ceil_div(reads * bits, word_bits), ceil_div(writes * bits, word_bits)
    return Access(*found, ceil_div((reads + writes) * bits, BITS_PER_BYTE))


def link_access(read_bits: int, write_bits: int, word_bytes: int) -> Access:
    """Return traffic of the off-chip link, in its words and in bytes."""
    reads, writes = ceil_div(read_bits, BITS_PER_BYTE), ceil_div(write_bits, BITS_PER_BYTE)
    return Access(ceil_div(reads, word_bytes), ceil_div(writes, word_bytes), reads + writes)
