"""What the array's edge lets through: its buses, or a word at each row or column it is entered by."""

import pytest

from simulator.arch import load_accelerator
from simulator.dataflow.edge import edge_words_per_cycle
from simulator.records import DATAFLOW_NAMES, MAPPING, WORK, table


def found(flow, overrides=(), **fields):
    work, mapping = table(WORK, 1)[0], table(MAPPING, 1)[0]
    for name, value in {"pack": 1, "passes": 1, "inner_pack": 1, **fields}.items():
        work[name] = value
    mapping["dataflow"] = DATAFLOW_NAMES.index(flow)
    sizes = ["array.rows=8", "array.columns=4", *overrides]
    return edge_words_per_cycle(load_accelerator("gemmini_like_16", overrides=sizes).array, work, mapping)


@pytest.mark.parametrize(("flow", "ifmap", "weight"), [("ws", 8, 4), ("os", 8, 4), ("is", 4, 8)], ids=str)
def test_each_operand_enters_by_its_own_edge(flow, ifmap, weight):
    assert found(flow) == {"ifmap": ifmap, "weight": weight, "psum": 4}


def test_packed_and_fused_words_and_long_beats():
    assert found("ws", pack=2) == {"ifmap": 8, "weight": 8, "psum": 8}
    assert found("os", inner_pack=4) == {"ifmap": 32, "weight": 16, "psum": 4}
    assert found("ws", passes=4) == {"ifmap": 2, "weight": 1, "psum": 1}


def test_a_narrow_bus_is_the_roof():
    assert found("ws", ["array.ifmap_bus_words_per_cycle=3"])["ifmap"] == 3
    assert found("ws", ["array.psum_bus_words_per_cycle=99"])["psum"] == 4
