"""``list``, ``show`` and ``new``."""

import json

import pytest

from simulator.arch import load_accelerator, preset_names
from simulator.cli.catalog import CATALOGS, DATAFLOWS, is_accelerator
from simulator.records import DATAFLOW_NAMES
from simulator.workload import library_names, load_workload


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("workloads", library_names()),
        ("archs", preset_names()),
        ("dataflows", (*DATAFLOW_NAMES, "auto")),
        ("drams", ("DDR4",)),
    ],
)
def test_lists_hold_every_name_first_on_its_line(call, what, names):
    lines = [line.split()[0] for line in call("list", what).stdout.splitlines()]
    assert set(names) <= set(lines)


def test_what_is_known_is_listed():
    assert set(DATAFLOWS) == {*DATAFLOW_NAMES, "nlr", "rs", "auto"}
    assert len(CATALOGS) == 4


def test_an_accelerator_shows_each_number_with_its_source(call):
    shown = call("show", "tpu_v1").stdout
    assert "ISCA 2017, section 2: 256 x 256 MACs" in shown
    assert "700,000,000.0" in shown
    assert "overridden" in call("show", "tpu_v1", "--set", "array.rows=64").stdout


def test_a_workload_shows_layers_shapes_bits_and_macs(call):
    shown = call("show", "lenet5_int8").stdout
    row = next(line for line in shown.splitlines() if line.split()[:1] == ["c3"])
    assert row.split() == ["c3", "conv2d", "1x6x14x14", "16x6x5x5", "1x16x10x10", "8/8/8", "2.40", "0.240"]
    assert "416.5 kMAC (416,520)" in shown


@pytest.mark.parametrize("name", library_names())
def test_every_library_workload_can_be_shown(call, name):
    assert call("show", name).exit_code == 0


def test_a_file_is_shown_as_what_it_is(call, tmp_path):
    assert call("new", "arch", "-o", tmp_path / "a.json").exit_code == 0
    assert call("new", "workload", "-o", tmp_path / "w.json").exit_code == 0
    assert is_accelerator(str(tmp_path / "a.json"))
    assert not is_accelerator(str(tmp_path / "w.json"))
    assert "my_accelerator" in call("show", tmp_path / "a.json").stdout
    assert "my_workload" in call("show", tmp_path / "w.json").stdout


def test_new_descriptions_are_complete_and_load(call, tmp_path):
    call("new", "arch", "-o", tmp_path / "a.json")
    call("new", "workload", "-o", tmp_path / "w.json")
    assert load_accelerator(tmp_path / "a.json").name == "my_accelerator"
    assert load_workload(tmp_path / "w.json").mac_layers[0].name == "stem"
    fields = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert "os_drain" in fields["array"]


def test_new_overwrites_only_when_told(call, refused, tmp_path):
    (tmp_path / "a.json").write_text("mine", encoding="utf-8")
    assert "is there already" in refused("new", "arch", "-o", tmp_path / "a.json")
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "mine"
    assert call("new", "arch", "-o", tmp_path / "a.json", "--force").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["list", "workload"], "did you mean 'workloads'"),
        (["show", "tpu_lik_128"], "did you mean 'tpu_like_128'"),
        (["show", "none.json"], "none.json: no such file"),
        (["new", "achr"], "did you mean 'arch'"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(refused, arguments, words):
    assert words in refused(*arguments)


def test_drams_are_listed_both_ways_and_shown_with_sources(call):
    listed = call("list", "drams").stdout
    assert "commands: DDR4, 1 channel of 64 bits, 16 banks, 19.2 GB/s" in listed
    assert "energy: 20.0 pJ/bit" in listed
    shown = call("show", "hbm2").stdout
    assert "16 channels of 64 bits" in shown
    assert "timing.tccd_l_cycles" in shown
