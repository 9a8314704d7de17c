"""The words around the table: what was run, the totals with their units, the prices, the warnings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simulator.core_results import sum_by_name
from simulator.report.breakdown import DRAM_LATE_WORDS, time_split
from simulator.report.quantities import count, percent, printable, significant, with_prefix
from simulator.results import RunResult
from simulator.units import OPS_PER_MAC, PJ_PER_J

MARKS = "F found in print, M measured, R recalled, A assumed, G given by the user"


def heading(result: RunResult, *, default_accelerator: bool = False) -> list[tuple[str, str]]:
    """Return what was run, as (name, value) lines."""
    clock = with_prefix(result.clock_hz, "Hz")
    default = ", the default" if default_accelerator else ""
    peak = with_prefix(peak_ops_per_second(result), "OP/s")
    dram = with_prefix(result.dram_bytes_per_cycle * result.clock_hz, "B/s")
    return [
        *_workloads(result),
        (
            "accelerator",
            f"{printable(result.accelerator)} ({clock}, peak {peak} at one MAC a PE, DRAM {dram}{default})",
        ),
        ("dataflow", f"{result.dataflow}, mapped for {result.objective}"),
        ("fidelity", _fidelity(result)),
        ("energy profile", result.energy_profile),
        *_zeros(result),
    ]


def _workloads(result: RunResult) -> Iterator[tuple[str, str]]:
    """Name the network, or each of several that ran at once with its cores."""
    if not result.workloads:
        yield "workload", f"{printable(result.workload)}, batch {result.batch}"
    for row in result.workloads:
        cores = ", ".join(str(core) for core in row["cores"])
        plural = "core" if len(row["cores"]) == 1 else "cores"
        yield "workload", f"{printable(str(row['name']))}, batch {row['batch']}, on {plural} {cores}"


def _zeros(result: RunResult) -> list[tuple[str, str]]:
    """Say which zeros are known and what the hardware makes of them, where there are any."""
    zeros = result.zeros
    if not zeros.get("declared"):
        return []
    shares = [
        f"{percent(1 - zeros[f'{operand}_density'])} % of {plural}"
        for operand, plural in (("weight", "weights"), ("activation", "activations"))
        if zeros[f"{operand}_density"] < 1
    ]
    text = f"{' and '.join(shares) or 'none'} ({printable('; '.join(zeros['declared']))}; seed {zeros['seed']})"
    return [("zeros", text), ("exploited", printable(zeros["exploited"]))]


def _fidelity(result: RunResult) -> str:
    """Name the fidelity; of an event run also its DRAM and the distance to bandwidth fidelity."""
    system = result.dram_system
    if system is None:
        return result.fidelity
    plain = sum(layer.bandwidth_cycles or 0 for layer in result.layers)
    distance = f"; bandwidth fidelity: {count(plain)} cycles" if plain else ""
    return f"{result.fidelity}, DRAM {printable(str(system['origin']))}{distance}"


def peak_ops_per_second(result: RunResult) -> float:
    """Return the array's peak where each PE makes one product a cycle [OP/s]."""
    return OPS_PER_MAC * result.peak_macs_per_cycle * result.clock_hz


def totals(result: RunResult) -> list[tuple[str, str]]:
    """Return the totals as (name, value with unit) lines; a run without times has counts only."""
    total = result.total
    lines = [("MACs", f"{with_prefix(total.macs, 'MAC', 4)}{_effectual(result)}")]
    if total.cycles is None:
        return [*lines, ("cycles", "unknown: a layer has no mapping (mapping_error)")]
    latency_s = total.latency_s or 0.0
    throughput = with_prefix(total.throughput_ops_per_second, "OP/s")
    efficiency = with_prefix(total.efficiency_ops_per_joule, "OP/s/W")
    lines += [
        ("latency", f"{with_prefix(total.latency_s, 's', 4)} ({count(total.cycles)} cycles)"),
        ("throughput", f"{throughput} dense-equivalent{_when_sparse(result, 'throughput')}"),
        ("efficiency", f"{efficiency} dense-equivalent{_when_sparse(result, 'efficiency')}"),
        ("utilization", f"{percent(total.utilization)} % of the peak at each layer's bits"),
        ("time", _shares(time_split(total))),
        *_pe_cycles(result),
        ("power", f"{with_prefix(total.power_w, 'W')} mean"),
        ("energy", f"{with_prefix(total.energy_pj / PJ_PER_J, 'J', 4)}: {_shares(total.energy_by_component_pj)}"),
        ("DRAM", _dram(result, latency_s)),
        *_last_level(result),
        *_together(result),
        *_residency(result),
        *_depth_first(result),
        *_buffers(result),
        *_dram_waits(result),
    ]
    if total.area_mm2 is not None:
        lines.append(("area", f"{significant(total.area_mm2)} mm\N{SUPERSCRIPT TWO} of array and buffers"))
    return lines


