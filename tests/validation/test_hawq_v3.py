"""HAWQ-V3: the columns of its tables, and measured latencies beside ours, from its own file or the reader's."""

import json

import pytest

from simulator.errors import ArchitectureError, WorkloadError
from simulator.validation.hawq_v3 import convolutions, validate_hawq_v3
from simulator.validation.rows import reference_file

EXPLAINED = {("ResNet18 W4A4", "bops"), ("ResNet50 W32A32", "size"), ("ResNet50 W8A8", "size")}


def measured(changes=(), layers=2):
    """A file's content: the first layers of both networks, as if measured."""
    rows = {
        network: {
            "layers": [
                {"layer": i, "parameters": one.weights, "mmacs": round(one.macs * 1e-6, 2)}
                | {"latency_int4_ms": 1.0, "latency_int8_ms": 2.0}
                for i, one in enumerate(convolutions(network)[1 : 1 + layers])
            ]
        }
        for network in ("ResNet18", "ResNet50")
    }
    for network, index, name, value in changes:
        rows[network]["layers"][index][name] = value
    return json.dumps(rows)


def test_columns_round_to_the_printed_digits_but_for_the_explained_ones(monkeypatch):
    monkeypatch.delenv("SIMULATOR_REFERENCE_DIR", raising=False)
    report = validate_hawq_v3()
    assert len(report.rows) == 12
    assert {(row.name, row.quantity) for row in report.rows if row.verdict == "fail"} == EXPLAINED
    assert "not here" in report.notes[-1]


def test_convolutions_are_those_of_the_papers_networks():
    assert [sum(one.weights for one in convolutions(name)) for name in ("ResNet18", "ResNet50")] == [11166912, 23454912]
    assert [len(convolutions(name)) for name in ("ResNet18", "ResNet50")] == [20, 53]


def test_ratios_of_a_file(tmp_path):
    path = tmp_path / "t4.json"
    path.write_text(measured())
    rows = [row for row in validate_hawq_v3(path).rows if row.quantity == "int4_over_int8_latency"]
    assert [row.reference for row in rows] == [0.5] * 6
    assert all(row.verdict == "shown" for row in rows)
    first = rows[0]
    assert 0.5 <= first.simulated < 0.52  # 3 x 3, compute-bound: half the beats, and the ends


@pytest.mark.skipif(reference_file("hawq") is None, reason="the measured latencies are not here")
def test_the_measured_ratios_are_met_as_well_as_recorded():
    report = validate_hawq_v3()
    ratios = [row for row in report.rows if row.unit == "ratio" and "sum" not in row.name]
    assert len(ratios) == 71
    assert sum(abs(row.error_pct) for row in ratios) / 71 < 14.0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (measured([("ResNet18", 1, "parameters", 7)]), r"ResNet18 layer 1: 7 weights .* has 36864 weights and 115\.61"),
        (measured([("ResNet50", 0, "mmacs", "many")]), r"t4\.json: ResNet50\.layers"),
        ("{}", r"t4\.json: ResNet18\.layers: KeyError\('ResNet18'\); give a list of objects"),
    ],
)
def test_a_faulty_file_is_refused(tmp_path, text, told):
    path = tmp_path / "t4.json"
    path.write_text(text)
    with pytest.raises(WorkloadError, match=told):
        validate_hawq_v3(path)


def test_there_are_no_queues():
    with pytest.raises(ArchitectureError, match="queue depth 4"):
        validate_hawq_v3(queue_depth=4)
