"""From counters, times and prices to results: the only place where cycles, words and energy meet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.arch.description import Accelerator
from simulator.arch.precision import widest_integer_bits
from simulator.core_results import (
    ISSUE_NAMES,
    CorePart,
    added_times,
    last_level_accesses,
    last_level_pj,
    parts_of_layer,
    sum_by_name,
    times_of,
    works_of_times,
)
from simulator.dataflow.binding import BoundNetwork
from simulator.dataflow.tape import Tape
from simulator.dataflow.widths import Multiplier
from simulator.energy import COMPONENTS, PriceList, area_mm2
from simulator.engine.run import Timeline
from simulator.mapping.given import row_mapping
from simulator.mapping.search import MappedNetwork
from simulator.records import CAUSE_NAMES, DATAFLOW_NAMES, LATE_NAMES, MAC_WORK, ONE_CORE_LATE_NAMES, OS, Table
from simulator.results import Access, LayerResult, Total
from simulator.units import BITS_PER_BYTE, OPS_PER_MAC, PJ_PER_J, ceil_div
from simulator.workload.graph import LayerGraph
from simulator.workload.masks import Masks
from simulator.zero_gating import switching_share

BUFFERED = ("ifmap", "weight", "psum")
DRAM_READS = ("ifmap_dram_bytes", "weight_dram_bytes", "residual_dram_bytes", "psum_dram_read_bytes")


@dataclass(frozen=True)
class Run:
    """One run's parts, before they are added up.

    ``tape`` and ``timeline`` are None where a layer has no mapping: then counts and times are not known.
    """

    graph: LayerGraph
    accelerator: Accelerator
    network: BoundNetwork
    mapped: MappedNetwork
    tape: Tape | None
    timeline: Timeline | None
    prices: PriceList
    masks: Masks
    bandwidth_cycles: Table | None = None  # of each work, beside an event run


def layer_results(run: Run, compat: Mapping[str, Mapping[str, Any]] | None = None) -> tuple[LayerResult, ...]:
    """Return one result a row: the works of a recurrent layer are added up."""
    energy_pj, works = layer_energy_pj(run), dict[int, list[int]]()
    for index, row in enumerate(run.network.row_of_work):
        works.setdefault(row, []).append(index)
    return tuple(_layer(run, i, works[i], energy_pj[i], compat or {}) for i in range(len(run.network.rows)))


def _layer(
    run: Run,
    index: int,
    works: Sequence[int],
    energy_pj: npt.NDArray[np.float64],
    compat: Mapping[str, Mapping[str, Any]],
) -> LayerResult:
    row = run.network.rows[index]
    errors = [run.mapped.errors[i] for i in works if run.mapped.errors[i]]
    counts = _Counts(run, works)
    times = [] if run.timeline is None else [run.timeline.layers[i] for i in works]
    parts, timed = _parts(run, works)
    is_mac = run.network.works[works[0]].kind == MAC_WORK
    mapped = [run.mapped.mappings[i] for i in works]
    return LayerResult(
        name=row.name,
        op=row.op,
        dataflow=DATAFLOW_NAMES[int(mapped[0].dataflow)] if is_mac else "vector",
        mapping=row_mapping(counts.works, mapped, run.network.parts["whole"][works].tolist()) if not errors else {},
        fused=row.fused,
        ifmap_bits=row.ifmap_bits,
        weight_bits=row.weight_bits,
        precision_assumed=row.precision_assumed,
        **(times_of(parts) if parts else added_times(times, ONE_CORE_LATE_NAMES, over_dram=_over_dram(run))),
        macs=row.macs,
        effectual_macs=effectual_macs(run.graph, run.masks, row.layer, run.network.batch),
        issued_macs=counts.total("issued_macs"),
        utilization=least_cycles(run, works) / max(1, sum(int(time.cycles) for time in times)) if times else None,
        accesses=counts.accesses(),
        dram={"read_bytes": counts.read_bytes, "write_bytes": counts.write_bytes} | _dram(run, works, times),
        bus_because=run.tape.bus_because(timed, run.accelerator.buffers) if run.tape else None,
        bandwidth_cycles=int(run.bandwidth_cycles[timed].sum()) if run.bandwidth_cycles is not None else None,
        energy_pj=dict(zip(COMPONENTS, energy_pj.tolist(), strict=True)),
        vector_operations=counts.total("vector_operations"),
        compat_scalesim=compat.get(row.name),
        mapping_error=errors[0] if errors else None,
        cores=parts,
    )


def _parts(run: Run, works: Sequence[int]) -> tuple[tuple[CorePart, ...] | None, list[int]]:
    """Return what each of several cores did for a layer, and the works that its own times are of."""
    if run.timeline is None or run.accelerator.cores == 1:
        return None, list(works)
    parts = parts_of_layer(works, run.network.cores, lambda mine: _part(run, mine))
    return parts, works_of_times(works, run.network.cores, parts)


def _part(run: Run, works: Sequence[int]) -> CorePart:
    """Return what one core did for a layer of a run on several."""
    times, counts = [] if run.timeline is None else [run.timeline.layers[i] for i in works], _Counts(run, works)
    macs = int(run.network.works["macs"][list(works)].sum())
    names = LATE_NAMES[1:] if run.accelerator.last_level else LATE_NAMES[1:-1]
    found = added_times(times, names, over_dram=_over_dram(run))
    return found | {"macs": macs, "dram_bytes": counts.read_bytes + counts.write_bytes}


def _over_dram(run: Run) -> bool:
    """Say whether the DRAM's commands were simulated."""
    return run.timeline is not None and run.timeline.commands is not None


