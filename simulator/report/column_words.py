"""What each column of the table of layers means, in words: under the table on a page."""

from collections.abc import Sequence

MEANINGS = {
    "layer": "name in the workload; what runs fused behind it is in it",
    "op": "operator",
    "flow": "dataflow of the mapping; vector: not on the array",
    "W/A [bit]": "stored bits of weight and activation; *: a width was missing and the array's widest assumed",
    "MACs [M]": "multiply-accumulates asked for, zeros included",
    "cycles": "of the layer alone: from the end of the layer before to its own; all layers add up to the run (several "
    "cores: of the core whose part of it ends last, and the layers of one core add up)",
    "share [%]": "its cycles of the run's",
    "util [%]": "MACs done, of those all PEs could do in its cycles at these bits: idle rows and columns count as lost",
    "useful [%]": "cycles in which array or vector unit did work for the layer, however many of its PEs took part: "
    "util is at most this",
    "fill etc. [%]": "cycles in which the unit was taken without useful work: fill, drain, imbalance, operand bus",
    "waiting [%]": "cycles in which the unit stood still, the last write-back included; with the two before, 100 %",
    "mainly for": "the largest part of waiting, in percent of its cycles",
    "DRAM [MB]": "read and written, 1 MB = 1,000,000 bytes",
    "energy [\N{MICRO SIGN}J]": "of all components, at the profile's prices",
    "of bandwidth": "its cycles as a factor of those in bandwidth fidelity",
    "row hits [%]": "DRAM accesses that found their row open",
    "of raw bytes (raw!: bypassed)": "stored bytes of weights (W), ifmaps (in), ofmaps (out) and residuals (res) that "
    "have a format in DRAM, of their bytes without it; raw!: the format would be larger, so that it was left out",
    "SCALE-Sim cycles": "what SCALE-Sim's closed form says: folds one after the other, without memory",
    "SCALE-Sim util [%]": "MACs of those all PEs could do in SCALE-Sim's cycles",
    "SCALE-Sim mapping eff. [%]": "PEs with work in a fold, the mean over SCALE-Sim's folds",
}


def meanings_of(headings: Sequence[str]) -> list[tuple[str, str]]:
    """Return (heading, meaning) of those columns that need words, in the table's order."""
    return [(heading, MEANINGS[heading]) for heading in headings if heading in MEANINGS]
