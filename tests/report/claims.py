"""Reads what reports say in words, and holds every number and claim against the result's own JSON.

Written from the words and from the fields of a result, not from the code that writes the words: a sentence that no
pattern here knows, and a number that no pattern accounts for, is a fault as well.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

WAITS = {
    "weight": "weights were not on chip yet",
    "ifmap": "the ifmap was not on chip yet",
    "psum": "the accumulator slot was still in use",
    "ofmap_slot": "earlier outputs still held the slot they leave from",
    "dependency": "the layer before was not finished",
    "vector": "the vector unit was still busy",
    "host": "the host was not finished",
}
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
WAIT_NAMES = {cause: cause.replace("_", " ") for cause in WAITS} | {"vector": "vector unit"}
ISSUE_NAMES = ("useful", "fill", "drain", "imbalance", "bus")
PREFIXES = {
    "f": 1e-15,
    "p": 1e-12,
    "n": 1e-9,
    "\N{MICRO SIGN}": 1e-6,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
}
NUMBER = r"([\d,]+(?:\.\d+)?(?:e-?\d+)?)"
Row = dict[str, Any]


class Faults(list[str]):
    """What was said and is not so."""

    def near(self, said: str, true: float, what: str) -> None:
        """Note a number that is not ``true`` at the digits it is said with."""
        digits = said.replace(",", "")
        mantissa, _, power = digits.partition("e")
        step = 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2]))
        if abs(float(digits) - true) > 0.500001 * step:
            self.append(f"{what}: says {said}, is {true:.6g}")

    def same(self, said: object, true: object, what: str) -> None:
        """Note a word or a whole number that is another."""
        if said != true:
            self.append(f"{what}: says {said!r}, is {true!r}")


def parts_of(row: Row) -> dict[str, dict[str, int]]:
    """Return cycles at work, taken without work, and standing still, each by its cause."""
    issue = row["issue_cycles"]
    return {
        "useful": {"useful": issue.get("useful", 0)},
        "without": {name: cycles for name, cycles in issue.items() if name != "useful"},
        "still": row["idle_cycles"] | {"tail": row["tail_cycles"]},
    }


def idle_of(row: Row) -> int:
    """Return the cycles that did no useful work."""
    parts = parts_of(row)
    return sum(parts["without"].values()) + sum(parts["still"].values())


def traffic(row: Row) -> int:
    """Return a layer's DRAM traffic [bytes]."""
    return int(row["dram"]["read_bytes"] + row["dram"]["write_bytes"])


def largest_of(kinds: dict[str, int]) -> list[str]:
    """Return all causes that are largest: a tie may be told either way."""
    return [name for name, cycles in kinds.items() if cycles == max(kinds.values())]


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


def faults_of_answers(told: list[tuple[str, list[str]]], data: Row) -> Faults:
    """Return what is wrong in a page's answers."""
    faults = Faults()
    answers = dict(told)
    bound, bandwidth = answers["What bounds this network?"]
    _check_bound(bound, data, faults)
    _check_bandwidth(bandwidth, data, faults)
    _check_energy(answers["Where does the energy go?"][0], data, faults)
    _check_layers(answers["Which layers to look at?"], data, faults)
    return faults


def _matched(pattern: str, text: str, faults: Faults) -> Iterator[re.Match[str]]:
    found = re.fullmatch(pattern, text)
    if found:
        yield found
    else:
        faults.append(f"nobody knows how to check {text!r}")


