"""Holds what ``--explain`` says on a layer, line by line, against the result's own JSON."""

import re
from collections.abc import Callable

from tests.report.faults import ISSUE_NAMES, NUMBER, WAIT_NAMES, WAITS, Faults, Row, largest_of, parts_of, traffic

LATE = {
    "queue_order": "the transfer stood behind one in its queue",
    "slot": "its buffer slot was not free earlier",
    "dram_bus": "the DRAM bus was busy",
    "latency": "the DRAM latency was not hidden",
    "data": "the data itself was not made yet",
    "other_core": "the DRAM served other cores meanwhile",
    "scratchpad": "its tile was not in the scratchpad that cores share",
    "codec": "the codec was not through with it",
}
DRAM_LATE = {
    "bus": "its data buses moved bursts",
    "row_conflict": "another row had to be closed",
    "tfaw": "too many rows were opened at once",
    "refresh": "it refreshed itself",
    "tccd_l": "bursts of one bank group keep a distance",
    "turnaround": "its data buses turned",
    "starvation": "a channel had nothing to move",
}


def bounds(row: Row) -> list[str]:
    """Return how the words after ``bound by`` may begin."""
    parts = parts_of(row)
    most = max(sum(kinds.values()) for kinds in parts.values())
    told = []
    for kinds in parts.values():
        if sum(kinds.values()) == most:
            told += [_bound_words(name, row) for name in largest_of(kinds)]
    return told


def _bound_words(name: str, row: Row) -> str:
    if name == "useful":
        unit = "vector unit" if row["dataflow"] == "vector" else "array"
        return f"the {unit} (useful work is the largest part of its time)"
    if name == "bus":
        return "the buses and banks between its buffers and the array"
    if name == "tail":
        return "writing its last outputs back"
    return f"{name} of the array: " if name in ISSUE_NAMES else f"its wait for the {WAIT_NAMES[name]}"


def faults_of_explanation(lines: list[str], data: Row, name: str) -> Faults:
    """Return what is wrong in the words on the layer ``name``."""
    row = next(layer for layer in data["layers"] if layer["name"] == name)
    faults = faults_of_lines(lines, row, data)
    causes = sum(1 for cycles in row["idle_cycles"].values() if cycles)
    told = [line for line in lines if line.strip().startswith("Waited ") and "for nothing" not in line]
    faults.same(len(told), causes, "waits told")
    return faults


def _first(found: re.Match[str], row: Row, data: Row, faults: Faults) -> None:
    faults.same((found[1], found[2], found[3]), (row["name"], row["op"], row["dataflow"]), "title")
    faults.same(found[4].replace(",", ""), str(row["cycles"]), "cycles")
    faults.near(found[5], 100 * row["cycles"] / data["total"]["cycles"], "share of the run")
    if not any(found[6].startswith(words) for words in bounds(row)):
        faults.append(f"{row['name']}: bound by {found[6]!r}, may be {bounds(row)}")


def _busy(found: re.Match[str], row: Row, _: Row, faults: Faults) -> None:
    parts = re.findall(rf"([a-z ]+) {NUMBER} \({NUMBER} %\)", found[1])
    told = {name.strip().removeprefix("operand "): (cycles, share) for name, cycles, share in parts}
    faults.same(set(told), {name for name, cycles in row["issue_cycles"].items() if cycles}, "busy with")
    for name, (cycles, share) in told.items():
        faults.same(cycles.replace(",", ""), str(row["issue_cycles"].get(name)), name)
        faults.near(share, 100 * row["issue_cycles"].get(name, 0) / row["cycles"], f"share of {name}")
    faults.same(found[2] is not None, bool(row["macs"]), "utilization told")
    if found[2]:
        faults.near(found[2], 100 * row["utilization"], "utilization")
    if found[3]:
        faults.near(found[3], 100 * row["macs"] / row["issued_macs"], "products asked for")
        faults.same(row["issued_macs"] >= row["macs"], True, "products asked for are a part of those computed")
    if found[4]:
        faults.near(found[4], 100 * row["issued_macs"] / row["macs"], "products computed")


def _held(found: re.Match[str], row: Row, _: Row, faults: Faults) -> None:
    what = found[2]
    banks = re.fullmatch(r"the ports of the banks of (.+)", what)
    key = f"banks.{banks[1]}" if banks else what.removeprefix("the ").replace(" ", "_")
    key = {"bus_that_operands_share": "shared_bus"}.get(key, key)
    faults.same(found[1].replace(",", ""), str((row["bus_because"] or {}).get(key)), what)