def _pe_cycles(result: RunResult) -> list[tuple[str, str]]:
    """Say where the multipliers' cycles went, where an engine counts them."""
    parts: dict[str, float] = {}
    for layer in result.layers:
        for name, value in (layer.pe_cycles or {}).items():
            parts[name.replace("_", " ")] = parts.get(name.replace("_", " "), 0) + value
    return [("PE-cycles", _shares(parts))] if parts else []


def _effectual(result: RunResult) -> str:
    total = result.total
    return "" if total.effectual_macs == total.macs else f", {with_prefix(total.effectual_macs, 'MAC', 4)} effectual"


def _when_sparse(result: RunResult, quantity: str) -> str:
    """Name the effectual figure beside the dense-equivalent one where the two differ."""
    if result.total.effectual_macs == result.total.macs:
        return " (no zeros declared: effectual is the same)"
    field, unit = {
        "throughput": ("effectual_throughput_ops_per_second", "OP/s"),
        "efficiency": ("effectual_efficiency_ops_per_joule", "OP/s/W"),
    }[quantity]
    return f", {with_prefix(getattr(result.total, field), unit)} effectual"


def _dram(result: RunResult, latency_s: float) -> str:
    traffic = result.total.dram_bytes
    text = with_prefix(traffic, "B")
    if latency_s <= 0:
        return text
    mean, peak = traffic / latency_s, result.dram_bytes_per_cycle * result.clock_hz
    return f"{text}, mean {with_prefix(mean, 'B/s')} ({percent(mean, peak)} % of its peak)"


def _last_level(result: RunResult) -> list[tuple[str, str]]:
    """Say what a scratchpad that cores share spared the DRAM, where there is one."""
    every = [access for layer in result.layers for access in layer.accesses.get("last_level", {}).values()]
    if not any("last_level" in layer.accesses for layer in result.layers):
        return []
    reads, writes = sum(one.reads for one in every), sum(one.writes for one in every)
    if not writes:
        return [("last level", "nothing: no layer has tiles that several cores read alike and that fit")]
    moved = sum(one.bytes for one in every)
    fetched, read = (with_prefix(moved * part / (reads + writes), "B") for part in (writes, reads))
    return [("last level", f"{fetched} fetched once for {read} that cores read")]


def _dram_waits(result: RunResult) -> list[tuple[str, str]]:
    """Say what held the DRAM while arrays waited for it, where they did for a tenth of the time or more.

    Causes of less than a thousandth are left out.
    """
    layers = [layer for layer in result.layers if layer.dram_late_because is not None]
    parts = sum_by_name([layer.dram_late_because or {} for layer in layers])
    waited, cycles = sum(parts.values()), sum(layer.cycles or 0 for layer in layers)
    if not waited or waited * 10 < cycles:
        return []
    shown = {name: part for name, part in parts.items() if part * 1000 >= waited}
    shares = _shares({DRAM_LATE_WORDS.get(name, printable(name)): part for name, part in shown.items()}, waited)
    return [("DRAM waits", f"{count(waited)} cycles: {shares}")]


def _together(result: RunResult) -> Iterator[tuple[str, str]]:
    """Say of each of several networks how long it took beside the others and alone, and whom it waited for."""
    peak = result.dram_bytes_per_cycle
    for row in result.workloads:
        text = f"{with_prefix(row['latency_s'], 's', 4)} ({count(row['cycles'])} cycles)"
        if len(result.workloads) > 1:
            alone = with_prefix(row["alone_cycles"] / result.clock_hz, "s", 4)
            text += f", alone {alone}: {row['slowdown']:.3f} times as long"
        share = percent(row["dram_bytes_per_cycle"], peak)
        text += f"; {percent(row['dram_share'])} % of all DRAM bytes, {share} % of its peak while it ran"
        waited = {name: cycles for name, cycles in row["waited_cycles"].items() if cycles}
        if waited:
            text += f"; waited while the DRAM served {_shares_of_time(waited, row)}"
        yield printable(str(row["name"])), text


