import pytest
from pydantic import ValidationError

from simulator.workload.precision import FLOAT32, INT8, Precision


@pytest.mark.parametrize(
    ("precision", "label", "integer_bits"),
    [
        (FLOAT32, "float32", None),
        (INT8, "int8", 8),
        (Precision(bits=4, signed=False), "uint4", 4),
        (Precision(bits=16, kind="float"), "float16", None),
        (Precision(bits=1, signed=False), "uint1", 1),
    ],
)
def test_label_and_integer_bits(precision, label, integer_bits):
    assert precision.label == label
    assert precision.integer_bits == integer_bits


@pytest.mark.parametrize(
    "fields",
    [
        {"bits": 0},
        {"bits": -8},
        {"bits": 65},
        {"bits": 8, "kind": "fixed"},
        {"bits": 8, "granularity": "per_tile"},
        {"bits": 8, "sign": True},
        {"bits": 4, "granularity": "per_group"},
        {"bits": 4, "group_size": 32},
        {"bits": 4, "granularity": "per_group", "group_size": 0},
        {},
    ],
)
def test_nonsense_is_refused(fields):
    with pytest.raises(ValidationError):
        Precision(**fields)


def test_precisions_are_values():
    assert Precision(bits=8) == INT8
    assert len({Precision(bits=8), INT8, Precision(bits=8, signed=False)}) == 2
    with pytest.raises(ValidationError):
        INT8.bits = 4


def test_group_size_goes_with_its_granularity():
    grouped = Precision(bits=4, granularity="per_group", group_size=32)
    assert grouped.group_size == 32
    with pytest.raises(ValidationError, match="group_size with per_group, and only then"):
        Precision(bits=4, granularity="per_group")