def _waited(found: re.Match[str], row: Row, _: Row, faults: Faults) -> None:
    cause = next((cause for cause, words in WAITS.items() if found[3] == words), "")
    faults.same(found[1].replace(",", ""), str(row["idle_cycles"].get(cause)), f"wait: {found[3]}")
    faults.near(found[2], 100 * row["idle_cycles"].get(cause, 0) / row["cycles"], f"share of the wait: {found[3]}")


def _late(found: re.Match[str], row: Row, _: Row, faults: Faults) -> None:
    cause = next((cause for cause, words in LATE.items() if found[1].startswith(words)), "")
    faults.same(found[2].replace(",", ""), str(row["late_because"].get(cause)), f"late because {found[1]}")


def _held_dram(found: re.Match[str], row: Row, _: Row, faults: Faults) -> None:
    cause = next((cause for cause, words in DRAM_LATE.items() if found[2].startswith(words)), "")
    faults.same(found[1].replace(",", ""), str(row["dram_late_because"].get(cause)), f"DRAM late because {found[2]}")


def _tail(found: re.Match[str], row: Row, _: Row, faults: Faults) -> None:
    faults.same(found[1].replace(",", ""), str(row["tail_cycles"]), "tail")
    faults.near(found[2], 100 * row["tail_cycles"] / row["cycles"], "share of the tail")


def _gain(found: re.Match[str], row: Row, _: Row, faults: Faults) -> None:
    faults.same(found[1].replace(",", ""), str(row["gain_cycles"]), "gain")
    faults.near(found[2], 100 * row["gain_cycles"] / row["cycles"], "share of the gain")
    faults.same(row["gain_cycles"] <= sum(row["idle_cycles"].values()), True, "gain within the waits")


def _nothing(_found: re.Match[str], row: Row, _: Row, faults: Faults) -> None:
    faults.same(sum(row["idle_cycles"].values()) + row["tail_cycles"], 0, "waited for nothing")


def _fused(found: re.Match[str], row: Row, _: Row, faults: Faults) -> None:
    faults.same(found[1], ", ".join(row["fused"]), "done on the way")


def _balance(found: re.Match[str], row: Row, data: Row, faults: Faults) -> None:
    faults.near(found[1], traffic(row) / 1e6, "DRAM")
    faults.near(found[2], 100 * traffic(row) / data["dram_bytes_per_cycle"] / row["cycles"], "least share of DRAM")
    faults.same(found[3] is not None, bool(row["macs"] and traffic(row)), "intensity told")
    if found[3]:
        faults.near(found[3], row["macs"] / traffic(row), "MAC a byte")
        faults.near(found[4], data["peak_macs_per_cycle"] / data["dram_bytes_per_cycle"], "balance")


Check = Callable[[re.Match[str], Row, Row, Faults], None]
BUSY = (
    rf"(?:Busy cycles: (.+?)|Never busy)\.(?: Utilization {NUMBER} % of peak"
    rf"(?:; {NUMBER} % of the products computed were asked for|; computed {NUMBER} % of the dense products"
    r", without zeros that it skips)\.)?"
)
BALANCE = (
    rf"DRAM: {NUMBER} MB; at full bandwidth that alone takes {NUMBER} % of its cycles\."
    rf"(?: It does {NUMBER} MAC a byte; the machine balances at {NUMBER}\.)?"
)
EXPLANATION: list[tuple[str, Check]] = [
    (rf"(.+) \((\w+), (\w+)\): {NUMBER} cycles, {NUMBER} % of the run, bound by (.+)\.", _first),
    (BUSY, _busy),
    (rf"Of these, {NUMBER} cycles because (.+) served the array slower than it computes\.", _held),
    (rf"Waited {NUMBER} cycles \({NUMBER} %\): (.+)\.", _waited),
    (rf"late because (.+): {NUMBER} cycles\.", _late),
    (rf"in {NUMBER} of them (.+)\.", _held_dram),
    (rf"Wrote its last outputs back for {NUMBER} cycles \({NUMBER} %\)\.", _tail),
    (r"Waited for nothing\.", _nothing),
    (rf"Removing each wait's last cause alone could save at most {NUMBER} cycles \({NUMBER} %\)\.", _gain),
    (r"Done on its outputs on their way: (.+)\.", _fused),
    (BALANCE, _balance),
]


def faults_of_lines(lines: list[str], layer: Row, data: Row) -> Faults:
    """Return what is wrong in some of the lines on a layer."""
    faults = Faults()
    for line in lines:
        pairs = [(found, check) for pattern, check in EXPLANATION if (found := re.fullmatch(pattern, line.strip()))]
        if not pairs:
            faults.append(f"{layer['name']}: nobody knows how to check {line!r}")
        for found, check in pairs[:1]:
            check(found, layer, data, faults)
    return faults
