"""``show`` and ``new``."""

import json

import pytest

from simulator.arch import load_accelerator
from simulator.cli.describing import is_accelerator
from simulator.workload import library_names, load_workload


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


def test_new_names_a_file_that_can_be_read_again(refused, tmp_path):
    assert "has no suffix .json; name it" in refused("new", "workload", "-o", tmp_path / "mynet")
    assert not list(tmp_path.iterdir())


def test_new_overwrites_only_when_told(call, refused, tmp_path):
    (tmp_path / "a.json").write_text("mine", encoding="utf-8")
    assert "is there already" in refused("new", "arch", "-o", tmp_path / "a.json")
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "mine"
    assert call("new", "arch", "-o", tmp_path / "a.json", "--force").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "tpu_lik_128"], "did you mean 'tpu_like_128'"),
        (["show", "none.json"], "none.json: no such file"),
        (["new", "achr"], "did you mean 'arch'"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(refused, arguments, words):
    assert words in refused(*arguments)


def test_a_dram_is_shown_with_sources(call):
    shown = call("show", "hbm2").stdout
    assert "16 channels of 64 bits" in shown
    assert "timing.tccd_l_cycles" in shown
