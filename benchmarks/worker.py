"""Runs the cases named as arguments in this process and prints what they measured, as JSON."""

import json
import sys
from dataclasses import asdict

from benchmarks.cases import load_case
from benchmarks.measurement import Scale


def main() -> None:
    """Measure the cases named on the command line."""
    names = [name for name in sys.argv[1:] if name != "--quick"]
    scale = Scale(quick="--quick" in sys.argv)
    found = [measurement for name in names for measurement in load_case(name)(scale)]
    print(json.dumps([asdict(measurement) for measurement in found]))


if __name__ == "__main__":
    main()
