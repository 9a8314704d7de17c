"""What a run gives back: frozen, with units in the names; as objects, dictionaries, JSON, CSV and a printed table.

Knows numbers only: no graph, no hardware, no drawing (``simulator.report`` adds ``plot`` and ``_repr_html_``).
"""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from simulator.errors import SimulatorError

if TYPE_CHECKING:  # results load without numpy
    from simulator.timeline import RunTimeline

SCHEMA = "simulator.result/1"
OPTIONAL_FIELDS = (
    "resident",
    "compat_scalesim",
    "mapping_error",
    "pe_cycles",
    "pe_load",
    "pe_use",
    "edge",
    "bandwidth_cycles",
    "bus_because",
    "dram_late_because",
    "formats",
    "cores",
)


@dataclass(frozen=True)
class Access:
    """Traffic of one operand at one level: words of that level, and payload [bytes]."""

    reads: int = 0
    writes: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class LayerResult:
    """One timed layer.

    Attributes
    ----------
    name, op, dataflow : str
    mapping : dict
        As ``simulate(mappings=...)`` takes it back.
    fused : tuple of str
        Vector layers done on this layer's outputs on their way to memory.
    ifmap_bits, weight_bits : int
        Stored widths; 0 where there is none [bits].
    precision_assumed : bool
        The model gave no integer width: the array's widest was taken.
    start_cycle, end_cycle, cycles : int
        First event (prefetch included); last output written, or the next layer's first step where that comes first;
        end minus the previous layer's end, so that layers sum to the total.
    issue_cycles : dict
        ``useful fill drain imbalance bus`` [cycles].
    idle_cycles : dict
        By the constraint satisfied last [cycles].
    late_because : dict
        Idle cycles by what made that constraint late [cycles].
    dram_late_because : dict, optional
        Event runs: ``late_because["dram_bus"]`` by what held the DRAM's data buses meanwhile: ``bus`` (bursts),
        ``row_conflict tfaw refresh tccd_l turnaround``, ``starvation`` (nothing to move); adds up to it [cycles].
    tail_cycles : int
        After the layer's last step, until its window ends. ``issue + idle + tail = cycles``, exactly.
    gain_cycles : int
        The most that removing each gap's last constraint alone could save [cycles].
    macs, effectual_macs, issued_macs : int
        Dense count; without known zeros; products the array computed, padding included (it may skip zeros).
    utilization : float
        macs (the effectual ones where zeros are skipped) / (peak MACs a cycle at these bits x cycles).
    accesses : dict
        level -> operand -> :class:`Access`.
    dram : dict
        ``read_bytes write_bytes row_hit_rate limiter``; of an event run also the commands issued for the layer, and
        ``lost_cycles``: idle cycles of the channels' data buses by the constraint that ended last.
    energy_pj : dict
        By component [pJ].
    resident : dict, optional
        ``ifmap weight residual``: read in the buffer; ``ofmap``: kept there; ``ofmap_in_dram`` with ``why_in_dram``.
    compat_scalesim : dict, optional
        That tool's own convention for the layer.
    pe_cycles : dict, optional
        Of engines that skip zeros, by cause: sums to multipliers x cycles of work, without waiting for memory.
    pe_load : tuple of int, optional
        Work of each PE [entries].
    pe_use : dict, optional
        Where in the array useful work was done: its ``rows columns``, and ``blocks`` (row, column, rows, columns,
        cycles) of PEs used for so many cycles each; blocks add up where they overlap. The mean of all PEs over
        ``cycles`` is ``utilization``. Of arrays with rows and columns that skip no zeros.
    edge : dict, optional
        ``ifmap weight psum``: ``words`` that crossed the array's edge (of psums in the direction that took more), and
        ``words_per_cycle``, the most it takes. Of dense arrays.
    mapping_error : str, optional
        Why there is no mapping; cycles are then None.
    bandwidth_cycles : int, optional
        Beside an event run: what the layer takes in bandwidth fidelity.
    bus_because : dict, optional
        ``issue_cycles["bus"]`` by what was slower than the array: ``ifmap_bus weight_bus psum_bus shared_bus``, or
        ``banks.NAME``: that buffer's ports. Only where the accelerator declares any of them [cycles].
    formats : dict, optional
        operand -> ``format``; ``tiles`` moved, ``bypassed_tiles`` raw because the encoded tile was no smaller,
        ``bypassed``: all; ``raw_bytes``, ``encoded_bytes`` (nothing bypassed), ``stored_bytes`` as they moved;
        ``size_from``: ``mask`` (exact) or ``density`` (expected). Only where the accelerator has formats.
    cores : tuple of dict, optional
        On several cores, the part of each that works on the layer: ``core``, its time fields, ``macs``, ``dram_bytes``.
        The layer's own time fields are those of the part that ends last; its counts are sums.
    """

    name: str
    op: str
    dataflow: str
    mapping: Mapping[str, Any]
    fused: tuple[str, ...]
    ifmap_bits: int
    weight_bits: int
    precision_assumed: bool
    start_cycle: int | None
    end_cycle: int | None
    cycles: int | None
    issue_cycles: Mapping[str, int]
    idle_cycles: Mapping[str, int]
    late_because: Mapping[str, int]
    tail_cycles: int
    gain_cycles: int
    macs: int
    effectual_macs: int
    issued_macs: int
    utilization: float | None
    accesses: Mapping[str, Mapping[str, Access]]
    dram: Mapping[str, Any]
    energy_pj: Mapping[str, float]
    vector_operations: int = 0
    resident: Mapping[str, Any] | None = None
    compat_scalesim: Mapping[str, Any] | None = None
    mapping_error: str | None = None
    pe_cycles: Mapping[str, int] | None = None
    pe_load: tuple[int, ...] | None = None
    pe_use: Mapping[str, Any] | None = None
    edge: Mapping[str, Mapping[str, float]] | None = None
    bandwidth_cycles: int | None = None
    bus_because: Mapping[str, int] | None = None
    dram_late_because: Mapping[str, int] | None = None
    formats: Mapping[str, Mapping[str, Any]] | None = None
    cores: tuple[Mapping[str, Any], ...] | None = None

    @property
    def total_energy_pj(self) -> float:
        """Sum over components [pJ]."""
        return sum(self.energy_pj.values())

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; optional fields only where they are set."""
        data = asdict(self)
        for name in OPTIONAL_FIELDS:
            if data[name] is None:
                del data[name]
        return data


@dataclass(frozen=True)
class Total:
    """The whole network. OP/s and OP/J are dense-equivalent; the ``effectual`` pair leaves out known zeros.

    ``dram_bytes_without_residency`` is the traffic if no ofmap stayed on chip, every layer mapped anew (None: not
    known, because a layer then has no mapping). ``dram_bytes_without_depth_first`` is the traffic of the network
    as it is, where chains of it ran stripe by stripe (None: none did).
    ``cores`` (several only) has the fields of a layer's: ``cycles`` are the run's, and issue + idle + tail = cycles on
    every core. The time fields of the whole are those of the core that works longest.
    """

    cycles: int | None
    latency_s: float | None
    energy_pj: float
    power_w: float | None
    macs: int
    effectual_macs: int
    throughput_ops_per_second: float | None
    efficiency_ops_per_joule: float | None
    effectual_throughput_ops_per_second: float | None
    effectual_efficiency_ops_per_joule: float | None
    dram_bytes: int
    area_mm2: float | None
    utilization: float | None
    issue_cycles: Mapping[str, int]
    idle_cycles: Mapping[str, int]
    tail_cycles: int
    energy_by_component_pj: Mapping[str, float]
    dram_bytes_without_residency: int | None = None
    dram_bytes_without_depth_first: int | None = None
    cores: tuple[Mapping[str, Any], ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; ``cores`` only where there are several."""
        data = asdict(self)
        if self.cores is None:
            del data["cores"]
        return data


