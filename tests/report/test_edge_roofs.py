"""Roofs of the array's edge: no layer lies above one."""

import pytest

from simulator import simulate
from simulator.report.edge_roofs import OPERANDS, edge_dot, edge_dots
from simulator.report.roofline import roofline_figure, roofline_rows
from tests.report.sample_results import layer, run

EDGE = {name: {"words": 1000, "words_per_cycle": 16.0} for name in OPERANDS}


def test_a_dot_is_operations_a_word_under_words_a_second():
    result = run(layer(edge=EDGE))
    dot = edge_dot(result, result.layers[0], "ifmap")
    assert dot.ops_per_word == 2 * 64_000 / 1000
    assert dot.ops_per_second == 2 * 64_000 * 1e9 / 1000
    assert dot.words_per_second == 16e9
    assert edge_dot(run(), run().layers[0], "ifmap") is None


def test_each_operand_has_a_panel_where_its_words_are_known():
    assert len(roofline_figure(run()).axes) == 1
    assert len(roofline_figure(run(layer(edge=EDGE))).axes) == 4
    none = run(layer(edge={**EDGE, "psum": {"words": 0, "words_per_cycle": 4.0}}))
    assert list(edge_dots(none)) == ["ifmap", "weight"]
    (row,) = roofline_rows(run(layer(edge=EDGE)))
    assert row["ops_per_psum_word"] == 128.0
    assert row["psum_words_per_second"] == 16e9


@pytest.mark.parametrize(
    ("workload", "accelerator", "options"),
    [
        ("resnet18_int8", "tpu_like_128", {"dataflow": "auto"}),
        ("shufflenet_int8", "edge_like_32", {"dataflow": "os"}),
        ("shufflenet_int8", "tpu_like_128", {"dataflow": "is"}),
        ("resnet50_w4w8", "stripes_like", {}),
        ("resnet18_int8", "bitfusion", {}),
        ("lenet5_int8", "eyeriss_v1", {}),
    ],
)
def test_no_layer_is_above_the_roof_of_its_edge(workload, accelerator, options):
    result = simulate(workload, accelerator, fidelity="bandwidth", **options)
    found = edge_dots(result)
    assert set(found) == set(OPERANDS)
    for dots in found.values():
        for dot in dots:
            assert dot.ops_per_second <= dot.ops_per_word * dot.words_per_second * (1 + 1e-9)
    assert max(dot.ops_per_second / dot.ops_per_word / dot.words_per_second for dot in found["ifmap"]) > 0.2