def least_cycles(run: Run, works: Sequence[int]) -> float:
    """Return the cycles a row's products take at the array's peak rate, each work at its own bits; 0 without MACs."""
    beats = 0.0
    for work in (run.network.works[i] for i in works):
        if work.macs:
            beats += int(work.macs) * int(work.passes) / (int(work.pack) * max(1, int(work.inner_pack)))
    return beats / run.accelerator.array.pes


def effectual_macs(graph: LayerGraph, masks: Masks, layer: int, batch: int) -> int:
    """Multiply-accumulates left when the known zeros of both operands are taken out (independent zeros assumed)."""
    effectual = 0
    for nest in graph.loops_of(graph.layers[layer]):
        kept = masks.density(nest.ifmap) * masks.density(nest.weight)
        macs = nest.macs * batch
        effectual += macs if kept == 1 else round(macs * kept)
    return effectual


def _limiter(times: Sequence[Any]) -> str:
    """Name what bounds a layer: ``compute`` (array or vector unit), or what most of its idle time waited for."""
    issue = sum(int(time[f"{name}_cycles"]) for time in times for name in ISSUE_NAMES)
    idle = sum(int(time.idle_cycles.sum()) for time in times)
    tail = sum(int(time.tail_cycles) for time in times)
    if issue >= idle + tail:
        return "compute"
    late = {name: sum(int(time.late_cycles[i]) for time in times) for i, name in enumerate(LATE_NAMES)}
    worst = max(late, key=lambda name: late[name])
    if tail > idle or late[worst] == 0:
        return "write_back"
    return "compute" if worst == "none" else worst  # none: the vector unit was busy


def _dram(run: Run, works: Sequence[int], times: Sequence[Any]) -> dict[str, Any]:
    """Return row hits and limiter of a layer; where the DRAM's commands were simulated, what its bus waited for too."""
    limiter = _limiter(times) if times else None
    commands = None if run.timeline is None else run.timeline.commands_of(works)
    if commands is None:
        return {"row_hit_rate": None, "limiter": limiter}
    return commands | {"limiter": commands["limiter"] if limiter == "dram_bus" else limiter}