def _check_bound(text: str, data: Row, faults: Faults) -> None:
    total = data["total"]
    parts = {name: sum(kinds.values()) for name, kinds in parts_of(total).items()}
    pattern = (
        rf"(.+?) Of {NUMBER} cycles the (units|core that works longest) did useful work in {NUMBER} %, were taken "
        rf"without it \(fill, drain and the like\) in {NUMBER} %, and stood still in {NUMBER} %\."
        rf"(?: The largest part of standing still is (.+): {NUMBER} % of all cycles\.)?"
    )
    for found in _matched(pattern, text, faults):
        faults.same(found[2].replace(",", ""), str(total["cycles"]), "cycles")
        faults.same(found[3] == "units", "cores" not in total, "whose cycles")
        for group, name in ((4, "useful"), (5, "without"), (6, "still")):
            faults.near(found[group], 100 * parts[name] / total["cycles"], f"{name} share")
        _check_verdict(found[1], data, parts, faults)
        still = parts_of(total)["still"]
        faults.same(found[7] is not None, parts["still"] > 0, "what it waits for told")
        if found[7]:
            causes = largest_of(still)
            names = ["writing last outputs back" if c == "tail" else f"waiting for the {WAIT_NAMES[c]}" for c in causes]
            faults.same(found[7] in names, True, f"largest wait {found[7]} of {names}")
            faults.near(found[8], 100 * max(still.values()) / total["cycles"], "largest wait's share")


def _check_verdict(words: str, data: Row, parts: dict[str, int], faults: Faults) -> None:
    cycles = data["total"]["cycles"]
    most = max(parts.values())
    by_vector = [0, 0]
    for layer in data["layers"]:
        by_vector[layer["dataflow"] == "vector"] += layer["issue_cycles"].get("useful", 0)
    share = re.search(rf"the vector unit, at work in {NUMBER} % of the cycles", words)
    if share:
        faults.near(share[1], 100 * by_vector[True] / cycles, "vector unit at work")
        faults.same(by_vector[True] >= by_vector[False], True, "the vector unit works more than the array")
    if words.startswith(("Mostly its own arithmetic", "Mostly the vector unit")):
        faults.same(parts["useful"] > cycles / 2, True, words)
    elif "less than half" in words:
        faults.same(most == parts["useful"] <= cycles / 2, True, words)
    elif words == "Waiting.":
        faults.same(parts["still"], most, words)
    else:
        kind = words.partition(" of the array: ")[0].lower().removeprefix("operand ")
        faults.same(parts["without"], most, words)
        faults.same(kind in largest_of(parts_of(data["total"])["without"]), True, words)


def _check_bandwidth(text: str, data: Row, faults: Faults) -> None:
    total, peak = data["total"], data["dram_bytes_per_cycle"]
    pattern = (
        rf"The DRAM's payload is {NUMBER} (.?)B: at full bandwidth that alone takes {NUMBER} % of the time\. The "
        rf"array reached {NUMBER} % of its peak at each layer's bits\.(?: Even in its useful cycles only {NUMBER} % of "
        r"it had work\.)?( The bandwidth is nearly used up: .+)?"
    )
    for found in _matched(pattern, text, faults):
        faults.near(found[1], total["dram_bytes"] / PREFIXES.get(found[2], 1), "DRAM payload")
        faults.near(found[3], 100 * total["dram_bytes"] / peak / total["cycles"], "time of the payload")
        faults.near(found[4], 100 * total["utilization"], "utilization")
        if found[5]:
            useful = sum(x["issue_cycles"].get("useful", 0) for x in data["layers"] if x["dataflow"] != "vector")
            faults.near(found[5], 100 * total["utilization"] * total["cycles"] / useful, "use in useful cycles")
        faults.same(bool(found[6]), total["dram_bytes"] / peak > 0.8 * total["cycles"], "bandwidth used up")


