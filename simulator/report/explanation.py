"""One layer in words: what bounds it, what it waited for and why, and what removing that could save."""

from simulator.errors import WorkloadError, did_you_mean
from simulator.report.breakdown import (
    BUS_WORDS,
    CAUSE_SENTENCES,
    DRAM_LATE_SENTENCES,
    ISSUE_WORDS,
    LATE_SENTENCES,
    OVERHEAD_SENTENCES,
    TAIL_WORD,
    dram_bytes,
    time_split,
)
from simulator.report.quantities import count, percent, printable, significant
from simulator.results import LayerResult, RunResult


def explain_layer(result: RunResult, name: str) -> list[str]:
    """Say what bounds the layer ``name``, in lines.

    Raises
    ------
    WorkloadError
        The result has no such layer.
    """
    for layer in result.layers:
        if layer.name == name:
            return _explain(result, layer)
        if name in layer.fused:
            return [f"{printable(name)} runs fused behind {printable(layer.name)}:", *_explain(result, layer)]
    for row in result.not_timed:
        if row["name"] == name:
            return [f"{printable(name)} ({row['op']}) is not timed: it {row['reason']}."]
    names = [layer.name for layer in result.layers]
    message = f"--explain {name!r}: {result.workload} has no such timed layer{did_you_mean(name, names)}"
    raise WorkloadError(message)


def _explain(result: RunResult, layer: LayerResult) -> list[str]:
    title = f"{printable(layer.name)} ({printable(layer.op)}, {printable(layer.dataflow)})"
    if layer.cycles is None:
        return [f"{title} has no mapping: {printable(layer.mapping_error or 'unknown')}"]
    share = percent(layer.cycles, result.total.cycles)
    lines = [f"{title}: {count(layer.cycles)} cycles, {share} % of the run, bound by {_bound(layer)}."]
    lines += _busy(layer)
    lines += _waits(layer)
    if layer.gain_cycles:
        gain = percent(layer.gain_cycles, layer.cycles)
        lines.append(
            f"  Removing each wait's last cause alone could save at most {count(layer.gain_cycles)} cycles ({gain} %)."
        )
    if layer.fused:
        lines.append(f"  Done on its outputs on their way: {printable(', '.join(layer.fused))}.")
    lines.append(f"  {_balance(result, layer)}")
    return lines


def _bound(layer: LayerResult) -> str:
    word = _largest(layer)
    if word == "useful":
        unit = "vector unit" if layer.dataflow == "vector" else "array"
        return f"the {unit} (useful work is the largest part of its time)"
    if word == ISSUE_WORDS["bus"]:
        return "the buses and banks between its buffers and the array, which are slower than it computes"
    if word in ISSUE_WORDS.values():
        return f"{word} of the array: {OVERHEAD_SENTENCES[word]}"
    if word == TAIL_WORD:
        return "writing its last outputs back"
    return f"its {word.replace(': ', ' for the ')}"


def _largest(layer: LayerResult) -> str:
    """Return the largest part of what takes most: useful work, cycles taken without it, or standing still."""
    split = time_split(layer)
    without = {word: split[word] for word in ISSUE_WORDS.values() if word != "useful"}
    still = {word: cycles for word, cycles in split.items() if word not in ISSUE_WORDS.values()}
    most = max(({"useful": split["useful"]}, without, still), key=lambda group: sum(group.values()))
    return max(most, key=lambda word: most[word])


def _busy(layer: LayerResult) -> list[str]:
    cycles = layer.cycles or 0
    parts = [
        f"{word} {count(layer.issue_cycles[name])} ({percent(layer.issue_cycles[name], cycles)} %)"
        for name, word in ISSUE_WORDS.items()
        if layer.issue_cycles.get(name)
    ]
    text = f"  Busy cycles: {', '.join(parts)}." if parts else "  Never busy."
    if layer.macs and layer.utilization is not None:
        text += f" Utilization {percent(layer.utilization)} % of peak; {_products(layer)}."
    return [text, *_held_up(layer)]


def _products(layer: LayerResult) -> str:
    """Compare the products computed with those asked for: more are padding, fewer are zeros skipped."""
    if layer.issued_macs < layer.macs:
        return f"computed {percent(layer.issued_macs, layer.macs)} % of the dense products, without zeros that it skips"
    return f"{percent(layer.macs, layer.issued_macs)} % of the products computed were asked for"


def _held_up(layer: LayerResult) -> list[str]:
    """Say which buses and banks were slower than the array."""
    held = sorted((layer.bus_because or {}).items(), key=lambda item: -item[1])
    lines = []
    for name, cycles in held:
        buffer = name.removeprefix("banks.")
        what = f"the ports of the banks of {printable(buffer)}" if buffer != name else f"the {BUS_WORDS[name]}"
        lines.append(f"  Of these, {count(cycles)} cycles because {what} served the array slower than it computes.")
    return lines


def _waits(layer: LayerResult) -> list[str]:
    cycles = layer.cycles or 0
    lines = [
        f"  Waited {count(idle)} cycles ({percent(idle, cycles)} %): {CAUSE_SENTENCES.get(cause, printable(cause))}."
        for cause, idle in sorted(layer.idle_cycles.items(), key=lambda item: -item[1])
        if idle
    ]
    for cause, late in sorted(layer.late_because.items(), key=lambda item: -item[1]):
        if late:
            lines.append(f"    late because {LATE_SENTENCES.get(cause, printable(cause))}: {count(late)} cycles.")
            lines += _dram_waits(layer) if cause == "dram_bus" else []
    if layer.tail_cycles:
        share = percent(layer.tail_cycles, cycles)
        lines.append(f"  Wrote its last outputs back for {count(layer.tail_cycles)} cycles ({share} %).")
    return lines or ["  Waited for nothing."]


def _dram_waits(layer: LayerResult) -> list[str]:
    """Say what held the DRAM while it was waited for."""
    parts = sorted((layer.dram_late_because or {}).items(), key=lambda item: -item[1])
    return [
        f"      in {count(late)} of them {DRAM_LATE_SENTENCES.get(cause, printable(cause))}."
        for cause, late in parts
        if late
    ]


def _balance(result: RunResult, layer: LayerResult) -> str:
    """Compare the layer's arithmetic intensity with the machine's own."""
    traffic = dram_bytes(layer)
    least = percent(traffic / result.dram_bytes_per_cycle, layer.cycles) if result.dram_bytes_per_cycle else "-"
    text = f"DRAM: {significant(traffic / 1e6)} MB; at full bandwidth that alone takes {least} % of its cycles."
    if layer.macs and traffic:
        machine = result.peak_macs_per_cycle / result.dram_bytes_per_cycle
        text += (
            f" It does {significant(layer.macs / traffic)} MAC a byte; the machine balances at {significant(machine)}."
        )
    return text
