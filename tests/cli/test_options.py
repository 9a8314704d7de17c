"""Shapes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.cli.options import complete_arch, complete_described, complete_workload, parse_cores, parse_shapes
from simulator.errors import ArchitectureError, WorkloadError


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


def test_cores_of_each_workload():
    assert parse_cores(None, 2) == [None, None]
    assert parse_cores("2, 1", 2) == [2, 1]
    for text in ("", "2", "1,2,3", "1;2", "a,b", "-1,2"):
        with pytest.raises(ArchitectureError, match=f"--cores-for {text}: .*2 workloads, as 1,1"):
            parse_cores(text, 2)


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


def test_names_complete():
    assert complete_workload("lenet") == ["lenet5", "lenet5_int8"]
    assert complete_arch("tpu_l") == ["tpu_like_128"]
    assert complete_described("ddr4") == [name for name in complete_described("") if name.startswith("ddr4")] != []


@pytest.mark.parametrize(
    ("words", "expected"), [("run mobilenet", "mobilenet_v2"), ("run lenet5 --arch edge", "edge_like_32"), ("dia", "")]
)
def test_the_shell_is_told_what_fits(run_python, words, expected):
    line = f"simulator {words}"
    asked = {"_SIMULATOR_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    found = run_python("-m", "simulator", **asked)
    assert (found.returncode, found.stderr) == (0, "")
    assert expected in found.stdout
    assert expected or not found.stdout.strip()
