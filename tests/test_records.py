"""Layouts that cross between rooms."""

import numpy as np
import pytest

from simulator import records
from simulator.records import int_fields, table

LAYOUTS = {name: value for name, value in vars(records).items() if isinstance(value, np.dtype)}


def test_layouts_are_found():
    assert {"STEP", "USE", "TRANSFER", "WORK", "MAPPING", "COST", "COUNTERS", "MEMORY_SPACE"} <= set(LAYOUTS)


@pytest.mark.parametrize("name", LAYOUTS)
def test_tables_start_at_zero_with_attribute_access(name):
    records_of = table(LAYOUTS[name], 3)
    assert records_of.shape == (3,)
    for field in LAYOUTS[name].names:
        assert not np.any(getattr(records_of[1], field))


@pytest.mark.parametrize("name", LAYOUTS)
def test_counts_are_64_bit(name):
    for field, (kind, *_) in LAYOUTS[name].fields.items():
        assert kind.base in (np.dtype(np.int64), np.dtype(np.float64)), field
        if field.endswith(("_cycles", "_bytes", "_bits", "_words")):
            whole = field != "latency_cycles" or name != "COST"  # a prediction may be a fraction
            assert kind.base == np.dtype(np.int64) or not whole, field


def test_views_of_records_write_through():
    steps = table(int_fields("a", "b"), 2)
    steps[1].b = 7
    assert steps["b"].tolist() == [0, 7]


@pytest.mark.parametrize(
    ("names", "prefix"),
    [
        (records.CAUSE_NAMES, "CAUSE_"),
        (records.LATE_NAMES, "LATE_"),
        (records.DATAFLOW_NAMES, ""),
        (records.OPERAND_NAMES, ""),
        (records.RESOURCE_NAMES, ""),
    ],
)
def test_names_are_in_the_order_of_their_codes(names, prefix):
    spelled = {"queue_order": "QUEUE", "dram_bus": "BUS"}
    for code, name in enumerate(names):
        assert getattr(records, prefix + spelled.get(name, name.upper())) == code


def test_loop_orders_are_the_permutations_of_m_k_c():
    assert sorted(records.ORDER_NAMES) == sorted({"mkc", "mck", "kmc", "kcm", "cmk", "ckm"})
