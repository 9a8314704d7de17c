"""Holds what a page answers in words on a network against the result's own JSON."""

import re

from tests.report.explanation_claims import EXPLANATION, faults_of_lines
from tests.report.faults import (
    NUMBER,
    PREFIXES,
    WAIT_NAMES,
    Faults,
    Row,
    idle_of,
    largest_of,
    matched,
    parts_of,
    traffic,
)


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


def _check_bound(text: str, data: Row, faults: Faults) -> None:
    total = data["total"]
    parts = {name: sum(kinds.values()) for name, kinds in parts_of(total).items()}
    pattern = (
        rf"(.+?) Of {NUMBER} cycles the (units|core that works longest) did useful work in {NUMBER} %, were taken "
        rf"without it \(fill, drain and the like\) in {NUMBER} %, and stood still in {NUMBER} %\."
        rf"(?: The largest part of standing still is (.+): {NUMBER} % of all cycles\.)?"
    )
    for found in matched(pattern, text, faults):
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
    for found in matched(pattern, text, faults):
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
    for found in matched(pattern, text, faults):
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
    for found in matched(pattern, lead, faults):
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
        for found in matched(pattern, head, faults):
            check(found, layer, data, faults)
    for words in others:
        moved = re.fullmatch(rf"DRAM {NUMBER} (.?)B\.", words)
        if moved:
            faults.near(moved[1], traffic(layer) / PREFIXES.get(moved[2], 1), f"DRAM of {layer['name']}")
            continue
        line = words[0].lower() + words[1:] if words.startswith("Late") else words
        faults += faults_of_lines([line], layer, data)
    return group