@dataclass(frozen=True)
class RunResult:
    """A simulated run; ``print(result)`` shows the table.

    Attributes
    ----------
    layers : tuple of LayerResult
        The timed layers, in order.
    total : Total
    not_timed : tuple of dict
        Layers that only rename data or run on the host: name, op, reason, macs.
    buffers : tuple of dict
        Each buffer's ``name capacity_bytes resident_bytes peak_bytes peak_resident_bytes mean_bytes
        peak_bytes_by_layer`` [bytes]: what tiles and resident tensors held of it.
    warnings : tuple of str
    energy_sources : tuple of dict
        Every price used: name, value, unit, source, mark.
    dram_system : dict, optional
        The DRAM whose commands were simulated: name, origin, channels, clock, peak, energy by command.
    zeros : dict
        What is known of zeros, and what the hardware makes of them: ``weight_density`` and ``activation_density`` (over
        the operands of all products), ``declared`` (how they are described), ``seed``, ``exploited`` (in words).
    workloads : tuple of dict
        What each of several networks took that ran at once (:func:`simulator.machines.tenants.run_tenants`). Their
        layers follow each other, named ``workload/layer``; ``batch`` of the result is the first one's.
    timeline : RunTimeline, optional
        When everything happened, where ``simulate(..., timeline=True)`` kept it; not part of the result's files.
    """

    workload: str
    accelerator: str
    clock_hz: float
    fidelity: str
    dataflow: str
    energy_profile: str
    batch: int
    objective: str
    simulator_version: str
    peak_macs_per_cycle: int
    dram_bytes_per_cycle: float
    layers: tuple[LayerResult, ...]
    total: Total
    not_timed: tuple[Mapping[str, Any], ...] = ()
    buffers: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    energy_sources: tuple[Mapping[str, Any], ...] = ()
    zeros: Mapping[str, Any] = field(default_factory=dict)
    dram_system: Mapping[str, Any] | None = None
    workloads: tuple[Mapping[str, Any], ...] = ()
    schema: str = field(default=SCHEMA)
    timeline: "RunTimeline | None" = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON values (schema ``simulator.result/1``)."""
        data: dict[str, Any] = {
            name: getattr(self, name)
            for name in (
                "schema",
                "simulator_version",
                "workload",
                "accelerator",
                "clock_hz",
                "fidelity",
                "dataflow",
                "energy_profile",
                "batch",
                "objective",
                "peak_macs_per_cycle",
                "dram_bytes_per_cycle",
            )
        }
        data["warnings"] = list(self.warnings)
        data["layers"] = [layer.to_dict() for layer in self.layers]
        data["not_timed"] = [dict(row) for row in self.not_timed]
        data["total"] = self.total.to_dict()
        data["buffers"] = [dict(row) for row in self.buffers]
        if self.dram_system is not None:
            data["dram_system"] = dict(self.dram_system)
        if self.zeros:
            data["zeros"] = dict(self.zeros)
        if self.workloads:
            data["workloads"] = list(map(dict, self.workloads))
        data["energy_sources"] = [dict(row) for row in self.energy_sources]
        return data

    def to_json(self) -> str:
        """Return the result as one JSON document; every number is finite."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"

    def to_csv(self) -> str:
        """Return one line a layer and a last line ``total``; the header names the unit of every column."""
        stream = io.StringIO()
        rows = [*(_csv_row(layer) for layer in self.layers), self._csv_total()]
        columns = dict.fromkeys(name for row in rows for name in row)  # a result from a file may leave causes out
        writer = csv.DictWriter(stream, fieldnames=list(columns))
        writer.writeheader()
        writer.writerows(rows)
        return stream.getvalue()

    def to_polars(self) -> Any:  # noqa: ANN401 - polars is not installed everywhere
        """Return a polars DataFrame, a layer a row, with the columns of :meth:`to_csv`.

        Raises
        ------
        SimulatorError
            polars is not installed.
        """
        return _frame("polars", [_csv_row(layer) for layer in self.layers])

    def to_pandas(self) -> Any:  # noqa: ANN401 - likewise
        """Return a pandas DataFrame, a layer a row, with the columns of :meth:`to_csv`.

        Raises
        ------
        SimulatorError
            pandas is not installed.
        """
        return _frame("pandas", [_csv_row(layer) for layer in self.layers])

    def _csv_total(self) -> dict[str, Any]:
        if not self.layers:
            return {"name": "total"}
        total = self.total
        row: dict[str, Any] = {"name": "total", "cycles": total.cycles, "macs": total.macs}
        row |= {"utilization": total.utilization, "tail_cycles": total.tail_cycles, "energy_pj": total.energy_pj}
        row |= {f"issue_{name}_cycles": value for name, value in total.issue_cycles.items()}
        row |= {f"idle_{name}_cycles": value for name, value in total.idle_cycles.items()}
        row |= {f"energy_{name}_pj": value for name, value in total.energy_by_component_pj.items()}
        row["dram_read_bytes"] = sum(layer.dram["read_bytes"] for layer in self.layers)
        return row | {"dram_write_bytes": sum(layer.dram["write_bytes"] for layer in self.layers)}

    def __str__(self) -> str:
        """Return a plain-text table: one line a layer, then the total."""
        how = f"{self.dataflow}, {self.fidelity}, batch {self.batch}, energy {self.energy_profile}"
        columns = f"{'layer':<32} {'op':<10} {'cycles':>12} {'util %':>7} {'DRAM bytes':>14} {'energy uJ':>12}"
        lines = [f"{self.workload} on {self.accelerator} ({how})", columns, *map(_text_row, self.layers)]
        total = self.total
        lines.append(
            f"{'total':<32} {'':<10} {_shown(total.cycles):>12} {_percent(total.utilization):>7} "
            f"{total.dram_bytes:>14} {total.energy_pj / 1e6:>12.3f}"
        )
        return "\n".join(lines)


