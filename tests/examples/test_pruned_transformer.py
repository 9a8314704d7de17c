"""The example: what it draws and says from given points, and that it leaves quietly without the model."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))
import pruned_transformer as example


def points(factor=1.0):
    made = []
    for i, name in enumerate(example.MACHINES):
        for density in example.DENSITIES:
            gains = 1.0 if i < 2 else density * factor
            made.append(example.Point(name, density, f"{density}", int(1e9 * gains), 0.5 * gains, 1_000_000, 0.4))
    return made


def test_the_plot_has_a_line_for_each_machine_and_the_proportion():
    drawn = example.draw(points())
    for axes in drawn.axes:
        assert len(axes.lines) == len(example.MACHINES) + 1
    assert "40 %" in drawn.get_suptitle()


def test_the_words_follow_the_numbers():
    text = example.table(points())
    assert text.count("\n| ") == 2 + len(points()) - 1
    assert "EIE does not beat N:M" in text
    faster = [replace(point, multiplier_cycles=1) if point.machine == "EIE" else point for point in points()]
    assert "EIE beats N:M in multiplier-cycles at 0%, 50%, 75%, 90% pruned" in example.table(faster)


@pytest.mark.parametrize("density", example.DENSITIES)
def test_machines_have_the_same_multipliers_but_for_eie(density):
    machines = {name: example.machine(name, density) for name in example.MACHINES}
    assert {machines[name].array.pes for name in example.MACHINES[:3]} == {1024}
    assert {machines[name].clock_hz for name in example.MACHINES[:3]} == {5e8}
    assert {machines[name].dram_bytes_per_cycle for name in example.MACHINES[:3]} == {16.0}
    assert machines["EIE"].array.pes == 64
    assert machines["gated array"].zero_gating.by == ("ifmap", "weight")
    assert (machines["N:M tensor core"].array.n, machines["N:M tensor core"].array.m) == example.N_OF_M[density]


def test_a_folder_that_is_not_there_is_refused_before_anything_runs(capsys, tmp_path):
    with pytest.raises(SystemExit) as refusal:
        example.main(["--out", str(tmp_path / "missing")])
    assert refusal.value.code == 2
    assert "missing: is no folder" in capsys.readouterr().err


def test_without_the_model_it_says_so(monkeypatch, capsys, tmp_path):
    for folder in ("", str(tmp_path)):
        monkeypatch.setenv("SIMULATOR_REFERENCE_DIR", folder)
        assert example.main() == 0
        assert "skipped" in capsys.readouterr().err
