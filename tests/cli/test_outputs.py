"""Files that a command writes: refused in time, whole or not at all."""

import os
from pathlib import Path

import pytest

from simulator.cli.outputs import Outputs, check_file, check_folder
from simulator.errors import SimulatorError
from tests.report.sample_results import run


def test_everything_asked_for_is_written(tmp_path):
    outputs = Outputs(tmp_path / "r.json", tmp_path / "r.csv", tmp_path / "r.html", tmp_path / "plots")
    outputs.check()
    written = outputs.write([run()])
    assert (tmp_path / "r.json").read_text(encoding="utf-8") == run().to_json()
    assert (tmp_path / "r.csv").read_bytes().decode() == run().to_csv()
    assert "<html" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert len(list((tmp_path / "plots").iterdir())) == 9
    assert written == [
        *(f"wrote {tmp_path / name}" for name in ("r.json", "r.csv", "r.html")),
        f"wrote {tmp_path / 'plots'}: 9 files of plots and their numbers",
    ]


def test_nothing_asked_for_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Outputs().check()
    assert Outputs().write([run()]) == []
    assert not list(tmp_path.iterdir())


def test_paths_that_cannot_be_written_are_refused(tmp_path):
    (tmp_path / "file").touch()
    for path, words in [
        (tmp_path / "none" / "x", "there is no folder"),
        (tmp_path, "is a folder"),
        (tmp_path / "file" / "x", "there is no folder"),
        (tmp_path / ("x" * 300), "no usable path"),
        (tmp_path / "a\0b", "holds a NUL"),
    ]:
        with pytest.raises(SimulatorError, match=rf"--json (?s:.*)({words})"):
            Outputs(json=path).check()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_one_file_holds_one_output(tmp_path):
    with pytest.raises(SimulatorError, match="one file for two outputs"):
        Outputs(json=tmp_path / "x", csv=tmp_path / "x").check()


def test_plots_need_a_folder_that_is_there_or_can_be_made(tmp_path):
    (tmp_path / "file").touch()
    check_folder(tmp_path / "new", "--plots")
    for path in (tmp_path / "file", tmp_path / "no" / "new"):
        with pytest.raises(SimulatorError, match="--plots"):
            check_folder(path, "--plots")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_may_not_be_written_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(SimulatorError, match="cannot be written"):
        check_file(tmp_path / "x", "--json")
    with pytest.raises(SimulatorError, match="not writable"):
        check_folder(tmp_path, "--plots")


def test_no_output_replaces_what_the_command_reads(tmp_path, monkeypatch):
    source = tmp_path / "net.json"
    source.write_text("{}", encoding="utf-8")
    (tmp_path / "link.json").symlink_to(source)
    monkeypatch.chdir(tmp_path)
    for path in (source, Path("net.json"), tmp_path / "link.json"):
        with pytest.raises(SimulatorError, match="is read by this command and would be replaced"):
            Outputs(csv=path).check(["lenet5", None, str(source)])
    Outputs(json=tmp_path / "other.json").check([source, "a\0b.json", "lenet5"])
    Outputs(json=tmp_path / "lenet5").check(["lenet5"])  # a library name, no file


def test_a_folder_that_cannot_be_made_after_all_leaves_no_file(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", fail)
    with pytest.raises(SimulatorError, match=r"--plots .*plots: cannot be made \(No space left on device\)"):
        Outputs(json=tmp_path / "r.json", plots=tmp_path / "plots").write([run()])
    assert not list(tmp_path.iterdir())
