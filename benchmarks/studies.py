"""The command line of a study: draw cases from a seed, look at all of them, write a page and its numbers."""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Study:
    """What a study is called, what one of its cases is, how it is made and shown.

    Attributes
    ----------
    module : str
        Of ``benchmarks``.
    about : str
        What ``--help`` says.
    report : str
        Stem of the files under ``reports/``.
    case : str
        What ``--cases`` counts.
    cases : int
        How many where nobody says.
    find : callable
        From cases and seed to what was found.
    markdown : callable
        From what was found to a page.
    """

    module: str
    about: str
    report: str
    case: str
    cases: int
    find: Callable[[int, int], dict[str, Any]]
    markdown: Callable[[dict[str, Any]], str]


def run_study(study: Study, arguments: list[str] | None = None) -> None:
    """Run ``study`` as its command line asks, and write ``.md`` and ``.json``."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{study.module}", description=study.about)
    parser.add_argument("--cases", type=int, default=study.cases, help=study.case)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=PROJECT / "reports")
    options = parser.parse_args(arguments)
    found = study.find(options.cases, options.seed)
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / f"{study.report}.md").write_text(study.markdown(found), encoding="utf-8")
    (options.folder / f"{study.report}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
