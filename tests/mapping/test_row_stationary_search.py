"""The search finds what trying everything finds; what does not fit is named."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.arch import load_accelerator
from simulator.dataflow.row_stationary import ConvNest, RowMachine, RowMapping, shortfalls
from simulator.dataflow.row_stationary_law import FeatureMaps, run_nest
from simulator.errors import MappingError
from simulator.mapping.row_stationary_search import (
    COUNTED,
    Goal,
    best_mapping,
    counts_of,
    explain,
    given_mapping,
    pieces_of,
)
from tests.dataflow.row_stationary_cases import BITS, machines, nests

MAPS = FeatureMaps(*BITS)
PRICES = dict(zip(COUNTED, (1.0, 2.0, 1.0, 0.5, 0.5, 0.3, 5.0, 3.0), strict=True))
EYERISS = load_accelerator("eyeriss_v1")
CHIP = RowMachine.of(EYERISS, EYERISS.array)
CONV4 = ConvNest(4, 2, 192, 192, 13, 13, 3, 3, pad_h=1, pad_w=1, H=13, W=13)


def everything(nest, machine):
    """Every mapping that fits: all sizes of all letters."""
    one = range(1, nest.K + 1)
    for n, e, p, q in product(range(1, nest.N + 1), range(1, nest.P + 1), one, range(1, nest.C + 1)):
        for r, t, m in product(range(1, nest.C + 1), one, one):
            mapping = RowMapping(m, n, e, p, q, r, t)
            if not any(shortfalls(nest, machine, mapping, BITS[:2])):
                yield mapping


@settings(max_examples=12, deadline=None)
@given(st.data())
@pytest.mark.parametrize("objective", ["latency", "energy", "edp"])
def test_nothing_is_much_better_than_what_is_found(objective, data):
    """Candidates leave sizes out (only the three largest p, the largest m): a few per cent may be lost, no more."""
    nest, machine = data.draw(nests(most=2)), data.draw(machines())
    goal = Goal(objective, PRICES)
    found = best_mapping(nest, machine, MAPS, goal)
    best = min(
        (goal.of(counts_of(run_nest(nest, machine, mapping, MAPS))) for mapping in everything(nest, machine)),
        default=None,
    )
    assert (found is None) == (best is None)
    if found is not None:
        assert not list(shortfalls(nest, machine, found[0], BITS[:2]))
        assert found[1] == run_nest(nest, machine, found[0], MAPS)
        assert best <= goal.of(counts_of(found[1])) <= 1.1 * best


def test_pieces_are_the_smallest_size_of_each_number():
    assert pieces_of(13, 13) == [13, 7, 5, 4, 3, 2, 1]
    assert pieces_of(5, 2) == [2, 1]
    assert pieces_of(5, 0) == []


def test_published_mapping_of_conv1_is_found():
    """JSSC 2017, table III."""
    conv1 = ConvNest(4, 1, 96, 3, 55, 55, 11, 11, 4, 4, H=227, W=227)
    mapping, _ = best_mapping(conv1, CHIP, FeatureMaps(16, 16, 16, None, 0.378), Goal("latency", {}))
    assert mapping == RowMapping(m=96, n=1, e=7, p=16, q=1, r=1, t=2)


def test_what_does_not_fit_is_named_with_its_size():
    text = explain(CONV4, CHIP, MAPS, "conv4", RowMapping(64, 4, 13, 16, 5, 2, 2))
    assert text.startswith(
        "layer 'conv4': the given mapping does not fit: filter spad (p q S) needs 240 words, 16 more"
    )
    small = RowMachine(**{**vars(CHIP), "glb_bits": 16 * 4})
    assert best_mapping(CONV4, small, MAPS, Goal("latency", {})) is None
    assert "global buffer (ifmap strips and psums) needs" in explain(CONV4, small, MAPS, "conv4")


def test_a_given_mapping_is_checked():
    assert given_mapping(CONV4, {"e": 13, "p": 16, "t": 2}, "conv4") == RowMapping(32, 1, 13, 16, 1, 1, 2)
    for wrong, text in (
        ({"e": 14}, r"mapping for 'conv4': e = 14; give 1..13"),
        ({"p": True}, r"p = True"),
        ({"p": "4"}, r"p = '4'; give 1..192"),
        ({"x": 1}, r"is no row-stationary mapping; write \{'m': size"),
        (3, r"3 is no row-stationary mapping"),
    ):
        with pytest.raises(MappingError, match=text):
            given_mapping(CONV4, wrong, "conv4")
