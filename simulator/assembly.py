"""From counters, times and prices to results: the only place where cycles, words and energy meet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.arch.description import Accelerator
from simulator.dataflow.binding import BoundNetwork, Row
from simulator.dataflow.tape import Tape
from simulator.energy import LayerCounters, PriceList, area_mm2, price
from simulator.engine.run import Timeline
from simulator.mapping.given import mapping_to_dict
from simulator.mapping.search import MappedNetwork
from simulator.records import CAUSE_NAMES, DATAFLOW_NAMES, LATE_NAMES, MAC_WORK
from simulator.results import Access, LayerResult, Total
from simulator.units import BITS_PER_BYTE, OPS_PER_MAC, PJ_PER_J, ceil_div
from simulator.workload.graph import LayerGraph
from simulator.workload.sparsity import density

ISSUE_NAMES = ("useful", "fill", "drain", "imbalance", "bus")


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


def layer_results(run: Run, compat: Mapping[str, Mapping[str, Any]] | None = None) -> tuple[LayerResult, ...]:
    """Return one result a row: the works of a recurrent layer are added up."""
    works: dict[int, list[int]] = {}
    for index, row in enumerate(run.network.row_of_work):
        works.setdefault(row, []).append(index)
    return tuple(_layer(run, row, works[i], compat or {}) for i, row in enumerate(run.network.rows))


def _layer(run: Run, row: Row, works: Sequence[int], compat: Mapping[str, Mapping[str, Any]]) -> LayerResult:
    errors = [run.mapped.errors[i] for i in works if run.mapped.errors[i]]
    counts = _Counts(run, works)
    times = [] if run.timeline is None else [run.timeline.layers[i] for i in works]
    cycles = sum(int(time.cycles) for time in times) if times else None
    work = run.network.works[works[0]]
    is_mac = work.kind == MAC_WORK
    mapping = mapping_to_dict(work, run.mapped.mappings[works[0]]) if not errors else {}
    peak = _peak(run.accelerator, work)
    return LayerResult(
        name=row.name,
        op=row.op,
        dataflow=DATAFLOW_NAMES[int(run.mapped.mappings[works[0]].dataflow)] if is_mac else "vector",
        mapping=mapping,
        fused=row.fused,
        ifmap_bits=row.ifmap_bits,
        weight_bits=row.weight_bits,
        precision_assumed=row.precision_assumed,
        start_cycle=min(int(time.start_cycle) for time in times) if times else None,
        end_cycle=int(times[-1].end_cycle) if times else None,
        cycles=cycles,
        issue_cycles={name: sum(int(time[f"{name}_cycles"]) for time in times) for name in ISSUE_NAMES},
        idle_cycles={name: sum(int(time.idle_cycles[i]) for time in times) for i, name in enumerate(CAUSE_NAMES)},
        late_because={
            name: sum(int(time.late_cycles[i]) for time in times) for i, name in enumerate(LATE_NAMES) if name != "none"
        },
        tail_cycles=sum(int(time.tail_cycles) for time in times),
        gain_cycles=sum(int(time.gain_cycles) for time in times),
        macs=row.macs,
        effectual_macs=_effectual_macs(run.graph, row),
        issued_macs=counts.total("issued_macs"),
        utilization=row.macs / (peak * cycles) if cycles and is_mac else (0.0 if cycles is not None else None),
        accesses=counts.accesses(),
        dram={
            "read_bytes": counts.read_bytes,
            "write_bytes": counts.write_bytes,
            "row_hit_rate": None,
            "limiter": _limiter(times) if times else None,
        },
        energy_pj=price(counts.for_pricing(row, cycles or 0), run.prices),
        vector_operations=counts.total("vector_operations"),
        compat_scalesim=compat.get(row.name),
        mapping_error=errors[0] if errors else None,
    )


def _peak(accelerator: Accelerator, work: Any) -> float:  # noqa: ANN401
    """Products a cycle of the whole array at the layer's bits."""
    if work.kind != MAC_WORK:
        return 0.0
    return accelerator.array.rows * accelerator.array.columns * int(work.pack) / int(work.passes)


def _effectual_macs(graph: LayerGraph, row: Row) -> int:
    """Multiply-accumulates left when declared zeros of both operands are taken out (independent zeros assumed)."""
    layer = graph.layers[row.layer]
    if row.macs == 0:
        return 0
    kept = density(graph.tensors[layer.inputs[0]].sparsity) * density(graph.tensors[layer.inputs[1]].sparsity)
    return round(row.macs * kept)


