"""A reader's questions, answered in words: what bounds this network, where the energy goes, which layers to look at."""

from simulator.report.breakdown import (
    ISSUE_WORDS,
    OVERHEAD_SENTENCES,
    TAIL_WORD,
    dram_bytes,
    issue_overhead_cycles,
    time_split,
    waiting_cycles,
)
from simulator.report.explanation import explain_layer
from simulator.report.quantities import count, percent, printable, with_prefix
from simulator.results import LayerResult, RunResult, Total
from simulator.units import PJ_PER_J

LOOK_AT = 5
MOSTLY = 0.5


def answers(result: RunResult) -> list[tuple[str, list[str]]]:
    """Return (question, paragraphs) for a run."""
    if result.total.cycles is None:
        reason = next((layer.mapping_error for layer in result.layers if layer.mapping_error), "unknown")
        return [("Why are there no times?", [f"A layer has no mapping, so the network was not run: {reason}"])]
    return [
        ("What bounds this network?", [_bound(result), _bandwidth(result)]),
        ("Where does the energy go?", [_energy(result)]),
        ("Which layers to look at?", _layers(result)),
    ]


def _bound(result: RunResult) -> str:
    total = result.total
    cycles = total.cycles or 1
    useful, waits = total.issue_cycles.get("useful", 0), waiting_cycles(total)
    overhead = issue_overhead_cycles(total)
    split = time_split(total)
    waiting = {word: split[word] for word in split if word.startswith(("wait", "tail")) and split[word]}
    who = "units" if total.cores is None else "core that works longest"
    text = (
        f"Of {count(total.cycles)} cycles the {who} did useful work in {percent(useful, cycles)} %, "
        f"were taken without it (fill, drain and the like) in {percent(overhead, cycles)} %, "
        f"and stood still in {percent(waits, cycles)} %."
    )
    if useful >= max(overhead, waits):
        text = f"{_mostly_useful(result)} {text}"
    elif overhead > waits:
        text = f"{_mostly_overhead(total)} {text}"
    else:
        text = f"Waiting. {text}"
    if waiting:
        worst = max(waiting, key=lambda word: waiting[word])
        what = "writing last outputs back" if worst == TAIL_WORD else worst.replace("wait: ", "waiting for the ")
        text += f" The largest part of standing still is {what}: {percent(waiting[worst], cycles)} % of all cycles."
    return text


def _mostly_useful(result: RunResult) -> str:
    """Say that useful work takes more than all else, whether most of the time, and which unit does most of it."""
    total = result.total
    most = total.issue_cycles.get("useful", 0) > MOSTLY * (total.cycles or 1)
    vector = _useful_cycles(result, vector=True)
    if vector > _useful_cycles(result, vector=False):
        work = f"the vector unit, at work in {percent(vector, total.cycles)} % of the cycles"
        return f"Mostly {work}." if most else f"More than anything else {work}, but less than half of the time."
    if most:
        return "Mostly its own arithmetic."
    return "Its own arithmetic more than any other, but for less than half of the time."


def _useful_cycles(result: RunResult, *, vector: bool) -> int:
    """Return the useful cycles of layers that run on the vector unit, or of all others."""
    layers = [layer for layer in result.layers if (layer.dataflow == "vector") == vector]
    return sum(layer.issue_cycles.get("useful", 0) for layer in layers if layer.cycles)


def _mostly_overhead(total: Total) -> str:
    """Say which kind of cycles without useful work is most, and what makes it."""
    others = {word: total.issue_cycles.get(name, 0) for name, word in ISSUE_WORDS.items() if name != "useful"}
    word = max(others, key=lambda kind: others[kind])
    return f"{word.capitalize()} of the array: {OVERHEAD_SENTENCES[word]}."


def _bandwidth(result: RunResult) -> str:
    total = result.total
    alone = total.dram_bytes / result.dram_bytes_per_cycle
    text = (
        f"The DRAM's payload is {with_prefix(total.dram_bytes, 'B')}: at full bandwidth that alone takes "
        f"{percent(alone, total.cycles)} % of the time. The array reached {percent(total.utilization)} % of its peak "
        f"at each layer's bits.{_partly_used(result)}"
    )
    if total.cycles and alone > 0.8 * total.cycles:
        text += " The bandwidth is nearly used up: only fewer bytes, or a faster DRAM, make this much faster."
    return text


def _partly_used(result: RunResult) -> str:
    """Say how much of the array its own useful cycles use, where that is the larger part of what it falls short by."""
    total, useful = result.total, _useful_cycles(result, vector=False)
    if total.cores is not None or not useful or total.utilization is None:
        return ""
    used = total.utilization * (total.cycles or 0) / useful
    return f" Even in its useful cycles only {percent(used)} % of it had work." if used < MOSTLY else ""


def _energy(result: RunResult) -> str:
    parts = {name: pj for name, pj in result.total.energy_by_component_pj.items() if pj}
    whole = sum(parts.values())
    if not whole:
        return "No energy was priced."
    ordered = sorted(parts, key=lambda name: -parts[name])
    shares = ", ".join(f"{name} {percent(parts[name], whole)} %" for name in ordered[:4])
    first = max(result.layers, key=lambda layer: layer.total_energy_pj)
    return (
        f"{with_prefix(whole / PJ_PER_J, 'J', 4)} at the prices of {printable(result.energy_profile)}: {shares}. "
        f"The layer with most is {printable(first.name)}, {percent(first.total_energy_pj, whole)} %. "
        "Published prices of one operation differ tenfold: compare designs under one profile only."
    )


def _layers(result: RunResult) -> list[str]:
    """Say of each layer that stood still longest what held it up."""
    timed = [layer for layer in result.layers if layer.cycles]
    alike: dict[tuple[object, ...], list[LayerResult]] = {}
    for layer in timed:
        alike.setdefault((layer.op, layer.dataflow, layer.macs, f"{layer.cycles:.2g}"), []).append(layer)
    worst = sorted(alike.values(), key=lambda group: -sum(_not_useful(layer) for layer in group))[:LOOK_AT]
    if not worst:
        return ["No layer took any time."]
    lost = sum(_not_useful(layer) for layer in timed)
    if not lost:
        return ["Every cycle did useful work."]
    shown = sum(len(group) for group in worst)
    share = percent(sum(_not_useful(layer) for group in worst for layer in group), lost)
    lead = f"These {shown} of {len(timed)} timed layers hold {share} % of all cycles without useful work."
    if result.total.cores is not None:
        lead += " A layer's cycles are those of the core whose part of it ends last."
    return [lead, *(_one(result, group) for group in worst)]


def _not_useful(layer: LayerResult) -> int:
    return issue_overhead_cycles(layer) + waiting_cycles(layer)


def _one(result: RunResult, group: list[LayerResult]) -> str:
    layer = max(group, key=_not_useful)
    others = f" And {len(group) - 1} alike." if len(group) > 1 else ""
    lines = [line.strip() for line in explain_layer(result, layer.name)]
    waits = [line for line in lines if line.startswith(("Waited", "late because", "Wrote"))][:2]
    moved = with_prefix(dram_bytes(layer), "B")
    return " ".join([lines[0], *(line[0].upper() + line[1:] for line in waits), f"DRAM {moved}."]) + others
