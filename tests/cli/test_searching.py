"""``simulator lut`` as the command line sees it."""

import json

import numpy as np
import pytest

LENET = ("lenet5_int8", "--arch", "tpu_like_128")


def test_a_table_is_written_and_its_remainder_said(call, tmp_path):
    path = tmp_path / "table.npy"
    done = call("lut", *LENET, "-o", path)
    assert done.exit_code == 0, done.output
    assert np.load(path).shape == (5, 8, 8)
    assert "whole network minus sum of the table, 32 random assignments" in done.stdout
    assert "an entry is the layer's share of a run of the whole network" in done.stdout


def test_fixed_layers_and_a_form_of_another_name(call, tmp_path):
    path = tmp_path / "table.json"
    done = call("lut", *LENET, "-o", path, "--wbits", "4,8", "--abits", "8", "--fixed", "c1=8/8", "--format", "hawq")
    assert done.exit_code == 0, done.output
    assert "fixed: c1 at 8/8 bit" in done.stdout
    assert "int8" in path.read_text()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--wbits", "4,x"), "--wbits '4,x': write widths with commas"),
        (("--wbits", "8-4"), "--wbits '8-4'"),
        (("--abits", "0,8"), "give different widths of 1 to 64 bits"),
        (("--wbits", "4", "--abits", "8"), "HAQ's table has weight and activation widths of 1 to 8 bits"),
        (("--fixed", "c1"), "--fixed 'c1': write NAME=W/A"),
        (("--fixed", "zz=8/8"), "fixed layer 'zz'"),
        (("--format", "x"), "--format 'x': no such form"),
    ],
)
def test_bad_input_writes_nothing(refused, tmp_path, options, told):
    assert told in refused("lut", *LENET, "-o", tmp_path / "table.npy", *options)
    assert not list(tmp_path.iterdir())


def test_an_output_that_cannot_be_is_refused_first(refused, tmp_path):
    assert "there is no folder" in refused("lut", *LENET, "-o", tmp_path / "none" / "t.npy")
    assert "cannot be used" in refused("lut", *LENET, "-o", tmp_path / "t.npy", "--cache", __file__)


def test_a_sweep_draws_its_front(call, refused, tmp_path):
    spec = {"workloads": ["lenet5_int8"], "accelerators": ["gemmini_like_16"], "dataflows": ["ws", "os"]}
    (tmp_path / "s.json").write_text(json.dumps(spec), encoding="utf-8")
    run = ["sweep", tmp_path / "s.json", "-o", tmp_path / "o.csv"]
    assert call(*run, "--plots", tmp_path / "p", "--quiet").exit_code == 0
    assert {path.name for path in (tmp_path / "p").iterdir()} == {"pareto.png", "pareto.svg", "pareto.csv"}
    assert "--plots" in refused(*run, "--plots", tmp_path / "no" / "where")


def test_a_scheduler_that_is_not_there_ends_with_one_message(refused, tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("simulator.search.sweep.CONNECT_S", 1)
    spec = tmp_path / "spec.json"
    spec.write_text('{"workloads": ["lenet5_int8"], "accelerators": ["tpu_like_128"]}')
    told = refused("sweep", spec, "-o", tmp_path / "r.csv", "--scheduler", "tcp://127.0.0.1:9")
    assert "scheduler tcp://127.0.0.1:9: cannot be reached" in told
    assert not (tmp_path / "r.csv").exists()
