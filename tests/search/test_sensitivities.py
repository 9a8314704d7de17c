"""Sensitivities from weights and from files."""

import json

import numpy as np
import pytest

from simulator.errors import WorkloadError
from simulator.search.sensitivities import perturbations, quantization_error, read_sensitivities


def test_error_by_hand_and_by_channel():
    assert quantization_error([0.0, 0.0], 4) == 0.0
    assert quantization_error([[1.0, 0.4], [10.0, 4.0]], 2) == pytest.approx(0.4**2 + 4.0**2)
    assert quantization_error([7.0, -3.0, 1.0], 4) == 0.0  # seven levels either side


def test_more_bits_err_less():
    weights = np.random.default_rng(0).normal(size=(8, 4, 3, 3))
    errors = [quantization_error(weights, bits) for bits in (2, 4, 8, 16)]
    assert errors == sorted(errors, reverse=True)


def test_traces_weigh_layers():
    weights = [np.array([1.0, 0.4]), np.array([1.0, 0.4])]
    table = perturbations(weights, (2, 8), traces=[1.0, 3.0])
    assert table.shape == (2, 2)
    assert table[1] == pytest.approx(3 * table[0])


def test_a_file_is_read_and_its_gaps_named(tmp_path):
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"a": {"4": 0.5, "8": 0.1}, "b": {"4": 1, "8": 0}}))
    assert read_sensitivities(path, ["b", "a"], (4, 8)).tolist() == [[1.0, 0.0], [0.5, 0.1]]
    with pytest.raises(WorkloadError, match=r"s\.json: c\.4 = None: give a number"):
        read_sensitivities(path, ["c"], (4,))
    with pytest.raises(WorkloadError, match=r"a\.2 = None"):
        read_sensitivities(path, ["a"], (2,))


def test_numbers_that_make_no_sense_are_refused():
    with pytest.raises(WorkloadError, match="give finite numbers and 1 to 32 bits"):
        quantization_error([np.nan], 4)
    with pytest.raises(WorkloadError, match="2 traces for 1 layers"):
        perturbations([np.ones(2)], (4,), traces=[1.0, 2.0])


@pytest.mark.parametrize("number", ["1" + "0" * 400, "1e301", "NaN", "-Infinity", "true", '"0.1"'])
def test_a_file_of_numbers_that_are_none_is_refused(tmp_path, number):
    path = tmp_path / "sensitivities.json"
    path.write_text(f'{{"conv": {{"4": {number}}}}}')
    with pytest.raises(WorkloadError, match=r"conv.4|not a JSON number"):
        read_sensitivities(path, ["conv"], [4])


@pytest.mark.parametrize(
    ("weights", "bits", "traces"),
    [(["abc"], [4], None), ([[[1.0], [1.0, 2.0]]], [4], None), ([[1.0]], ["4"], None), ([[1.0]], [4], [float("nan")])],
)
def test_weights_widths_and_traces_are_numbers(weights, bits, traces):
    with pytest.raises(WorkloadError, match="give"):
        perturbations(weights, bits, traces)
