"""``simulator dram``."""

import json
import os

import numpy as np
import pytest

INI = """[dram_structure]
protocol = DDR3
bankgroups = 1
banks_per_group = 8
rows = 32768
columns = 1024
device_width = 8
BL = 8
[timing]
tCK = 1.25
CL = 11
CWL = 8
tRCD = 11
tRP = 11
tRAS = 28
tRFC = 208
tREFI = 6240
tRRD_S = 5
tRRD_L = 5
tFAW = 24
tCCD_S = 4
tCCD_L = 4
tWTR_S = 6
tWTR_L = 6
tWR = 12
tRTP = 6
[system]
channel_size = 2048
channels = 1
bus_width = 64
address_mapping = rochrababgco
"""


@pytest.fixture
def files(tmp_path):
    config, trace = tmp_path / "ddr3.ini", tmp_path / "trace.npz"
    config.write_text(INI, encoding="utf-8")
    np.savez(trace, addr=np.array([0, 64]), is_write=np.array([False, False]), arrival=np.array([0, 0]))
    return config, trace


def test_a_trace_is_run_shown_and_written(call, files, tmp_path):
    shown = call("dram", *files, "--json", tmp_path / "d.json")
    assert shown.exit_code == 0, shown.output
    assert "2 (0 writes)" in shown.stdout
    written = json.loads((tmp_path / "d.json").read_text(encoding="utf-8"))
    assert {"makespan_cycles", "read_done_cycle", "row_hits", "limiter"} <= set(written)
    assert written["read_done_cycle"] == [28, 32]
    assert call("dram", *files, "--quiet").output == ""


def test_garbage_is_one_error_and_writes_nothing(refused, files, tmp_path):
    config, trace = files
    (tmp_path / "bad.npz").write_bytes(trace.read_bytes()[:40])
    assert "bad.npz" in refused("dram", config, tmp_path / "bad.npz", "--json", tmp_path / "d.json")
    (tmp_path / "bad.ini").write_text(INI.replace("tRAS = 28", "tRAS = x"), encoding="utf-8")
    assert "tras" in refused("dram", tmp_path / "bad.ini", trace, "--json", tmp_path / "d.json")
    assert "--json" in refused("dram", config, trace, "--json", tmp_path / "none" / "d.json")
    assert not (tmp_path / "d.json").exists()


def test_the_trace_and_the_description_are_not_written_over(refused, tmp_path):
    config, trace = tmp_path / "dram.json", tmp_path / "trace.npz"
    for path in (config, trace):
        assert f"--json {path}: is read by this command" in refused("dram", config, trace, "--json", path)


def test_a_pipe_is_refused_not_waited_for(refused, tmp_path):
    pipe = tmp_path / "pipe.npz"
    os.mkfifo(pipe)
    config = tmp_path / "ddr3.ini"
    config.write_text(INI)
    assert "no regular file" in refused("dram", config, pipe)
    trace = tmp_path / "trace.npz"
    np.savez(trace, addr=np.array([0]), is_write=np.array([False]), arrival=np.array([0]))
    assert "no regular file" in refused("dram", pipe, trace)


def test_the_commands_are_written_on_request(call, refused, files, tmp_path):
    log = tmp_path / "log.csv"
    assert call("dram", *files, "--log", log, "--quiet").exit_code == 0
    lines = log.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "cycle,command,channel,rank,bank_group,bank,row,column"
    assert lines[1:] == ["2,ACT,0,0,0,0,0,0", "13,RD,0,0,0,0,0,0", "17,RD,0,0,0,0,0,1"]
    assert "--log" in refused("dram", *files, "--log", files[1])
    both = tmp_path / "both.txt"
    assert "one file for two outputs" in refused("dram", *files, "--json", both, "--log", both)
    assert not both.exists()


def test_a_preset_has_a_name(call, refused, files):
    shown = call("dram", "DDR3-1600", files[1])
    assert shown.exit_code == 0, shown.output
    assert "of 16.0 B/cycle" in shown.stdout
    assert "did you mean 'ddr3_1600'" in refused("dram", "ddr3_1601", files[1])
