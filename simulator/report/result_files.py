"""Results from files: read back, checked against their form. The other way of ``RunResult.to_json``."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from simulator.documents import parse_form, read_json
from simulator.errors import SimulatorError
from simulator.report.result_checks import check_result
from simulator.results import SCHEMA, Access, LayerResult, RunResult, Total

MOST_PLACES = 65536  # rows or columns of an array

Cycles = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Form(BaseModel):
    """Fields that later versions add are let through."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class DramForm(_Form):
    """Traffic of a layer."""

    read_bytes: Cycles
    write_bytes: Cycles
    row_hit_rate: Amount | None = None
    limiter: str | None = None
    activates: Cycles | None = None
    precharges: Cycles | None = None
    reads: Cycles | None = None
    writes: Cycles | None = None
    lost_cycles: dict[str, Cycles] | None = None


class DramSystemForm(_Form):
    """The DRAM whose commands were simulated."""

    name: str
    origin: str
    protocol: str
    channels: Annotated[int, Field(ge=1)]
    clock_hz: Positive
    peak_bytes_per_second: Positive
    refreshes: Cycles
    energy_pj: dict[str, Amount] | None = None


class AccessForm(_Form):
    """Words and payload at one level."""

    reads: Cycles
    writes: Cycles
    bytes: Cycles


class PeUseForm(_Form):
    """Where in the array useful work was done: blocks of (row, column, rows, columns, cycles)."""

    rows: Annotated[int, Field(ge=1, le=MOST_PLACES)]
    columns: Annotated[int, Field(ge=1, le=MOST_PLACES)]
    blocks: tuple[tuple[Cycles, Cycles, Cycles, Cycles, Amount], ...] = ()


class EdgeForm(_Form):
    """What crossed the array's edge of an operand, and the most that does in a cycle."""

    words: Cycles
    words_per_cycle: Positive


class FormatForm(_Form):
    """How the tiles of an operand lie in DRAM."""

    format: str
    size_from: str
    tiles: Cycles
    bypassed_tiles: Cycles
    bypassed: bool
    raw_bytes: Cycles
    encoded_bytes: Cycles
    stored_bytes: Cycles


class CoreForm(_Form):
    """What one of several cores did for a layer, or in the whole run."""

    core: Cycles
    start_cycle: Cycles | None = None
    end_cycle: Cycles | None = None
    cycles: Cycles
    issue_cycles: dict[str, Cycles]
    idle_cycles: dict[str, Cycles]
    late_because: dict[str, Cycles]
    dram_late_because: dict[str, Cycles] | None = None
    tail_cycles: Cycles
    gain_cycles: Cycles = 0
    macs: Cycles
    dram_bytes: Cycles


Cores = Annotated[tuple[CoreForm, ...], Field(min_length=1)]


class LayerForm(_Form):
    """One timed layer; :class:`simulator.results.LayerResult` says what each field means."""

    name: str
    op: str
    dataflow: str
    mapping: dict[str, Any]
    fused: tuple[str, ...] = ()
    ifmap_bits: Cycles
    weight_bits: Cycles
    precision_assumed: bool = False
    start_cycle: Cycles | None
    end_cycle: Cycles | None
    cycles: Cycles | None
    issue_cycles: dict[str, Cycles]
    idle_cycles: dict[str, Cycles]
    late_because: dict[str, Cycles]
    tail_cycles: Cycles
    gain_cycles: Cycles = 0
    macs: Cycles
    effectual_macs: Cycles
    issued_macs: Cycles = 0
    utilization: Amount | None
    accesses: dict[str, dict[str, AccessForm]]
    dram: DramForm
    energy_pj: dict[str, Amount]
    vector_operations: Cycles = 0
    resident: dict[str, bool | str] | None = None
    compat_scalesim: dict[str, Any] | None = None
    mapping_error: str | None = None
    pe_cycles: dict[str, Cycles] | None = None
    pe_load: tuple[Cycles, ...] | None = None
    pe_use: PeUseForm | None = None
    edge: dict[str, EdgeForm] | None = None
    bandwidth_cycles: Cycles | None = None
    bus_because: dict[str, Cycles] | None = None
    dram_late_because: dict[str, Cycles] | None = None
    formats: dict[str, FormatForm] | None = None
    cores: Cores | None = None


class TotalForm(_Form):
    """The whole network."""

    cycles: Cycles | None
    latency_s: Amount | None
    energy_pj: Amount
    power_w: Amount | None
    macs: Cycles
    effectual_macs: Cycles
    throughput_ops_per_second: Amount | None
    efficiency_ops_per_joule: Amount | None
    effectual_throughput_ops_per_second: Amount | None
    effectual_efficiency_ops_per_joule: Amount | None
    dram_bytes: Cycles
    area_mm2: Amount | None
    utilization: Amount | None
    issue_cycles: dict[str, Cycles]
    idle_cycles: dict[str, Cycles]
    tail_cycles: Cycles
    energy_by_component_pj: dict[str, Amount]
    dram_bytes_without_residency: Cycles | None = None
    dram_bytes_without_depth_first: Cycles | None = None
    cores: Cores | None = None


