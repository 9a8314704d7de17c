"""Every number and claim that reports make in words is what the result says: three networks, machines of all kinds."""

import json
import re

import pytest

from simulator import simulate
from simulator.report.answers import answers
from simulator.report.explanation import explain_layer
from simulator.report.summary import totals
from tests.report.answer_claims import faults_of_answers
from tests.report.explanation_claims import faults_of_explanation
from tests.report.sample_results import layer, run
from tests.report.totals_claims import TOTALS, faults_of_totals

SYSTOLIC = ("tpu_like_128", "edge_like_32", "onnxim_like_4x128")
ENGINES = {"eyeriss_v1": None, "scnn": "0.4", "nm_tensor_core_a100": "2:4"}
RUNS = [
    *((network, machine, "bandwidth", None) for network in ("lenet5_int8", "alexnet_int8") for machine in SYSTOLIC),
    *(("lenet5_int8", machine, "event", None) for machine in SYSTOLIC),
    *(("lenet5_int8", machine, "bandwidth", zeros) for machine, zeros in ENGINES.items()),
    ("mobilenet_v2_int8", "edge_like_32", "bandwidth", None),
    ("mobilenet_v2_int8", "edge_like_32", "event", None),
    ("mobilenet_v2_int8", "eyeriss_v1", "bandwidth", None),
]


@pytest.mark.parametrize(("network", "machine", "fidelity", "zeros"), RUNS, ids=str)
def test_what_is_said_is_so(network, machine, fidelity, zeros):
    result = simulate(network, machine, fidelity=fidelity, sparsity=zeros)
    data = json.loads(result.to_json())
    assert faults_of_answers(answers(result), data) == []
    assert faults_of_totals(totals(result), data) == []
    told = {each.name: explain_layer(result, each.name) for each in result.layers}
    faults = [faults_of_explanation(lines, data, name) for name, lines in told.items()]
    assert [fault for found in faults for fault in found] == []


def _numbers(text):
    return [found.span() for found in re.finditer(r"\d[\d,.]*(?<![.,])", text)]


def test_the_reader_notices_each_number_and_word_that_is_changed():
    """Every number of the words, raised by one, and every cause, named otherwise, is found."""
    result = run(layer("c"), layer("d", useful=100, weight=700))
    data = json.loads(result.to_json())
    told = answers(result)
    assert not faults_of_answers(told, data)
    for answer, (question, paragraphs) in enumerate(told):
        for place, text in enumerate(paragraphs):
            for begin, end in _numbers(text):
                if text[begin:end] == "45" or "nm" in text[end : end + 2]:  # the profile's name
                    continue
                number = text[begin:end]
                changed = f"{text[:begin]}{number[:-1]}{(int(number[-1]) + 2) % 10}{text[end:]}"
                words = [*paragraphs[:place], changed, *paragraphs[place + 1 :]]
                assert faults_of_answers([*told[:answer], (question, words), *told[answer + 1 :]], data), changed
    lines = explain_layer(result, "d")
    assert not faults_of_explanation(lines, data, "d")
    for place, text in enumerate(lines):
        for begin, end in _numbers(text):
            number = text[begin:end]
            changed = f"{text[:begin]}{number[:-1]}{(int(number[-1]) + 2) % 10}{text[end:]}"
            assert faults_of_explanation([*lines[:place], changed, *lines[place + 1 :]], data, "d"), changed
    others = (("weight", "ifmap"), ("bound by its wait", "bound by the array"), ("bandwidth", "b"), ("Waited", "W"))
    for old, new in others:
        changed_lines = [line.replace(old, new) for line in lines]
        assert changed_lines == lines or faults_of_explanation(changed_lines, data, "d"), (old, new)


def test_the_reader_notices_each_number_of_the_totals_that_is_changed():
    result = run(layer("c"), layer("d", useful=100, weight=700))
    data = json.loads(result.to_json())
    assert not faults_of_totals(totals(result), data)
    for place, (name, text) in enumerate(lines := totals(result)):
        for begin, end in _numbers(text) if name in TOTALS or name in ("utilization", "time") else ():
            changed = f"{text[:begin]}{text[begin : end - 1]}{(int(text[end - 1]) + 2) % 10}{text[end:]}"
            if "B/s" in text[end : end + 6]:  # the mean follows from the share
                continue
            assert faults_of_totals([*lines[:place], (name, changed), *lines[place + 1 :]], data), changed
