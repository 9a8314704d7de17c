"""Hold the law of systolic arrays against the oracle on many random cases.

``python -m tests.oracle.systolic_campaign --cases 10000 --seed 1`` prints the counts; exit code 1 means a mismatch.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from simulator.dataflow.systolic_law import tile_timing
from simulator.records import DATAFLOW_NAMES, GEMM_TILE, IS, OS, TILE_TIMING, table
from tests.oracle.systolic_cases import Case, random_case
from tests.oracle.systolic_oracle import OracleResult, Tile, TileOutcome, run_tiles


def tile_record(tile: Tile, following: Tile | None) -> Any:
    """Return the GEMM_TILE record of a tile."""
    record = table(GEMM_TILE, 1)[0]
    record.groups, record.rows, record.inner = tile.ifmap.shape
    record.cols = tile.weight.shape[2]
    record.group_packing, record.pack, record.passes = tile.group_packing, tile.pack, tile.passes
    record.inner_pack = tile.inner_pack
    record.next_inner = following.ifmap.shape[2] if following else 0
    return record


def law(case: Case) -> list[Any]:
    """Return the law's TILE_TIMING of each tile."""
    timings = []
    for tile, following in zip(case.tiles, [*case.tiles[1:], None], strict=True):
        timing = table(TILE_TIMING, 1)
        tile_timing(case.hardware, tile_record(tile, following), timing[0])
        timings.append(timing[0])
    return timings


def chain(case: Case, timings: list[Any]) -> list[tuple[int, int]]:
    """Run the tiles back to back by the law: (setup begin, start) of each."""
    setup_begin, start = 0, int(timings[0].setup_cycles)
    chained = [(setup_begin, start)]
    for before, timing in pairwise(timings):
        issue_end = start + int(before.issue_cycles)
        setup_begin = start + int(before.last_start_cycles) if case.hardware.weight_shadow else issue_end
        start = max(issue_end, setup_begin + int(timing.setup_cycles))
        chained.append((setup_begin, start))
    return chained


def differences(case: Case) -> list[str]:
    """Return what the law and the oracle (or the oracle and the product) disagree about."""
    return list(_differences(case, run_tiles(case.hardware, case.tiles)))


def _differences(case: Case, oracle: OracleResult) -> Iterator[str]:
    timings = law(case)
    chained = chain(case, timings)
    for number, (tile, outcome, timing) in enumerate(zip(case.tiles, oracle.tiles, timings, strict=True)):
        if not np.array_equal(outcome.ofmap, tile.ifmap @ tile.weight):
            yield f"tile {number}: the oracle's product is wrong"
        told = {
            name: int(timing[name]) for name in TILE_TIMING.names or () if name not in {"setup_cycles", "issued_macs"}
        }
        setup_begin, start = chained[number]
        told |= {"start": start}
        seen = _seen(case, outcome) | {"start": outcome.start_cycle}
        if case.hardware.dataflow != OS:
            told |= {"setup_begin": setup_begin}
            seen |= {"setup_begin": outcome.setup_begin_cycle}
        yield from (
            f"tile {number}: {name} law {told[name]} oracle {seen[name]}" for name in told if told[name] != seen[name]
        )
    total = max(start + int(timing.latency_cycles) for (_, start), timing in zip(chained, timings, strict=True))
    if total != oracle.total_cycles:
        yield f"total law {total} oracle {oracle.total_cycles}"
    products = sum(int(timing.issued_macs) for timing in timings)
    if products != oracle.products:
        yield f"issued_macs law {products} oracle {oracle.products}"


def _seen(case: Case, outcome: TileOutcome) -> dict[str, int]:
    """Return the oracle's observations under the names of TILE_TIMING, counted from the tile's start."""
    start = outcome.start_cycle
    dataflow = int(case.hardware.dataflow)
    left, top = outcome.left_reads, outcome.top_reads
    free = max(outcome.left_free_cycle, outcome.top_free_cycle) if dataflow == OS else outcome.left_free_cycle
    return {
        "issue_cycles": outcome.issue_end_cycle - start,
        "latency_cycles": outcome.last_output_cycle - start,
        "useful_cycles": outcome.useful_cycles,
        "fill_cycles": outcome.fill_cycles,
        "drain_cycles": outcome.drain_cycles,
        "last_start_cycles": outcome.last_start_cycle - start,
        "first_output_cycles": outcome.first_output_cycle - start,
        "operand_free_cycles": free - start,
        "folds": outcome.folds,
        "ifmap_reads": top if dataflow == IS else left,
        "weight_reads": left if dataflow == IS else top,
        "psum_reads": outcome.psum_reads,
        "psum_writes": outcome.psum_writes,
    }


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    mismatches = 0
    for number in range(options.cases):
        case = random_case(np.random.default_rng([options.seed, number]))
        counts[DATAFLOW_NAMES[int(case.hardware.dataflow)]] += 1
        counts["tiles"] += len(case.tiles)
        found = differences(case)
        if found:
            mismatches += 1
            if mismatches <= 10:
                print(f"case {number}: {case}\n  " + "\n  ".join(found))  # noqa: T201
    print(f"{options.cases} cases, {mismatches} mismatches, {dict(counts)}")  # noqa: T201
    return int(mismatches > 0)


if __name__ == "__main__":
    sys.exit(main())
