"""Random arrays and tiles for the systolic oracle: one generator behind hypothesis and behind the campaign."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from simulator.records import IS, OS, SYSTOLIC_HARDWARE, WS, table
from tests.oracle.systolic_folds import Tile

Choose = Callable[[int, int], int]
"""Pick an integer between two, both included; the first is the simplest."""

FLAGS = ("weight_shadow", "swap_wavefront", "drain_separate", "skew_in_array")
WIDEST = 40  # of a product
FOLDS_A_SIDE = 3


@dataclass(frozen=True)
class Case:
    """An array and what it runs back to back."""

    hardware: Any
    tiles: list[Tile]

    def __repr__(self) -> str:
        fields = {name: int(self.hardware[name]) for name in self.hardware.dtype.names}
        tiles = [(t.ifmap.shape, t.weight.shape, t.group_packing, t.pack, t.passes, t.inner_pack) for t in self.tiles]
        return f"Case({fields}, ifmap/weight/group_packing/pack/passes/inner_pack={tiles})"


def hardware_record(rows: int, columns: int, dataflow: int, **flags: int) -> Any:
    """Return a SYSTOLIC_HARDWARE record; flags not named are 0."""
    record = table(SYSTOLIC_HARDWARE, 1)[0]
    record.rows, record.columns, record.dataflow = rows, columns, dataflow
    for name, value in flags.items():
        record[name] = value
    return record


def draw_case(choose: Choose) -> Case:
    """Make a case from choices."""
    rows, columns, dataflow = choose(1, 16), choose(1, 16), choose(WS, IS)
    hardware = hardware_record(rows, columns, dataflow, **{name: choose(0, 1) for name in FLAGS})
    passes = 2 ** choose(0, 2)
    values = np.random.default_rng(choose(0, 2**16))
    inner_pack = choose(1, 5) if choose(0, 2) == 2 else 1  # one a run, as the beat: tiles of a layer share both
    return Case(hardware, [_draw_tile(choose, hardware, (passes, inner_pack), values) for _ in range(choose(1, 3))])


def _draw_tile(choose: Choose, hardware: Any, beat: tuple[int, int], values: np.random.Generator) -> Tile:
    passes, inner_pack = beat
    pack = 1 if inner_pack > 1 else 2 ** choose(0, 2)
    height, width = int(hardware.rows), int(hardware.columns)
    tall = height * inner_pack
    longest = {WS: (WIDEST, tall, width * pack), OS: (height, WIDEST, width * pack), IS: (width, tall, WIDEST)}
    limits = [limit * FOLDS_A_SIDE for limit in longest[int(hardware.dataflow)]]
    groups, packing = choose(1, 3), 1
    if hardware.dataflow == WS and choose(0, 2) == 2:  # several groups on the diagonal
        groups = choose(1, 9)
        packing = choose(1, min(9, height, width * pack))
        limits = [WIDEST, height // packing * inner_pack, width * pack // packing]
    rows, inner, cols = (choose(1, min(WIDEST, limit)) for limit in limits)
    ifmap = values.integers(-128, 128, (groups, rows, inner))
    weight = values.integers(-128, 128, (groups, inner, cols))
    return Tile(ifmap, weight, packing, pack, passes, inner_pack)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Cases for hypothesis, which shrinks every choice."""
    return draw_case(lambda low, high: draw(st.integers(low, high)))


def random_case(values: np.random.Generator) -> Case:
    """Return a case for the campaign; half of the choices of a large range are small, where edges lie."""

    def choose(low: int, high: int) -> int:
        if high - low >= 8 and values.random() < 0.5:
            high = low + 4
        return int(values.integers(low, high + 1))

    return draw_case(choose)
