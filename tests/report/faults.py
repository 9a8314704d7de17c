"""What checks of words on a result share: the faults they find, and the sums over a result's JSON they compare with.

Written from the words and from the fields of a result, not from the code that writes the words: a sentence that no
pattern knows, and a number that no pattern accounts for, is a fault as well.
"""

import re
from collections.abc import Iterator
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


def matched(pattern: str, text: str, faults: Faults) -> Iterator[re.Match[str]]:
    found = re.fullmatch(pattern, text)
    if found:
        yield found
    else:
        faults.append(f"nobody knows how to check {text!r}")