class _Counts:
    """Counters of one row, added over its works."""

    def __init__(self, run: Run, works: Sequence[int]) -> None:
        self.run, self.indices = run, works
        self.records = [] if run.tape is None else [run.tape.counters[i] for i in works]
        self.works = [run.network.works[i] for i in works]
        self.flows = [DATAFLOW_NAMES[int(run.mapped.mappings[i].dataflow)] for i in works]
        self.buffers = {operand: run.accelerator.buffer_of(operand) for operand in BUFFERED}
        self.read_bytes = sum(self.total(name) for name in DRAM_READS)
        self.write_bytes = self.total("ofmap_dram_bytes") + self.total("psum_dram_write_bytes")

    def total(self, name: str) -> int:
        return sum(int(record[name]) for record in self.records)

    def _products(self) -> list[tuple[Any, str, Any]]:
        """(counters, dataflow, work) of each multiply-accumulate work that ran."""
        found = zip(self.records, self.flows, self.works, strict=False)
        return [one for one in found if one[2].kind == MAC_WORK]

    def accesses(self) -> dict[str, dict[str, Access]]:
        """Level -> operand -> words and payload bytes."""
        word = ceil_div(self.run.accelerator.dram.word_bits, BITS_PER_BYTE)
        dram = {
            "ifmap": self._dram("ifmap_dram_bytes", "", word),
            "weight": self._dram("weight_dram_bytes", "", word),
            "psum": self._dram("psum_dram_read_bytes", "psum_dram_write_bytes", word),
            "residual": self._dram("residual_dram_bytes", "", word),
            "ofmap": self._dram("", "ofmap_dram_bytes", word),
        }
        glb = {}
        for operand, buffer in self.buffers.items():
            reads, writes = self.total(f"{operand}_read_words"), self.total(f"{operand}_write_words")
            glb[operand] = Access(reads, writes, (reads + writes) * buffer.word_bits // BITS_PER_BYTE)
        if self.buffers["ifmap"].resident_bytes:  # finished outputs that stay
            kept = self.total("resident_write_words")
            glb["ofmap"] = Access(0, kept, kept * self.buffers["ifmap"].word_bits // BITS_PER_BYTE)
        rf, noc = self._register_files(), self._hops()
        shared = last_level_accesses(self.run.tape, self.indices, self.run.accelerator.last_level)
        return {"rf": rf, "noc": noc, "glb": glb, **shared, "dram": dram}

    def _dram(self, reads: str, writes: str, word: int) -> Access:
        read = self.total(reads) if reads else 0
        write = self.total(writes) if writes else 0
        return Access(ceil_div(read, word), ceil_div(write, word), read + write)

    def _register_files(self) -> dict[str, Access]:
        """Count register words: the stationary operand is read for every product (OS: the psum is read and written)."""
        rf: dict[str, Access] = {}
        for record, flow, work in self._products():
            products = int(record.issued_macs)
            operand = {"ws": "weight", "is": "ifmap", "os": "psum"}[flow]
            bits = int(work[f"{operand}_bits"])
            loaded = {"weight": "weight_edge_words", "ifmap": "ifmap_edge_words"}
            writes = products if operand == "psum" else int(record[loaded[operand]])
            before = rf.get(operand, Access())
            size = ceil_div((products + writes) * bits, BITS_PER_BYTE)
            rf[operand] = Access(before.reads + products, before.writes + writes, before.bytes + size)
        return rf

    def _hops(self) -> dict[str, Access]:
        """Each of the two moving operands makes one hop between neighbours for every product."""
        noc: dict[str, Access] = {}
        for record, flow, work in self._products():
            products = int(record.issued_macs)
            for operand in {"ws": ("ifmap", "psum"), "is": ("weight", "psum"), "os": ("ifmap", "weight")}[flow]:
                before = noc.get(operand, Access())
                size = ceil_div(products * int(work[f"{operand}_bits"]), BITS_PER_BYTE)
                noc[operand] = Access(before.reads + products, before.writes + products, before.bytes + size)
        return noc


def layer_energy_pj(run: Run) -> npt.NDArray[np.float64]:
    """Return the energy of each row by component [rows, len(COMPONENTS)] in pJ.

    The same products as :func:`simulator.energy.price`, for all works at once: a test holds the two equal.
    """
    energy = np.zeros((len(run.network.rows), len(COMPONENTS)))
    if run.tape is None or run.timeline is None:
        return energy
    tables = (run.network.works, run.tape.counters, run.mapped.mappings)
    switching = switching_share(run.accelerator.zero_gating, run.graph, run.network, run.masks)
    cycles = run.timeline.shares_of_time()
    parts = work_energy_pj(run.accelerator, run.prices, tables, cycles, _mac_pj_of_works(run), switching)
    parts[:, COMPONENTS.index("glb")] += last_level_pj(run.tape, run.prices)
    commands = run.timeline.command_energy_pj(cycles)
    if commands is not None:  # instead of the price of a bit
        parts[:, COMPONENTS.index("dram")] = commands
    np.add.at(energy, np.asarray(run.network.row_of_work), parts)
    return energy


def work_energy_pj(
    accelerator: Accelerator,
    prices: PriceList,
    tables: tuple[Table, Table, Table],
    cycles: npt.NDArray[np.int64],
    mac_pj: npt.NDArray[np.float64],
    switching: npt.NDArray[np.float64] | float = 1.0,
) -> npt.NDArray[np.float64]:
    """Return the energy of each work by component [works, len(COMPONENTS)] in pJ.

    Parameters
    ----------
    accelerator : Accelerator
    prices : PriceList
    tables : recarrays of WORK, COUNTERS and MAPPING
    cycles : int64 array [works]
        Of each work's window [cycles].
    mac_pj : float64 array [works]
        Price of one multiplier beat [pJ].
    switching : float64 array [works]
        Of the products' energy, what zero gating leaves: :func:`simulator.zero_gating.switching_share`.
    """
    works, counters, mappings = tables
    is_mac = works["kind"] == MAC_WORK
    operand_bits = np.stack([works["weight_bits"], works["psum_bits"], works["ifmap_bits"]])
    register_writes = np.stack([counters["weight_edge_words"], counters["issued_macs"], counters["ifmap_edge_words"]])
    flow = (mappings["dataflow"], np.arange(len(works)))  # ws, os, is: weight, psum, ifmap stay
    stays, writes, products = operand_bits[flow], register_writes[flow], counters["issued_macs"] * is_mac
    read_bytes = sum(counters[name] for name in DRAM_READS)
    dram_bits = (read_bytes + counters["psum_dram_write_bytes"] + counters["ofmap_dram_bytes"]) * BITS_PER_BYTE
    reads = products * switching
    writes = np.where(mappings["dataflow"] == OS, writes * switching, writes)  # psums that nothing is added to
    cycle_pj_per_w = PJ_PER_J / prices.clock_hz
    parts = {
        "mac": reads * works["passes"] * mac_pj,
        "rf": reads * stays * prices.rf_read_pj_per_bit + writes * is_mac * stays * prices.rf_write_pj_per_bit,
        "noc": products * (operand_bits.sum(axis=0) - stays) * prices.noc_pj_per_bit,
        "glb": _buffer_pj(accelerator, prices, counters),
        "dram": dram_bits * prices.dram_pj_per_bit,
        "vector": counters["vector_operations"] * prices.vector_pj_per_operation,
        "static": cycles * prices.static_w * cycle_pj_per_w,
        "clock": cycles * prices.clock_w * cycle_pj_per_w,
    }
    return np.stack([parts[name] for name in COMPONENTS], axis=1)


def _mac_pj_of_works(run: Run) -> npt.NDArray[np.float64]:
    """Return the price of one multiplier beat of each work [pJ]."""
    known: dict[Multiplier, float] = {}
    for one in run.network.multipliers:
        if one not in known:
            known[one] = (
                run.prices.mac_pj(one.ifmap_bits, one.weight_bits, is_float=one.is_float) * one.energy_share
                if one.weight_bits
                else 0.0
            )
    return np.array([known[one] for one in run.network.multipliers])


def _buffer_pj(accelerator: Accelerator, prices: PriceList, counters: Table) -> npt.NDArray[np.float64]:
    """Return the buffers' energy of each work [pJ]."""
    energy = np.zeros(len(counters))
    for operand in BUFFERED:
        name = accelerator.buffer_of(operand).name
        energy += counters[f"{operand}_read_words"] * prices.buffer_read_pj[name]
        energy += counters[f"{operand}_write_words"] * prices.buffer_write_pj[name]
    kept = prices.buffer_write_pj[accelerator.buffer_of("ifmap").name]
    return np.asarray(energy + counters["resident_write_words"] * kept)


def add_up(
    accelerator: Accelerator, network: BoundNetwork, layers: Sequence[LayerResult], run_cycles: int | None = None
) -> Total:
    """Add the layers up; a layer without cycles leaves all times unknown. ``run_cycles`` are those of several cores.

    Host layers count in ``macs`` and, without their known zeros, in ``effectual_macs`` only: what nobody timed is no
    throughput.
    """
    known = all(layer.cycles is not None for layer in layers)
    cycles = (run_cycles or sum(layer.cycles or 0 for layer in layers)) if known else None
    latency_s = cycles / accelerator.clock_hz if cycles is not None else None
    energy_pj = sum(layer.total_energy_pj for layer in layers)
    dram_bytes = sum(layer.dram["read_bytes"] + layer.dram["write_bytes"] for layer in layers)
    host_macs, host_effectual = (sum(getattr(row, of) for row in network.untimed) for of in ("macs", "effectual_macs"))
    macs = sum(layer.macs for layer in layers)
    effectual = sum(layer.effectual_macs for layer in layers)
    return Total(
        cycles=cycles,
        latency_s=latency_s,
        energy_pj=energy_pj,
        power_w=energy_pj / PJ_PER_J / latency_s if latency_s else None,
        macs=macs + host_macs,
        effectual_macs=effectual + host_effectual,
        throughput_ops_per_second=OPS_PER_MAC * macs / latency_s if latency_s else None,
        efficiency_ops_per_joule=OPS_PER_MAC * macs / (energy_pj / PJ_PER_J) if energy_pj and latency_s else None,
        effectual_throughput_ops_per_second=OPS_PER_MAC * effectual / latency_s if latency_s else None,
        effectual_efficiency_ops_per_joule=(
            OPS_PER_MAC * effectual / (energy_pj / PJ_PER_J) if energy_pj and latency_s else None
        ),
        dram_bytes=dram_bytes,
        area_mm2=area_mm2(accelerator),
        utilization=sum((one.utilization or 0.0) * (one.cycles or 0) for one in layers) / cycles if cycles else None,
        issue_cycles=sum_by_name([layer.issue_cycles for layer in layers], ISSUE_NAMES),
        idle_cycles=sum_by_name([layer.idle_cycles for layer in layers], CAUSE_NAMES),
        tail_cycles=sum(layer.tail_cycles for layer in layers),
        energy_by_component_pj=sum_by_name([layer.energy_pj for layer in layers]),
        dram_bytes_without_residency=dram_bytes,
    )


def warnings_of(accelerator: Accelerator, network: BoundNetwork, layers: Sequence[LayerResult]) -> tuple[str, ...]:
    """Say what a reader must know before trusting the numbers."""
    found = []
    mac_rows = [row for row in network.rows if row.macs]
    assumed = sum(1 for row in mac_rows if row.precision_assumed)
    if assumed:
        ifmap_bits, weight_bits = widest_integer_bits(accelerator.precision)
        found.append(
            f"{assumed} of {len(mac_rows)} multiply-accumulate layers lack integer widths; where one is missing, the "
            f"widest of {accelerator.name} is taken, {ifmap_bits}-bit ifmaps and {weight_bits}-bit weights "
            "(precision_assumed): quantize the model for real widths"
        )
    unmapped = sum(1 for layer in layers if layer.mapping_error)
    if unmapped:
        found.append(
            f"{unmapped} layers have no valid mapping (mapping_error), so the network was not run: cycles are "
            "null, and energy, traffic and counters are 0 because they are not known"
        )
    host = [row.name for row in network.untimed if row.reason == "runs on the host"]
    if host:
        names = ", ".join(host[:3]) + (" ..." if len(host) > 3 else "")
        found.append(f"{len(host)} layers run on the host and are not timed: {names}")
    return tuple(found)


def not_timed(network: BoundNetwork) -> tuple[dict[str, Any], ...]:
    """List the layers that cost the accelerator nothing, and why."""
    return tuple({"name": row.name, "op": row.op, "reason": row.reason, "macs": row.macs} for row in network.untimed)
