"""The fast laws against the oracles of the tests: the same cycles, counted in closed form and stepped one by one."""

from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.cases.parts import parts_of
from benchmarks.measurement import Measurement, Scale, rate, seconds
from simulator.dataflow.systolic_law import tile_timing
from simulator.engine.run import run
from simulator.records import GEMM_TILE, TILE_TIMING, WS, table


def systolic(scale: Scale) -> list[Measurement]:
    """One product on a 16 x 16 array: rows x inner x cols of 196 x 144 x 64."""
    oracle, cases = import_module("tests.oracle.systolic_oracle"), import_module("tests.oracle.systolic_cases")
    rows, inner, cols = (14, 18, 20) if scale.quick else (196, 144, 64)
    hardware = cases.hardware_record(16, 16, WS, weight_shadow=1, swap_wavefront=1)
    values = np.random.default_rng(0)
    product = oracle.Tile(values.integers(-128, 128, (1, rows, inner)), values.integers(-128, 128, (1, inner, cols)))
    cycles = oracle.run_tiles(hardware, [product]).total_cycles
    stepped = seconds(lambda: oracle.run_tiles(hardware, [product]), scale.count(5))
    tile, timing = table(GEMM_TILE, 1), table(TILE_TIMING, 1)
    fields = {"rows": rows, "inner": inner, "cols": cols, "groups": 1, "group_packing": 1, "pack": 1, "passes": 1}
    for name, value in fields.items():
        tile[0][name] = value
    records = (hardware, tile[0], timing[0])
    tile_timing(*records)
    law = seconds(lambda: tile_timing(*records), scale.count(5), number=scale.count(10000))
    note = f"{rows} x {inner} x {cols} on 16 x 16 WS: {cycles} cycles; the ratio grows with the product"
    return _compared(("law_speed", "systolic_oracle_speed", "law_over_oracle"), cycles, (law, stepped), note)


def engine(scale: Scale) -> list[Measurement]:
    """Run a small network's tape, whole: the event loop against stepping every cycle."""
    oracle, view = import_module("tests.oracle.engine_oracle"), import_module("tests.engine.tape_cases")
    parts = parts_of("lenet5_int8", "gemmini_like_16")
    tape = parts.plan(parts.map())
    cycles = run(tape, parts.space).total_cycles

    def step() -> Any:  # noqa: ANN401
        return oracle.run(*view.oracle_view(tape), view.oracle_memory(parts.space))

    if step().total_cycles != cycles:
        message = f"engine: {cycles} cycles, and its oracle finds others: a speed means nothing"
        raise RuntimeError(message)
    stepped = seconds(step, scale.count(3))
    fast = seconds(lambda: run(tape, parts.space), scale.count(5), number=scale.count(100))
    note = f"lenet5_int8 on gemmini_like_16: {len(tape.steps)} tiles, {cycles} cycles; the ratio grows with the tiles"
    return _compared(("engine_speed", "engine_oracle_speed", "engine_over_oracle"), cycles, (fast, stepped), note)


def _compared(
    names: tuple[str, str, str], cycles: int, times: tuple[tuple[tuple[float, ...], ...], ...], note: str
) -> list[Measurement]:
    fast, slow = rate(names[0], "cycles/s", cycles, times[0], note), rate(names[1], "cycles/s", cycles, times[1])
    ratio = Measurement(names[2], "x", (fast.median / slow.median,), _cpu_ratio(fast, slow))
    return [fast, slow, ratio]


def _cpu_ratio(fast: Measurement, slow: Measurement) -> tuple[float, ...]:
    return (fast.cpu_median / slow.cpu_median,) if fast.cpu_median and slow.cpu_median else ()
