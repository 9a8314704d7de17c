"""Numbers as people read them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.report.quantities import count, percent, printable, ratio, significant, with_prefix

FACTORS = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "\N{MICRO SIGN}": 1e-6, "m": 1e-3, "": 1.0}
FACTORS |= {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 s"), (999.6, "1.00 ks"), (1e-15, "1.00 fs"), (999.4, "999 s"), (1e3, "1.00 ks"), (-2.5e6, "-2.50 Ms")],
)
def test_prefix_and_digits(value, text):
    assert with_prefix(value, "s") == text


@given(st.floats(1e-15, 9e17))
def test_a_prefixed_number_reads_back_to_three_digits(value):
    number, prefix = re.fullmatch(r"([\d.,]+) (.?)s", with_prefix(value, "s")).groups()
    assert float(number.replace(",", "")) * FACTORS[prefix] == pytest.approx(value, rel=6e-3)


@given(st.floats(1e-3, 1e12))
def test_significant_keeps_three_digits(value):
    assert float(significant(value).replace(",", "")) == pytest.approx(value, rel=6e-3)


@pytest.mark.parametrize("unknown", [None, float("nan"), float("inf")])
def test_what_is_not_known_is_a_dash(unknown):
    assert with_prefix(unknown, "s") == "-"


def test_dashes_instead_of_divisions_by_zero():
    assert [count(None), percent(1, 0), percent(None, 2), ratio(1, 0), ratio(None, 1), ratio(1, None)] == ["-"] * 6


def test_names_from_files_cannot_steer_a_terminal():
    assert printable("a\x1b[31m\nb\x07") == "a?[31m?b?"
