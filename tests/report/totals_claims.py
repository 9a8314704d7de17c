"""Holds the totals that every run prints against the result's own JSON."""

import re

from tests.report.faults import NUMBER, PREFIXES, WAIT_NAMES, Faults, Row

ISSUE_WORDS = {"bus": "operand bus"}
TOTALS = {
    "MACs": ("MAC", "macs"),
    "latency": ("s", "latency_s"),
    "throughput": ("OP/s", "throughput_ops_per_second"),
    "efficiency": ("OP/s/W", "efficiency_ops_per_joule"),
    "power": ("W", "power_w"),
    "energy": ("J", "energy_pj"),
    "DRAM": ("B", "dram_bytes"),
}


def faults_of_totals(lines: list[tuple[str, str]], data: Row) -> Faults:
    """Return what is wrong in the totals: each number of the lines that every run has."""
    faults, told, total = Faults(), dict(lines), data["total"]
    for name, (scale, field) in TOTALS.items():
        number = re.match(rf"{NUMBER} (.?){scale}\b", told[name])
        if number:
            faults.near(
                number[1], total[field] * (1e-12 if field == "energy_pj" else 1) / PREFIXES.get(number[2], 1), name
            )
        else:
            faults.append(f"nobody knows how to check {name} {told[name]!r}")
    sparse = total["effectual_macs"] != total["macs"]
    for name in ("throughput", "efficiency"):
        faults.same("no zeros declared" in told[name], not sparse, f"{name}: zeros")
    cycles = re.search(rf"\({NUMBER} cycles\)", told["latency"])
    faults.same(cycles and cycles[1].replace(",", ""), str(total["cycles"]), "cycles")
    faults.near(told["utilization"].split()[0], 100 * total["utilization"], "utilization")
    mean, share = re.findall(rf"mean {NUMBER} .?B/s \({NUMBER} % of its peak\)", told["DRAM"])[0]
    faults.near(
        share, 100 * total["dram_bytes"] / data["dram_bytes_per_cycle"] / total["cycles"], f"DRAM's share: {mean}"
    )
    split = {ISSUE_WORDS.get(name, name): cycles for name, cycles in total["issue_cycles"].items()}
    split |= {f"wait: {WAIT_NAMES[name]}": cycles for name, cycles in total["idle_cycles"].items()}
    _check_shares(told["time"], split | {"tail: write-back": total["tail_cycles"]}, faults)
    _check_shares(told["energy"].partition(": ")[2], total["energy_by_component_pj"], faults)
    return faults


def _check_shares(text: str, parts: dict[str, float], faults: Faults) -> None:
    """Hold ``name share %, ...`` against all parts: none missing, none more, the largest first."""
    told = re.findall(rf"([^,%]+?) {NUMBER} %(?:, |$)", text)
    faults.same({name for name, _ in told}, {name for name, part in parts.items() if part}, "parts told")
    values = [parts.get(name, 0) for name, _ in told]
    faults.same(values, sorted(values, reverse=True), "the largest first")
    for name, share in told:
        faults.near(share, 100 * parts.get(name, 0) / sum(parts.values()), name)
