"""Shapes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.cli.options import parse_shapes
from simulator.errors import WorkloadError


def test_shapes_by_name():
    assert parse_shapes(["a=1,2", "b:0=3", "c=d=4"]) == {"a": (1, 2), "b:0": (3,), "c=d": (4,)}
    assert parse_shapes(None) == {}


@pytest.mark.parametrize(
    "text",
    ["", "a", "=1", "a=", "a=1,", "a=0", "a=-1", "a=1.5", "a=x", "a=1e3", "a=99999999999", "a=2147483648", "a=\u0661"],
)
def test_what_is_no_shape_is_refused_with_an_example(text):
    with pytest.raises(WorkloadError, match=r"--shape"):
        parse_shapes([text])


def test_an_input_is_given_once():
    with pytest.raises(WorkloadError, match="given twice"):
        parse_shapes(["a=1", "a=2"])


@given(st.text(max_size=20))
def test_any_text_is_a_shape_or_one_error(text):
    try:
        shapes = parse_shapes([text])
    except WorkloadError:
        return
    assert all(isinstance(size, int) and size > 0 for shape in shapes.values() for size in shape)