def _check_energy(text: str, data: Row, faults: Faults) -> None:
    total = data["total"]
    pattern = (
        rf"{NUMBER} (.?)J at the prices of (\S+): (.+?)\. The layer with most is (.+?), {NUMBER} %\. "
        r"Published prices of one operation differ tenfold: .+"
    )
    for found in _matched(pattern, text, faults):
        faults.near(found[1], total["energy_pj"] / 1e12 / PREFIXES.get(found[2], 1), "energy")
        faults.same(found[3], data["energy_profile"], "profile")
        shares = [part.split() for part in found[4].removesuffix(" %").split(" %, ")]
        for name, share in shares:
            faults.near(share, 100 * total["energy_by_component_pj"][name] / total["energy_pj"], f"energy of {name}")
        ordered = sorted(total["energy_by_component_pj"].values(), reverse=True)
        faults.same([total["energy_by_component_pj"][name] for name, _ in shares], ordered[: len(shares)], "order")
        whole = {layer["name"]: sum(layer["energy_pj"].values()) for layer in data["layers"]}
        faults.near(found[6], 100 * max(whole.values()) / total["energy_pj"], "share of the first layer")
        faults.same(whole.get(found[5]), max(whole.values()), "layer with most energy")


def _check_layers(paragraphs: list[str], data: Row, faults: Faults) -> None:
    timed = [layer for layer in data["layers"] if layer["cycles"]]
    lost = sum(idle_of(layer) for layer in timed)
    if paragraphs == ["Every cycle did useful work."]:
        faults.same(lost, 0, paragraphs[0])
        return
    lead, *rest = paragraphs
    pattern = (
        rf"These {NUMBER} of {NUMBER} timed layers hold {NUMBER} % of all cycles without useful work\."
        r"( A layer's cycles are those of the core whose part of it ends last\.)?"
    )
    shown: list[Row] = []
    number = 0
    for text in rest:
        others = re.search(rf" And {NUMBER} alike\.$", text)
        name = text.partition(" (")[0]
        alike = 1 + (int(others[1]) if others else 0)
        number += alike
        layer = next((layer for layer in timed if layer["name"] == name), None)
        if layer is None:
            faults.append(f"{name!r} is no timed layer")
            continue
        shown += _check_one(text.removesuffix(others[0] if others else ""), layer, alike, data, faults)
    for found in _matched(pattern, lead, faults):
        faults.same((found[1], found[2]), (str(number), str(len(timed))), "layers told")
        faults.near(found[3], 100 * sum(idle_of(layer) for layer in shown) / lost, "share of lost cycles")
        faults.same(bool(found[4]), "cores" in data["total"], "several cores told")


def _kind(layer: Row) -> tuple[object, ...]:
    return layer["op"], layer["dataflow"], layer["macs"], f"{layer['cycles']:.2g}"


def _check_one(text: str, layer: Row, alike: int, data: Row, faults: Faults) -> list[Row]:
    """Check the words on one layer; return it and those like it."""
    group = [each for each in data["layers"] if each["cycles"] and _kind(each) == _kind(layer)]
    faults.same(alike, len(group), f"layers like {layer['name']}")
    faults.same(idle_of(layer), max(idle_of(each) for each in group), f"{layer['name']} is the worst of its kind")
    head, *others = re.split(r"(?<=[.)]) (?=Waited |Late because |Wrote |DRAM )", text)
    for pattern, check in EXPLANATION[:1]:
        for found in _matched(pattern, head, faults):
            check(found, layer, data, faults)
    for words in others:
        moved = re.fullmatch(rf"DRAM {NUMBER} (.?)B\.", words)
        if moved:
            faults.near(moved[1], traffic(layer) / PREFIXES.get(moved[2], 1), f"DRAM of {layer['name']}")
            continue
        line = words[0].lower() + words[1:] if words.startswith("Late") else words
        faults += faults_of_lines([line], layer, data)
    return group


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


def _check_shares(text: str, parts: dict[str, float], faults: Faults) -> None:
    """Hold ``name share %, ...`` against all parts: none missing, none more, the largest first."""
    told = re.findall(rf"([^,%]+?) {NUMBER} %(?:, |$)", text)
    faults.same({name for name, _ in told}, {name for name, part in parts.items() if part}, "parts told")
    values = [parts.get(name, 0) for name, _ in told]
    faults.same(values, sorted(values, reverse=True), "the largest first")
    for name, share in told:
        faults.near(share, 100 * parts.get(name, 0) / sum(parts.values()), name)
