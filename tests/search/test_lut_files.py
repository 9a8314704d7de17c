"""Latency tables in other tools' forms."""

import csv
import json

import numpy as np
import polars as pl
import pytest
import yaml

from simulator.errors import SimulatorError
from simulator.search.lut import lut
from simulator.search.lut_files import write_lut


@pytest.fixture(scope="module")
def table():
    return lut("lenet5_int8", "tpu_like_128", wbits=(4, 8), abits=(4, 8))


def test_haq(tmp_path):
    whole = lut("lenet5_int8", "tpu_like_128", wbits=range(1, 9), abits=range(1, 9))
    write_lut(whole, tmp_path / "a.npy")
    found = np.load(tmp_path / "a.npy")
    assert (found.shape, found.dtype) == ((5, 8, 8), np.int64)
    assert found[2, 3, 7] == whole.query([(4, 8)] * 5)[2]


def test_haq_needs_every_width(table, tmp_path):
    with pytest.raises(SimulatorError, match=r"widths of 1 to 8 bits; this one has \[4, 8\]"):
        write_lut(table, tmp_path / "a.npy")
    assert not list(tmp_path.iterdir())


def test_csv_parquet_and_json_hold_the_same(table, tmp_path):
    for suffix in ("csv", "parquet", "json"):
        write_lut(table, tmp_path / f"a.{suffix}")
    lines = list(csv.DictReader((tmp_path / "a.csv").open()))
    frame = pl.read_parquet(tmp_path / "a.parquet")
    document = json.loads((tmp_path / "a.json").read_text())
    assert [int(line["cycles"]) for line in lines] == frame["cycles"].to_list() == table.cycles.ravel().tolist()
    assert document["cycles"] == table.cycles.tolist()
    assert document["units"]["energy_pj"] == "pJ"
    assert {"latency_ms", "energy_pj", "dram_bytes"} <= set(lines[0])


def test_once_for_all(table, tmp_path):
    write_lut(table, tmp_path / "a.yaml")
    found = yaml.safe_load((tmp_path / "a.yaml").read_text())
    entry = found[f"{table.layers[1]}-w8-a4"]
    assert entry == {"count": 1, "mean": table.latency_ms[1, 1, 0], "var": 0.0}
    assert len(found) == table.cycles.size


def test_hawq(table, tmp_path):
    write_lut(table, tmp_path / "a.json", "hawq")
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["int4"]["latency_ms"] == table.latency_ms[:, 0, 0].tolist()
    assert found["int8"]["bops_g"] == pytest.approx((table.macs * 64e-9).tolist())
    assert found["parameters"] == table.weights.tolist()


def test_unknown_forms_are_refused(table, tmp_path):
    with pytest.raises(SimulatorError, match=r"no table has the suffix '.txt'"):
        write_lut(table, tmp_path / "a.txt")
    with pytest.raises(SimulatorError, match=r"--format 'haw': no such form.*did you mean"):
        write_lut(table, tmp_path / "a.txt", "haw")
