"""Re-derives where the time went, cycle by cycle, from the times of a run. Knows docs/model/engine.md only."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from tests.oracle.engine_port import Operand, Step, Transfer

ORDER = ("weight", "ifmap", "psum", "ofmap_slot", "dependency", "vector", "host")


@dataclass(frozen=True)
class Gap:
    idle: int
    cause: str | None
    gain: int


def _cause(use: Operand) -> str:
    if use.name == "psum":
        return "ofmap_slot" if use.transfer is not None and use.transfer.store else "psum"
    return "ifmap" if use.name == "residual" else use.name


def unmet(steps: list[Step], index: int, cycle: int) -> list[str]:
    """Return the causes of the constraints that a step taken at ``cycle`` would violate, one entry a constraint."""
    step = steps[index]
    known = [use for use in step.operands if use.transfer is not None]
    found = [_cause(use) for use in known if use.transfer.done > cycle + max(0, use.need)]
    written = [use for use in step.operands if use.source is not None]
    late = [use for use in written if use.source.output > cycle + max(0, use.need)]
    found += ["ofmap_slot" if use.name == "psum" else "dependency" for use in late]
    if step.wait is not None and step.wait.output > cycle:
        found.append("dependency")
    if step.is_vector:
        held = [other.free if other.is_vector else other.output for other in steps[:index] if _on_unit(other)]
        if held and max(held) > cycle:
            found.append("vector")
    return found


def _on_unit(step: Step) -> bool:
    return step.is_vector or step.vector > 0


def gap_before(steps: list[Step], index: int) -> Gap:
    """Return the gap before a step, by looking at each of its cycles."""
    begin = steps[index - 1].free if index else 0
    end = steps[index].occupied
    if end == begin:
        return Gap(0, None, 0)
    by_cycle = [unmet(steps, index, cycle) for cycle in range(begin, end)]
    last = by_cycle[-1]
    assert last, "the core was free, nothing was missing, and the step was not taken"
    assert not unmet(steps, index, end)
    blamed = min(last, key=ORDER.index)
    assert all(blamed in causes for causes in by_cycle), "the blamed constraint was met inside the gap"
    gain = 0
    while gain < len(by_cycle) and len(by_cycle[-1 - gain]) == 1:
        gain += 1
    return Gap(len(by_cycle), blamed, gain)


def paint(steps: list[Step], layers: int, written: list[int], end: int = 0) -> list[Counter[str]]:
    """Return, for each layer, how many cycles of its window were issue, idle by cause, and tail.

    ``written`` [layers]: cycle of the last thing each layer did. ``end``: of a run of several cores.
    """
    total = max([end, *written, *(step.free for step in steps)], default=0)
    owner = _owners(steps, layers, written, total)
    label = ["tail"] * total
    for index, step in enumerate(steps):
        gap = gap_before(steps, index)
        for cycle in range(step.occupied - gap.idle, step.occupied):
            if owner[cycle] == step.layer:
                label[cycle] = f"idle_{gap.cause}"
        for cycle in range(step.occupied, step.free):
            assert owner[cycle] == step.layer
            label[cycle] = "issue"
    counts = [Counter() for _ in range(layers)]
    for cycle in range(total):
        counts[owner[cycle]][label[cycle]] += 1
    return counts


def _owners(steps: list[Step], layers: int, written: list[int], total: int) -> list[int]:
    """Return whose window each cycle is in."""
    owner = []
    for layer in range(layers):
        last_free = max((step.free for step in steps if step.layer == layer), default=0)
        following = min((step.occupied for step in steps if step.layer > layer), default=total)
        while len(owner) < last_free or (len(owner) < min(written[layer], following)):
            owner.append(layer)
    return owner + [layers - 1] * (total - len(owner))


Served = tuple[list[tuple[int, int]], list[tuple[int, int]]]


def served_times(line: list[Transfer], latency: int) -> list[tuple[int, int]]:
    """Return from when until when the memory served each transfer of a queue."""
    return [(one.begin, one.arrived - latency) for one in line]


def blamed_operand(step: Step) -> Operand | None:
    """Return the first use whose transfer the gap before ``step`` waited for last; None where that was no transfer."""
    late: list[tuple[int, Operand | None]] = []
    for use in step.operands:
        due = step.occupied + max(0, use.need)
        if use.source is not None and use.source.output == due:
            late.append((ORDER.index("ofmap_slot" if use.name == "psum" else "dependency"), None))
        if use.transfer is not None and use.transfer.done == due:
            late.append((ORDER.index(_cause(use)), use))
    return min(late, key=lambda found: found[0], default=(0, None))[1]


def doing(transfer: Transfer, cycle: int, latency: int, served: Served | None = None) -> str:
    """Return what a transfer that is not done waited for at ``cycle``; ``served``: times of (its core, others)."""
    if cycle < transfer.submit:
        return transfer.held_by
    if served is not None and cycle < transfer.begin and cycle < transfer.arrived - latency:
        mine, others = ([one for one in line if one[0] <= cycle < one[1]] for line in served)
        if others and not mine:
            return "other_core"
    if cycle >= transfer.arrived:
        return "codec"
    return "dram_bus" if cycle < transfer.arrived - latency else "latency"


def paint_late(
    steps: list[Step], layers: int, written: list[int], latency: int, served: Served | None = None
) -> list[Counter[str]]:
    """Return, for each layer, the gap cycles in its window by what the blamed transfer waited for in each."""
    counts = [Counter() for _ in range(layers)]
    for layer, reason, _ in late_cycles(steps, layers, written, latency, served):
        counts[layer][reason] += 1
    return counts


def late_cycles(steps, layers, written, latency, served=None, on_chip=frozenset()):
    """Yield (layer, what the blamed transfer waited for, cycle as that transfer sees it) of every gap cycle.

    ``on_chip``: ids of transfers that a scratchpad of all cores serves.
    """
    total = max([*written, *(step.free for step in steps)], default=0)
    owner = _owners(steps, layers, written, total)
    for index, step in enumerate(steps):
        gap = gap_before(steps, index)
        use = None if gap.cause in (None, "dependency", "vector") else blamed_operand(step)
        for cycle in range(step.occupied - gap.idle, step.occupied):
            if owner[cycle] != step.layer:
                continue
            reason, seen = {"dependency": "data", "ofmap_slot": "slot"}.get(str(gap.cause), "none"), cycle
            if use is not None:
                seen = cycle + max(0, use.need)
                reason = doing(use.transfer, seen, latency, None if id(use.transfer) in on_chip else served)
                if id(use.transfer) in on_chip and (seen >= use.transfer.submit or reason == "data"):
                    reason = "scratchpad"
            yield step.layer, reason, seen


def paint_dram(late, layers: int, stretches: list[dict[str, Fraction]]) -> list[Counter[str]]:
    """Return, for each layer, its ``dram_bus`` cycles by what the data buses did in the stretch of each."""
    counts = [Counter() for _ in range(layers)]
    for layer, reason, cycle in late:
        if reason == "dram_bus":
            (stretch,) = [one for one in stretches if cycle in one["cycles"]]
            for name, share in stretch["shares"].items():
                counts[layer][name] += share
    return counts