def _frame(package: str, rows: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - that package's DataFrame
    """Return ``rows`` as columns; what a layer does not have is missing, not 0."""
    try:
        made = import_module(package).DataFrame
    except ImportError:
        message = f"{package} is not installed: pip install {package}, or use to_csv()"
        raise SimulatorError(message) from None
    names = dict.fromkeys(name for row in rows for name in row)
    return made({name: [row.get(name) for row in rows] for name in names})


def _shown(value: int | None) -> str:
    return "-" if value is None else str(value)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def _text_row(layer: LayerResult) -> str:
    traffic = layer.dram["read_bytes"] + layer.dram["write_bytes"]
    return (
        f"{layer.name[:32]:<32} {layer.op[:10]:<10} {_shown(layer.cycles):>12} {_percent(layer.utilization):>7} "
        f"{traffic:>14} {layer.total_energy_pj / 1e6:>12.3f}"
    )


def _csv_row(layer: LayerResult) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": layer.name,
        "op": layer.op,
        "dataflow": layer.dataflow,
        "ifmap_bits": layer.ifmap_bits,
        "weight_bits": layer.weight_bits,
        "cycles": layer.cycles,
        "utilization": layer.utilization,
        "macs": layer.macs,
        "effectual_macs": layer.effectual_macs,
        "tail_cycles": layer.tail_cycles,
    }
    row |= {f"issue_{name}_cycles": value for name, value in layer.issue_cycles.items()}
    row |= {f"idle_{name}_cycles": value for name, value in layer.idle_cycles.items()}
    row |= {"dram_read_bytes": layer.dram["read_bytes"], "dram_write_bytes": layer.dram["write_bytes"]}
    row |= {"energy_pj": layer.total_energy_pj} | {f"energy_{name}_pj": pj for name, pj in layer.energy_pj.items()}
    if layer.bandwidth_cycles is not None:  # an event run
        told = {f"dram_{name}": layer.dram.get(name) for name in ("row_hit_rate", "limiter")}
        row |= {"bandwidth_cycles": layer.bandwidth_cycles, **told}
    return row
