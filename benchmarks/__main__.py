"""``python -m benchmarks [--quick] [--write] [CASE...]``: measure, show, and with ``--write`` keep under reports/."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from benchmarks.cases import CASES, LEFT_OUT_WHEN_QUICK
from benchmarks.machine import load_average, machine_class
from benchmarks.measurement import Measurement
from benchmarks.report import document, lines_of, markdown, screen_table

PROJECT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Run the cases; 1 where one of them failed to run. A missed target is a result, not a failure."""
    options = _options()
    names = options.cases or [name for name in CASES if not (options.quick and name in LEFT_OUT_WHEN_QUICK)]
    console, progress = Console(), Console(stderr=True)
    if not console.is_terminal:
        console.width = 150  # a file has no edge
    load_before = load_average()
    found: list[Measurement] = []
    failed: list[str] = []
    for group in [names] if options.quick else [[name] for name in names]:
        progress.print(f"measuring {', '.join(group)}", style="dim")
        measurements = measure(group, quick=options.quick)
        found += measurements or []
        failed += group if measurements is None else []
    lines = [line for line in lines_of(found, is_toy=options.quick) if line.measurement or not options.cases]
    machine = machine_class() | {"load before": load_before, "load after": load_average()}
    console.print(screen_table(lines))
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()), style="dim")
    if options.write:
        folder = options.folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "benchmarks.md").write_text(markdown(lines, machine), encoding="utf-8")
        (folder / "benchmarks.json").write_text(document(lines, machine), encoding="utf-8")
    if failed:
        progress.print(f"failed to run: {', '.join(failed)}", style="bold red")
    return int(bool(failed))


def measure(names: list[str], *, quick: bool) -> list[Measurement] | None:
    """Run cases in a process of their own; None where it fails, whose words then went to the error stream."""
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    arguments = [sys.executable, "-m", "benchmarks.worker", *(["--quick"] if quick else []), *names]
    done = subprocess.run(
        arguments, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True, check=False, timeout=1800
    )
    if done.returncode:
        return None
    rows = json.loads(done.stdout)
    return [
        Measurement(row["name"], row["unit"], tuple(row["values"]), tuple(row["cpu_values"]), row["note"])
        for row in rows
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"only these: {', '.join(CASES)}")
    parser.add_argument("--quick", action="store_true", help="a tiny network and few repeats: does it still run?")
    parser.add_argument("--write", action="store_true", help="write benchmarks.md and benchmarks.json")
    parser.add_argument("--folder", type=Path, help="where --write writes; reports/ without it")
    options = parser.parse_args()
    unknown = [name for name in options.cases if name not in CASES]
    if unknown:
        parser.error(f"no case named {unknown[0]!r}: choose from {', '.join(CASES)}")
    if options.write and options.folder is None:
        if options.quick or options.cases:
            parser.error("reports/ holds whole, real measurements: give --write a --folder beside --quick or a CASE")
        options.folder = PROJECT / "reports"
    return options


if __name__ == "__main__":
    sys.exit(main())
