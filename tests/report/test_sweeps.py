"""Sweeps: a panel each, a line a layer, scales that fit."""

import pytest

from simulator.errors import SimulatorError
from simulator.report.sweeps import save_sweeps, sweeps_csv, sweeps_figure
from simulator.validation.eie_sweeps import Sweep

SHORT = Sweep("depth", "efficiency", "", "queue depth", (1, 2, 4), {"a": (0.5, 0.8, 0.9), "b": (0.4, 0.6, 0.7)})
LONG = Sweep("pes", "speed-up", "x", "PEs", (1, 4), {"a": (1.0, 3.9), "b": (1.0, 40.0)})


def test_panels_show_every_line_and_name_their_axes():
    short, long, empty = sweeps_figure((SHORT, LONG), "title").axes
    assert [list(line.get_ydata()) for line in short.lines] == [[0.5, 0.8, 0.9], [0.4, 0.6, 0.7]]
    assert (short.get_xlabel(), short.get_ylabel(), long.get_ylabel()) == ("queue depth", "efficiency", "speed-up [x]")
    assert (short.get_xscale(), short.get_yscale(), long.get_yscale()) == ("log", "linear", "log")
    assert short.get_ylim()[0] == 0.0
    assert [label.get_text() for label in short.get_xticklabels()] == ["1", "2", "4"]
    assert not empty.axison


def test_the_numbers_of_every_line_are_written():
    lines = sweeps_csv((SHORT, LONG)).splitlines()
    assert len(lines) == 1 + 2 * 3 + 2 * 2
    assert lines[0] == "sweep,swept,at,layer,quantity,unit,value"
    assert lines[5] == "depth,queue depth,2,b,efficiency,,0.6"
    assert lines[-1] == "pes,PEs,4,b,speed-up,x,40.0"


def test_files_are_the_same_each_time(tmp_path):
    once = [path.read_bytes() for path in save_sweeps((SHORT,), "chip", "title", tmp_path)]
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "chip_sweeps.csv",
        "chip_sweeps.png",
        "chip_sweeps.svg",
    ]
    assert [path.read_bytes() for path in save_sweeps((SHORT,), "chip", "title", tmp_path)] == once
    with pytest.raises(SimulatorError, match="missing"):
        save_sweeps((SHORT,), "chip", "title", tmp_path / "missing")