def _limiter(times: Sequence[Any]) -> str:
    """Name what bounds a layer: the array, the vector unit, or what most of its idle time waited for."""
    issue = sum(int(time[f"{name}_cycles"]) for time in times for name in ISSUE_NAMES)
    idle = sum(int(time.idle_cycles.sum()) for time in times)
    tail = sum(int(time.tail_cycles) for time in times)
    if issue >= idle + tail:
        return "compute"
    late = {name: sum(int(time.late_cycles[i]) for time in times) for i, name in enumerate(LATE_NAMES)}
    worst = max(late, key=lambda name: late[name])
    if tail > idle or late[worst] == 0:
        return "write_back"
    return worst


class _Counts:
    """Counters of one row, added over its works."""

    def __init__(self, run: Run, works: Sequence[int]) -> None:
        self.run = run
        self.records = [] if run.tape is None else [run.tape.counters[i] for i in works]
        self.works = [run.network.works[i] for i in works]
        self.flows = [DATAFLOW_NAMES[int(run.mapped.mappings[i].dataflow)] for i in works]
        self.buffers = {operand: run.accelerator.buffer_of(operand) for operand in ("ifmap", "weight", "psum")}
        read = ("ifmap_dram_bytes", "weight_dram_bytes", "residual_dram_bytes", "psum_dram_read_bytes")
        self.read_bytes = sum(self.total(name) for name in read)
        self.write_bytes = self.total("ofmap_dram_bytes") + self.total("psum_dram_write_bytes")

    def total(self, name: str) -> int:
        return sum(int(record[name]) for record in self.records)

    def _products(self) -> list[tuple[int, str, Any]]:
        """(issued products, dataflow, work) of each work."""
        return [
            (int(record.issued_macs), flow, work)
            for record, flow, work in zip(self.records, self.flows, self.works, strict=False)
        ]

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
        rf, noc = self._register_files(), self._hops()
        return {"rf": rf, "noc": noc, "glb": glb, "dram": dram}

    def _dram(self, reads: str, writes: str, word: int) -> Access:
        read = self.total(reads) if reads else 0
        write = self.total(writes) if writes else 0
        return Access(ceil_div(read, word), ceil_div(write, word), read + write)

    def _register_files(self) -> dict[str, Access]:
        """Count register words: the stationary operand is read for every product (OS: the psum is read and written)."""
        rf: dict[str, Access] = {}
        for products, flow, work in self._products():
            if work.kind != MAC_WORK:
                continue
            operand = {"ws": "weight", "is": "ifmap", "os": "psum"}[flow]
            bits = int(work[f"{operand}_bits"])
            loaded = {"weight": "weight_edge_words", "ifmap": "ifmap_edge_words"}
            writes = products if operand == "psum" else self.total(loaded[operand])
            before = rf.get(operand, Access())
            size = ceil_div((products + writes) * bits, BITS_PER_BYTE)
            rf[operand] = Access(before.reads + products, before.writes + writes, before.bytes + size)
        return rf

    def _hops(self) -> dict[str, Access]:
        """Each of the two moving operands makes one hop between neighbours for every product."""
        noc: dict[str, Access] = {}
        for products, flow, work in self._products():
            if work.kind != MAC_WORK:
                continue
            for operand in {"ws": ("ifmap", "psum"), "is": ("weight", "psum"), "os": ("ifmap", "weight")}[flow]:
                before = noc.get(operand, Access())
                size = ceil_div(products * int(work[f"{operand}_bits"]), BITS_PER_BYTE)
                noc[operand] = Access(before.reads + products, before.writes + products, before.bytes + size)
        return noc

    def for_pricing(self, row: Row, cycles: int) -> LayerCounters:
        """Return the counters in the form that prices are multiplied with."""
        reads: dict[str, int] = {}
        writes: dict[str, int] = {}
        for operand, buffer in self.buffers.items():
            reads[buffer.name] = reads.get(buffer.name, 0) + self.total(f"{operand}_read_words")
            writes[buffer.name] = writes.get(buffer.name, 0) + self.total(f"{operand}_write_words")
        beats = sum(products * int(work.passes) for products, _, work in self._products() if work.kind == MAC_WORK)
        rf_reads = rf_writes = 0
        for products, flow, work in self._products():
            if work.kind == MAC_WORK:
                operand = {"ws": "weight", "is": "ifmap", "os": "psum"}[flow]
                rf_reads += products * int(work[f"{operand}_bits"])
                rf_writes += (self._register_files()[operand].writes) * int(work[f"{operand}_bits"])
        float_bits = self.run.accelerator.precision.float_bits
        return LayerCounters(
            issued_macs=beats,
            ifmap_bits=row.multiplied_bits[0],
            weight_bits=row.multiplied_bits[1],
            float_macs=float_bits is not None and row.multiplied_bits == (float_bits, float_bits),
            rf_read_bits=rf_reads,
            rf_write_bits=rf_writes,
            noc_bits=sum(access.bytes for access in self._hops().values()) * BITS_PER_BYTE,
            buffer_reads=reads,
            buffer_writes=writes,
            dram_read_bytes=self.read_bytes,
            dram_write_bytes=self.write_bytes,
            vector_operations=self.total("vector_operations"),
            cycles=cycles,
        )