class PriceForm(_Form):
    """A price with its source."""

    name: str
    value: Amount
    unit: str
    source: str
    mark: str


class BufferForm(_Form):
    """A buffer, and how full it was."""

    name: str
    capacity_bytes: Cycles
    resident_bytes: Cycles = 0
    peak_bytes: Cycles
    peak_resident_bytes: Cycles = 0
    mean_bytes: Amount
    peak_bytes_by_layer: tuple[Cycles, ...] = ()


class UntimedForm(_Form):
    """A layer that costs the accelerator nothing."""

    name: str
    op: str
    reason: str
    macs: Cycles = 0


class ZerosForm(_Form):
    """What is known of zeros, and what the hardware makes of them."""

    weight_density: Share = 1.0
    activation_density: Share = 1.0
    declared: list[str] = Field(default_factory=list)
    seed: Annotated[int, Field(ge=0)] = 0
    exploited: str = ""


class WorkloadForm(_Form):
    """One of several networks that ran at once (:func:`simulator.machines.tenants.run_tenants`)."""

    name: str
    batch: Annotated[int, Field(ge=1)] = 1
    cores: tuple[Cycles, ...]
    layers: Cycles
    cycles: Cycles
    latency_s: Amount
    alone_cycles: Cycles
    slowdown: Amount
    macs: Cycles
    dram_bytes: Cycles
    dram_share: Share
    dram_bytes_per_cycle: Amount
    energy_pj: Amount
    waited_cycles: dict[str, Cycles]
    zeros: ZerosForm | None = None


class ResultForm(_Form):
    """A result file; its JSON Schema is published as ``docs/schema/result.json``."""

    schema_: Annotated[str, Field(alias="schema", pattern=r"^simulator\.result/1$")]
    simulator_version: str
    workload: str
    accelerator: str
    clock_hz: Positive
    fidelity: str
    dataflow: str
    energy_profile: str
    batch: Annotated[int, Field(ge=1)] = 1
    objective: str = "latency"
    peak_macs_per_cycle: Annotated[int, Field(ge=1)]
    dram_bytes_per_cycle: Positive
    warnings: tuple[str, ...] = ()
    buffers: tuple[BufferForm, ...] = ()
    layers: tuple[LayerForm, ...]
    not_timed: tuple[UntimedForm, ...] = ()
    total: TotalForm
    energy_sources: tuple[PriceForm, ...] = ()
    dram_system: DramSystemForm | None = None
    zeros: ZerosForm | None = None
    workloads: tuple[WorkloadForm, ...] = ()


def load_result(path: Path) -> RunResult:
    """Read a result that ``--json`` or ``RunResult.to_json`` wrote.

    Raises
    ------
    SimulatorError
        The file cannot be read or is no result; every fault of form at once. Its cycles do not add up.
    """
    data = read_json(path, SimulatorError)
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else type(data).__name__
        message = f"{path}: schema = {found!r}; give a result of `simulator run ... --json FILE` ({SCHEMA!r})"
        raise SimulatorError(message)
    result = _result(parse_form(ResultForm, data, str(path), SimulatorError))
    check_result(result, str(path))
    return result


def _result(form: ResultForm) -> RunResult:
    values = form.model_dump(exclude={"schema_"})
    values["layers"] = tuple(_layer(row) for row in values["layers"])
    values["zeros"] = values["zeros"] or {}
    values["total"] = Total(**{**values["total"], "cores": _parts(values["total"]["cores"])})
    return RunResult(**values)


def _layer(row: dict[str, Any]) -> LayerResult:
    levels = row["accesses"]
    accesses = {level: {name: Access(**access) for name, access in by.items()} for level, by in levels.items()}
    always = ("row_hit_rate", "limiter")
    dram = {name: value for name, value in row["dram"].items() if value is not None or name in always}
    return LayerResult(**{**row, "accesses": accesses, "dram": dram, "cores": _parts(row["cores"])})


def _parts(cores: tuple[dict[str, Any], ...] | None) -> tuple[dict[str, Any], ...] | None:
    """Leave out what a run in bandwidth fidelity does not know of its cores."""
    if cores is None:
        return None
    return tuple({name: value for name, value in part.items() if value is not None} for part in cores)


def result_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of results, published as ``docs/schema/result.json``."""
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA}
    return about | ResultForm.model_json_schema(by_alias=True)