def _shares_of_time(waited: Mapping[str, int], row: Mapping[str, Any]) -> str:
    """Return cycles by network as shares of the time of the waiting network's cores."""
    whole = max(1, row["cycles"] * len(row["cores"]))
    own = {row["name"]: f"{row['name']} on another core"}
    return ", ".join(f"{printable(own.get(name, name))} {percent(part, whole)} %" for name, part in waited.items())


def _residency(result: RunResult) -> Iterator[tuple[str, str]]:
    """Say what keeping ofmaps on chip saved, where the accelerator does; and which it could not keep."""
    stays = [layer for layer in result.layers if layer.resident]
    if not stays:
        return
    kept = sum(bool(layer.resident and layer.resident["ofmap"]) for layer in stays)
    without = result.total.dram_bytes_without_residency
    saved = "traffic without it is not known: a layer has no mapping then"
    if without is not None:
        saved = f"DRAM traffic {with_prefix(result.total.dram_bytes, 'B')} instead of {with_prefix(without, 'B')}"
    yield "residency", f"{kept} of {len(stays)} ofmaps stay on chip: {saved}"
    spilled = [layer.resident["why_in_dram"] for layer in stays if layer.resident and not layer.resident["ofmap"]]
    if spilled:
        reasons = {reason: spilled.count(reason) for reason in dict.fromkeys(spilled)}
        yield "in DRAM", ", ".join(f"{number} ({reason})" for reason, number in reasons.items())


def _depth_first(result: RunResult) -> Iterator[tuple[str, str]]:
    """Say what running chains stripe by stripe changed in DRAM traffic."""
    without = result.total.dram_bytes_without_depth_first
    if without is not None:
        traffic = f"{with_prefix(result.total.dram_bytes, 'B')} instead of {with_prefix(without, 'B')}"
        yield "depth first", f"chains run stripe by stripe: DRAM traffic {traffic} layer by layer"


def _buffers(result: RunResult) -> Iterator[tuple[str, str]]:
    """Say how full each buffer was at most."""
    rows = [
        f"{printable(str(row['name']))} {with_prefix(row['peak_bytes'], 'B')} of "
        f"{with_prefix(row['capacity_bytes'], 'B')}"
        for row in result.buffers
    ]
    if rows:
        yield "buffers", f"at most {', '.join(rows)}"


def _shares(parts: Mapping[str, float], whole: float | None = None) -> str:
    """List what is not zero, largest first, in percent of ``whole`` (None: the sum)."""
    whole = sum(parts.values()) if whole is None else whole
    ordered = sorted((item for item in parts.items() if item[1]), key=lambda item: -item[1])
    return ", ".join(f"{name} {percent(value, whole)} %" for name, value in ordered)


def price_lines(result: RunResult) -> Iterator[str]:
    """Yield each price with its unit and mark, then the numbered sources they refer to."""
    sources: dict[str, int] = {}
    prices = []
    for row in result.energy_sources:
        number = sources.setdefault(str(row["source"]), len(sources) + 1)
        prices.append(f"{row['name']} {significant(float(row['value']))} {row['unit']} {row['mark']}[{number}]")
    if not prices:
        return
    yield f"prices ({printable(result.energy_profile)}; {MARKS}):"
    for first in range(0, len(prices), 4):
        yield "  " + printable("; ".join(prices[first : first + 4]))
    for source, number in sources.items():
        yield f"  [{number}] {printable(source)}"


def remarks(result: RunResult) -> list[str]:
    """Return warnings, faults of mapping and what was not timed, one a line."""
    lines = [f"warning: {printable(text)}" for text in result.warnings]
    lines += [f"no mapping: {printable(layer.mapping_error)}" for layer in result.layers if layer.mapping_error]
    untimed = [row for row in result.not_timed if row["reason"] == "renames data"]
    if untimed:
        what = "1 layer that only renames" if len(untimed) == 1 else f"{len(untimed)} layers that only rename"
        lines.append(f"not timed: {what} data ({_names(untimed)})")
    return lines


def _names(rows: Sequence[Mapping[str, Any]], shown: int = 4) -> str:
    names = ", ".join(printable(str(row["name"])) for row in rows[:shown])
    return names + (", ..." if len(rows) > shown else "")
