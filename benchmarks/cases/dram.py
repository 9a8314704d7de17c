"""DRAM requests a second of processor time: DMA streams, random requests, and the oracle that steps every clock."""

from benchmarks.dram import dram_rates
from benchmarks.measurement import Measurement, Scale

NOTES = {
    "reads_1MiB": "1 MiB transfers, two under way",
    "reads_1MiB_stepped": "the same without skipping ahead",
    "reads_32KiB": "32 KiB transfers, two under way",
    "writes_1MiB": "1 MiB written a transfer, two under way",
    "random": "uniform random reads as a trace",
    "oracle": "the tests' oracle: plain Python, every clock stepped",
}


def dram(scale: Scale) -> list[Measurement]:
    """Rates by preset and kind of traffic; processor time alone, since the work is one thread without input."""
    rates = dram_rates(quick=scale.quick)
    notes = {name: next(note for kind, note in NOTES.items() if name.endswith(kind)) for name in rates}
    return [Measurement(f"dram_{name}", "requests/s", (rate,), (rate,), notes[name]) for name, rate in rates.items()]
