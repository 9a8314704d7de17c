"""A result that was edited or cut is refused with a message; what is let through shows no hole."""

import copy
import json
import re
from dataclasses import replace

import pytest

from simulator import simulate
from simulator.errors import SimulatorError
from simulator.report.answers import answers
from simulator.report.comparison import changed_most, totals_table
from simulator.report.explanation import explain_layer
from simulator.report.result_checks import check_result, expected_total
from simulator.report.result_files import load_result
from simulator.report.summary import heading, price_lines, remarks, totals
from tests.report.sample_results import layer, run, unmapped

HOLE = re.compile(r"(?<![\w.-])(None|nan|NaN|inf|null)(?![\w-])")


@pytest.mark.parametrize("result", [run(), run(layer("a"), layer("b")), run(unmapped())])
def test_a_whole_result_passes(result):
    check_result(result, "x.json")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"utilization": None}, r"total\.utilization = null: no share of the peak"),
        ({"utilization": 1.5}, r"total\.utilization = 1\.5: no share"),
        ({"latency_s": None}, r"total\.latency_s = null: the layers give 1e-06"),
        ({"power_w": 1.0}, r"total\.power_w = 1: the layers give 8"),
        ({"throughput_ops_per_second": None}, "throughput_ops_per_second = null"),
        ({"effectual_efficiency_ops_per_joule": 3.0}, "effectual_efficiency_ops_per_joule = 3"),
        ({"macs": 1}, r"total\.macs = 1: the layers give 64000"),
        ({"effectual_macs": 64_001}, r"total\.effectual_macs = 64001: the layers give 64000 to 64000"),
        ({"dram_bytes": 1}, r"total\.dram_bytes = 1: the layers give 4000"),
        ({"energy_by_component_pj": {"mac": 8e6}}, r"energy_by_component_pj = \{mac: 8000000\}: the layers give"),
        ({"tail_cycles": 1}, r"total\.cycles = 1000: issue \+ idle \+ tail = 901"),
    ],
)
def test_totals_that_do_not_follow_are_refused(changes, words):
    whole = run()
    with pytest.raises(SimulatorError, match=words):
        check_result(replace(whole, total=replace(whole.total, **changes)), "x.json")


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (layer(utilization=None), r"layers\[0\]\.utilization \(in 'conv'\) = null"),
        (replace(unmapped(), mapping_error=None), r"layers\[0\]\.cycles \(in 'huge'\) = null, and no mapping_error"),
    ],
)
def test_layers_with_holes_are_refused(part, words):
    with pytest.raises(SimulatorError, match=words):
        check_result(run(part), "x.json")


@pytest.mark.parametrize("machine", ["gemmini_like_16", "onnxim_like_4x128", "scnn", "eyeriss_v1"])
def test_totals_of_real_runs_follow_from_their_layers(machine):
    result = simulate("lenet5_int8", machine, fidelity="bandwidth", sparsity="0.4" if machine == "scnn" else None)
    check_result(result, machine)
    assert expected_total(result)["macs"] == result.total.macs == 416_520


def places(value, above=()):
    """Yield the path of every key of a JSON value, of lists that of the first item."""
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*above, key)
        yield from places(inner, (*above, key))


def damaged(data, place, how):
    changed = copy.deepcopy(data)
    holder = changed
    for key in place[:-1]:
        holder = holder[key]
    if how == "deleted":
        del holder[place[-1]]
    else:
        holder[place[-1]] = None
    return changed


def shown(result, other):
    lines = [*price_lines(result), *remarks(result), *changed_most([other, result])]
    lines += [text for pair in (*totals(result), *heading(result)) for text in pair]
    lines += [text for _, paragraphs in answers(result) for text in paragraphs]
    lines += [text for each in result.layers for text in explain_layer(result, each.name)]
    return [*lines, *(str(cell) for column in totals_table([other, result])[0].columns for cell in column.cells)]


@pytest.mark.parametrize("how", ["deleted", "null"])
def test_any_key_damaged_is_one_message_or_a_result_without_a_hole(tmp_path, how):
    whole = simulate("lenet5_int8", "gemmini_like_16", fidelity="bandwidth")
    data = json.loads(whole.to_json())
    path = tmp_path / "result.json"
    refused = []
    for place in places(data):
        path.write_text(json.dumps(damaged(data, place, how)), encoding="utf-8")
        try:
            result = load_result(path)
        except SimulatorError as fault:
            refused.append(str(fault))
        else:
            assert not HOLE.search("\n".join(shown(result, whole))), place
    assert len(refused) > 60
    assert all(message.startswith(str(path)) for message in refused)
