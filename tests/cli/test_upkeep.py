"""``warmup`` and ``doctor``."""

from simulator.cli import upkeep
from simulator.cli.compiling import ENGINE, STAGES


def test_doctor_finds_everything_well(call):
    shown = call("doctor")
    assert shown.exit_code == 0, shown.output
    assert "everything is well" in shown.stdout
    assert "numba" in shown.stdout
    assert "416520" in shown.stdout


def test_doctor_fails_when_a_number_is_wrong(call, monkeypatch):
    monkeypatch.setattr(upkeep, "LENET_MACS", 1)
    shown = call("doctor")
    assert shown.exit_code == 1
    assert "FAILED: LeNet-5 MACs: 416520, expected 1" in shown.stdout
    assert "1 checks failed" in shown.stdout


def test_warmup_compiles_and_says_where(call):
    shown = call("warmup")
    assert shown.exit_code == 0, shown.output
    assert "all kernels are ready" in shown.stdout
    assert call("warmup", "--quiet").output == ""


def test_doctor_says_what_is_compiled_before_it_compiles(call, monkeypatch):
    """Half a minute of silence looks like a machine that hangs."""
    asked = []
    monkeypatch.setattr(upkeep, "compile_first", lambda *works: asked.append(works))
    monkeypatch.setattr(upkeep, "still_to_compile", lambda *works: (ENGINE,))
    monkeypatch.setattr(upkeep, "cache_is_cold", lambda: False)
    shown = call("doctor").stdout
    assert asked == [tuple(STAGES)]
    assert "(compiled now: engine)" in shown
    monkeypatch.setattr(upkeep, "cache_is_cold", lambda: True)
    assert "(cold: compiled now)" in call("doctor").stdout
