"""Whether the numbers of a result read from a file agree with each other: it may have been edited, or cut."""

import math
from typing import Any, NoReturn

from simulator.errors import SimulatorError
from simulator.report.breakdown import dram_bytes
from simulator.results import LayerResult, RunResult
from simulator.units import OPS_PER_MAC, PJ_PER_J

ROUNDING = 1e-9  # sums and quotients of floats


def check_result(result: RunResult, where: str) -> None:
    """Refuse a result whose numbers contradict each other: it was edited, or cut.

    Raises
    ------
    SimulatorError
        Naming file, field, value, and what the other fields say.
    """
    for index, layer in enumerate(result.layers):
        spent = sum(layer.issue_cycles.values()) + sum(layer.idle_cycles.values()) + layer.tail_cycles
        if layer.cycles is not None and spent != layer.cycles:
            _refuse(
                f"{where}: layers[{index}].cycles (in {layer.name!r}) = {layer.cycles}: issue + idle + tail = {spent}"
            )
        if (layer.utilization or 0.0) > 1 + ROUNDING:
            _refuse(f"{where}: layers[{index}].utilization (in {layer.name!r}) = {layer.utilization}: is more than 1")
        if layer.cycles and layer.utilization is None:
            _refuse(f"{where}: layers[{index}].utilization (in {layer.name!r}) = null, though its cycles are known")
        if layer.cycles is None and layer.mapping_error is None:
            _refuse(f"{where}: layers[{index}].cycles (in {layer.name!r}) = null, and no mapping_error says why")
        _check_lateness(layer, f"{where}: layers[{index}]")
        _check_use(layer, f"{where}: layers[{index}].pe_use (in {layer.name!r})")
        _check_parts(layer, f"{where}: layers[{index}].cores", f"(in {layer.name!r})")
    check_total(result, f"{where}: total")


def check_total(result: RunResult, where: str) -> None:
    """Refuse totals that are not what the layers add up to."""
    for name, expected in expected_total(result).items():
        found = getattr(result.total, name)
        if not _same(found, expected):
            _refuse(f"{where}.{name} = {_shown(found)}: the layers give {_shown(expected)}")
    _check_effectual(result, where)
    total = result.total
    spent = sum(total.issue_cycles.values()) + sum(total.idle_cycles.values()) + total.tail_cycles
    if total.cycles is not None and spent != total.cycles:
        _refuse(f"{where}.cycles = {total.cycles}: issue + idle + tail = {spent}")
    if total.cycles and (total.utilization is None or total.utilization > 1 + ROUNDING):
        _refuse(f"{where}.utilization = {_shown(total.utilization)}: no share of the peak, though cycles are known")


def _check_effectual(result: RunResult, where: str) -> None:
    """Refuse effectual products that cannot be: of the host's layers, results say only how many products they have."""
    timed = sum(layer.effectual_macs for layer in result.layers)
    host = sum(int(row["macs"]) for row in result.not_timed)
    found = result.total.effectual_macs
    if not timed <= found <= timed + host:
        _refuse(f"{where}.effectual_macs = {found}: the layers give {timed} to {timed + host}")


def expected_total(result: RunResult) -> dict[str, Any]:
    """Return the fields of ``total`` that follow from the layers, the clock and each other.

    Examples
    --------
    >>> from simulator import simulate
    >>> result = simulate("lenet5_int8", "gemmini_like_16")
    >>> expected_total(result)["dram_bytes"] == result.total.dram_bytes
    True
    """
    layers, total = result.layers, result.total
    macs, effectual = sum(layer.macs for layer in layers), sum(layer.effectual_macs for layer in layers)
    host = sum(int(row["macs"]) for row in result.not_timed)
    parts: dict[str, float] = {}
    for layer in layers:
        for name, energy_pj in layer.energy_pj.items():
            parts[name] = parts.get(name, 0) + energy_pj
    energy_pj = sum(parts.values())
    expected: dict[str, Any] = {
        "macs": macs + host,
        "dram_bytes": sum(dram_bytes(layer) for layer in layers),
        "energy_pj": energy_pj,
        "energy_by_component_pj": parts,
    }
    if total.cores is None:
        known = all(layer.cycles is not None for layer in layers)
        expected["cycles"] = sum(layer.cycles or 0 for layer in layers) if known else None
    expected |= _rates(result, macs, effectual, energy_pj)
    return expected


def _rates(result: RunResult, macs: int, effectual: int, energy_pj: float) -> dict[str, float | None]:
    """Return what follows from a time: None where there is none."""
    latency_s = None if result.total.cycles is None else result.total.cycles / result.clock_hz
    joules = energy_pj / PJ_PER_J
    return {
        "latency_s": latency_s,
        "power_w": joules / latency_s if latency_s else None,
        "throughput_ops_per_second": OPS_PER_MAC * macs / latency_s if latency_s else None,
        "efficiency_ops_per_joule": OPS_PER_MAC * macs / joules if latency_s and joules else None,
        "effectual_throughput_ops_per_second": OPS_PER_MAC * effectual / latency_s if latency_s else None,
        "effectual_efficiency_ops_per_joule": OPS_PER_MAC * effectual / joules if latency_s and joules else None,
    }


def _same(found: Any, expected: Any) -> bool:  # noqa: ANN401 - a number, None, or numbers by name
    if isinstance(expected, dict):
        names = {*found, *expected}
        return all(_same(found.get(name, 0), expected.get(name, 0)) for name in names)
    if found is None or expected is None:
        return found is expected
    return found == expected if isinstance(expected, int) else math.isclose(found, expected, rel_tol=ROUNDING)


def _shown(value: Any) -> str:  # noqa: ANN401 - as above
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_shown(part)}" for name, part in value.items()) + "}"
    return "null" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)


def _check_parts(layer: LayerResult, field: str, inside: str) -> None:
    """Refuse a core's part of a layer whose own cycles do not add up."""
    for index, part in enumerate(layer.cores or ()):
        spent = sum(part["issue_cycles"].values()) + sum(part["idle_cycles"].values()) + part["tail_cycles"]
        if spent != part["cycles"]:
            _refuse(f"{field}[{index}].cycles {inside} = {part['cycles']}: issue + idle + tail = {spent}")


def _check_lateness(layer: LayerResult, where: str) -> None:
    """Refuse parts of the DRAM's lateness that do not add up to it."""
    parts, whole = layer.dram_late_because, layer.late_because.get("dram_bus", 0)
    if parts is not None and sum(parts.values()) != whole:
        _refuse(
            f"{where}.dram_late_because (in {layer.name!r}) adds up to {sum(parts.values())}: "
            f"late_because.dram_bus = {whole}"
        )


def _check_use(layer: LayerResult, field: str) -> None:
    """Refuse PEs outside the array, and those whose mean is not the layer's utilization."""
    use = layer.pe_use
    if use is None or not layer.cycles:
        return
    used = 0.0
    for row, column, rows, columns, cycles in use["blocks"]:
        if row + rows > use["rows"] or column + columns > use["columns"]:
            _refuse(
                f"{field} = {[row, column, rows, columns]}: reaches over the {use['rows']} x {use['columns']} array"
            )
        used += rows * columns * cycles
    mean = used / (use["rows"] * use["columns"] * layer.cycles)
    if abs(mean - (layer.utilization or 0.0)) > ROUNDING:
        _refuse(f"{field}: the mean of its PEs is {mean:.6g}, but utilization = {layer.utilization}")


def _refuse(fault: str) -> NoReturn:
    message = f"{fault}; the file was changed after `simulator run` wrote it: run again"
    raise SimulatorError(message)
