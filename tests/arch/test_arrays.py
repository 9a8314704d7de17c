"""Arrays are told apart by ``kind``; what needs a systolic one says so."""

from typing import get_args

import pytest

from simulator.api import simulate
from simulator.arch import load_accelerator
from simulator.arch.arrays import Array, require_systolic, with_kind
from simulator.arch.library import parse_accelerator
from simulator.errors import ArchitectureError
from tests.arch.test_description import SMALL

KINDS = get_args(get_args(Array)[0])
EYERISS_LIKE = SMALL | {"array": {"kind": "row_stationary", "rows": 12, "columns": 14}}


def test_an_array_without_kind_is_systolic():
    assert parse_accelerator(SMALL, "small.json").array.kind == "systolic"
    assert "kind" not in SMALL["array"]
    for data in ([], {"array": 3}, {"array": {"kind": "x"}}, {}):
        assert with_kind(data) is data


def test_faults_are_told_without_the_kind_in_their_path():
    with pytest.raises(ArchitectureError, match=r"^small.json: array.filter_spad_words = 0"):
        parse_accelerator(SMALL | {"array": EYERISS_LIKE["array"] | {"filter_spad_words": 0}}, "small.json")
    with pytest.raises(ArchitectureError, match=r"array.kind = 'sistolic': unknown \(did you mean 'systolic'"):
        parse_accelerator(SMALL | {"array": {"kind": "sistolic", "rows": 4, "columns": 4}}, "small.json")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_gives_what_the_rest_asks_for(kind):
    shape = {"rows": 3, "columns": 5} if {"rows", "columns"} <= set(kind.model_fields) else {}
    array = kind(**shape)
    assert array.pes == 15 if shape else array.pes > 0
    assert array.in_short
    assert array.dataflows
    assert array.psum_bits > 0


def test_what_needs_a_systolic_array_says_so():
    machine = parse_accelerator(EYERISS_LIKE, "eyeriss_like.json")
    with pytest.raises(ArchitectureError, match=r"small: array.kind = 'row_stationary'; the evaluator knows"):
        require_systolic(machine.name, machine.array, "the evaluator")
    with pytest.raises(ArchitectureError, match=r"compat 'scalesim' knows systolic arrays only: choose"):
        simulate("lenet5", machine, compat="scalesim")
    assert require_systolic("tpu", load_accelerator("tpu_v1").array, "the test").rows == 256
