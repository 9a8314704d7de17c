"""Where a layer's time and energy went, in the order and words that tables and plots share."""

from collections.abc import Mapping, Sequence

from simulator.results import LayerResult, RunResult, Total

ISSUE_WORDS = {
    "useful": "useful",
    "fill": "fill",
    "drain": "drain",
    "imbalance": "imbalance",
    "bus": "operand bus",
}
WAIT_WORDS = {
    "weight": "wait: weight",
    "ifmap": "wait: ifmap",
    "psum": "wait: psum",
    "ofmap_slot": "wait: ofmap slot",
    "dependency": "wait: dependency",
    "vector": "wait: vector unit",
    "host": "wait: host",
}
TAIL_WORD = "tail: write-back"

OVERHEAD_SENTENCES = {
    "fill": "bringing operands into it takes longer than the work they are brought for",
    "drain": "outputs leave it while nothing else can start",
    "imbalance": "its units have unequal shares of the work",
    "operand bus": "the buses or banks that feed it are slower than it",
}
CAUSE_SENTENCES = {
    "weight": "weights were not on chip yet",
    "ifmap": "the ifmap was not on chip yet",
    "psum": "the accumulator slot was still in use",
    "ofmap_slot": "earlier outputs still held the slot they leave from",
    "dependency": "the layer before was not finished",
    "vector": "the vector unit was still busy",
    "host": "the host was not finished",
}
LATE_SENTENCES = {
    "queue_order": "the transfer stood behind one in its queue that was held up",
    "slot": "its buffer slot was not free earlier (more slots or a larger buffer would start it sooner)",
    "dram_bus": "the DRAM bus was busy (bandwidth)",
    "latency": "the DRAM latency was not hidden",
    "data": "the data itself was not made yet by an earlier step",
    "other_core": "the DRAM served other cores meanwhile",
    "scratchpad": "its tile was not in the scratchpad that cores share, or its port was busy",
    "codec": "the codec was not through with it (more elements a cycle help)",
}

DRAM_LATE_SENTENCES = {
    "bus": "its data buses moved bursts (bandwidth)",
    "row_conflict": "another row had to be closed and this one opened (tRP, tRCD)",
    "tfaw": "too many rows were opened at once (tRRD, tFAW)",
    "refresh": "it refreshed itself",
    "tccd_l": "bursts of one bank group keep a distance (tCCD_L)",
    "turnaround": "its data buses turned from reads to writes, or back",
    "starvation": "a channel had nothing to move (short rows, few requests)",
}
"""What held the DRAM while a transfer waited for it."""
DRAM_LATE_WORDS = {
    "bus": "moving bursts",
    "row_conflict": "row conflicts",
    "tfaw": "tRRD and tFAW",
    "refresh": "refresh",
    "tccd_l": "tCCD_L",
    "turnaround": "turnaround",
    "starvation": "channels without work",
}

BUS_WORDS = {
    "ifmap_bus": "ifmap bus",
    "weight_bus": "weight bus",
    "psum_bus": "psum bus",
    "shared_bus": "bus that operands share",
}

Cycles = Mapping[str, int]


def time_split(part: LayerResult | Total) -> dict[str, int]:
    """Return cycles by what they were spent on, in one fixed order; they add up to the part's cycles.

    Examples
    --------
    >>> from simulator import simulate
    >>> total = simulate("lenet5_int8", "gemmini_like_16").total
    >>> sum(time_split(total).values()) == total.cycles
    True
    """
    split = {word: part.issue_cycles.get(name, 0) for name, word in ISSUE_WORDS.items()}
    split |= {word: part.idle_cycles.get(name, 0) for name, word in WAIT_WORDS.items()}
    split[TAIL_WORD] = part.tail_cycles
    return split


def kinds_present(parts: Sequence[Mapping[str, float]]) -> list[str]:
    """Return the kinds that are not zero everywhere, in their order: a legend lists no others."""
    names = dict.fromkeys(name for part in parts for name in part)
    return [name for name in names if any(part.get(name, 0) for part in parts)]


def issue_overhead_cycles(part: LayerResult | Total) -> int:
    """Return cycles in which the unit was taken but did no useful work: fill, drain, imbalance, bus."""
    return sum(cycles for name, cycles in part.issue_cycles.items() if name != "useful")


def waiting_cycles(part: LayerResult | Total) -> int:
    """Return cycles in which the unit stood still: idle by any cause, and the tail."""
    return sum(part.idle_cycles.values()) + part.tail_cycles


def main_wait(part: LayerResult | Total) -> tuple[str, int]:
    """Return the largest reason for standing still and its cycles; an empty word where nothing waited."""
    waits = {word: part.idle_cycles.get(name, 0) for name, word in WAIT_WORDS.items()} | {TAIL_WORD: part.tail_cycles}
    word = max(waits, key=lambda name: waits[name])
    return (word, waits[word]) if waits[word] else ("", 0)


def energy_components(result: RunResult) -> list[str]:
    """Return the energy components that are not zero everywhere."""
    return kinds_present([layer.energy_pj for layer in result.layers])


def dram_bytes(layer: LayerResult) -> int:
    """Return DRAM traffic of a layer, both directions [bytes]."""
    return int(layer.dram["read_bytes"]) + int(layer.dram["write_bytes"])