def total_of(run: Run, layers: Sequence[LayerResult]) -> Total:
    """Add the layers up; host layers count in ``macs`` only."""
    known = run.timeline is not None
    cycles = sum(layer.cycles or 0 for layer in layers) if known else None
    latency_s = cycles / run.accelerator.clock_hz if cycles is not None else None
    energy_pj = sum(layer.total_energy_pj for layer in layers)
    host = sum(row.macs for row in run.network.untimed)
    macs = sum(layer.macs for layer in layers) + host
    effectual = sum(layer.effectual_macs for layer in layers) + host
    return Total(
        cycles=cycles,
        latency_s=latency_s,
        energy_pj=energy_pj,
        power_w=energy_pj / PJ_PER_J / latency_s if latency_s else None,
        macs=macs,
        effectual_macs=effectual,
        throughput_ops_per_second=OPS_PER_MAC * macs / latency_s if latency_s else None,
        efficiency_ops_per_joule=OPS_PER_MAC * macs / (energy_pj / PJ_PER_J) if energy_pj and latency_s else None,
        effectual_throughput_ops_per_second=OPS_PER_MAC * effectual / latency_s if latency_s else None,
        effectual_efficiency_ops_per_joule=(
            OPS_PER_MAC * effectual / (energy_pj / PJ_PER_J) if energy_pj and latency_s else None
        ),
        dram_bytes=sum(layer.dram["read_bytes"] + layer.dram["write_bytes"] for layer in layers),
        area_mm2=area_mm2(run.accelerator),
        utilization=_weighted_utilization(layers, cycles),
        issue_cycles=_sum_of([layer.issue_cycles for layer in layers], ISSUE_NAMES),
        idle_cycles=_sum_of([layer.idle_cycles for layer in layers], CAUSE_NAMES),
        tail_cycles=sum(layer.tail_cycles for layer in layers),
        energy_by_component_pj=_sum_energy(layers),
    )


def _weighted_utilization(layers: Sequence[LayerResult], cycles: int | None) -> float | None:
    """Mean of the layers' utilizations, weighted by their cycles: each at its own bits' peak."""
    if not cycles:
        return None
    return sum((layer.utilization or 0.0) * (layer.cycles or 0) for layer in layers) / cycles


def _sum_of(parts: Sequence[Mapping[str, int]], names: Sequence[str]) -> dict[str, int]:
    return {name: sum(part[name] for part in parts) for name in names}


def _sum_energy(layers: Sequence[LayerResult]) -> dict[str, float]:
    total: dict[str, float] = {}
    for layer in layers:
        for name, value in layer.energy_pj.items():
            total[name] = total.get(name, 0.0) + value
    return total


def warnings_of(run: Run) -> tuple[str, ...]:
    """Say what a reader must know before trusting the numbers."""
    found = []
    assumed = [row for row in run.network.rows if row.precision_assumed and row.macs]
    if assumed:
        found.append(
            f"{len(assumed)} of {sum(1 for row in run.network.rows if row.macs)} multiply-accumulate layers have no "
            f"integer widths; they run at {assumed[0].ifmap_bits}-bit ifmaps and {assumed[0].weight_bits}-bit weights, "
            f"the widest of {run.accelerator.name} (precision_assumed): quantize the model for real widths"
        )
    host = [row.name for row in run.network.untimed if row.reason == "runs on the host"]
    if host:
        names = ", ".join(host[:3]) + (" ..." if len(host) > 3 else "")
        found.append(f"{len(host)} layers run on the host and are not timed: {names}")
    return tuple(found)


def not_timed(network: BoundNetwork) -> tuple[dict[str, Any], ...]:
    """List the layers that cost the accelerator nothing, and why."""
    return tuple({"name": row.name, "op": row.op, "reason": row.reason, "macs": row.macs} for row in network.untimed)
