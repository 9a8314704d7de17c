"""Specs of sweeps: their points, their faults."""

import json

import pytest

from simulator.errors import SimulatorError
from simulator.search.sweep_spec import SweepSpec, read_spec, widths_of


def test_points_are_the_product_in_one_order():
    spec = SweepSpec(workloads=("a", "b"), accelerators=("x",), bits=("w4a8", None), objectives=("energy",))
    assert [(p.number, p.workload, p.bits, p.objective) for p in spec.points()] == [
        (0, "a", "w4a8", "energy"),
        (1, "a", None, "energy"),
        (2, "b", "w4a8", "energy"),
        (3, "b", None, "energy"),
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"workload": ["a"]}, "workload"),
        ({"bits": ["4"]}, "write w4a8"),
        ({"bits": ["w65a8"]}, "1 to 64"),
        ({"accelerators": []}, "accelerators"),
        ({"objectives": ["speed"]}, "objectives"),
    ],
)
def test_faults_are_named_with_the_file(tmp_path, change, told):
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"workloads": ["a"], "accelerators": ["b"]} | change))
    with pytest.raises(SimulatorError, match=rf"(?s)spec\.json.*{told}"):
        read_spec(path)


def test_widths():
    assert widths_of("w16a1") == (16, 1)
    with pytest.raises(ValueError, match="write w4a8"):
        widths_of("w0a1")


def test_more_points_than_a_sweep_holds_are_refused():
    spec = SweepSpec(workloads=("a",) * 1001, accelerators=("x",) * 1000)
    with pytest.raises(SimulatorError, match=r"sweep of 1001000 points .* at most 1000000; cut it in several"):
        spec.points()
    assert len(SweepSpec(workloads=("a",) * 10, accelerators=("x",) * 1000).points()) == 10_000
