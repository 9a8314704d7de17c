"""Traces in, results out: the reference's own runs to the cycle, bad traces refused, the summary adds up."""

import json

import numpy as np
import pytest

from simulator.errors import SimulationError, WorkloadError
from simulator.memory.dram_import import load_dram_config
from simulator.memory.dram_run import DramTrace, dram_trace, load_dram_trace, run_trace
from tests.memory.dram_cases import small_config

WIDE_ROWS = {"organization_changes": {"columns": 1024}}
EXACT_ROWS = ("makespan_cycles", "n_col_cmds", "n_act")


@pytest.fixture(scope="module")
def dram_reference(reference_dir):
    return reference_dir / "dram"


def test_every_reference_run_is_equal_to_the_cycle(dram_reference):
    expected = json.loads((dram_reference / "results.json").read_text(encoding="utf-8"))
    checked = 0
    for name, numbers in expected.items():
        path = dram_reference / "traces" / f"{name}.npz"
        if not path.is_file():
            continue
        result = run_trace(dram_reference / "configs" / f"{numbers['config']}.json", path)
        with np.load(path, allow_pickle=False) as arrays:
            assert np.array_equal(result.read_done_cycle, arrays["done"][~arrays["is_write"]]), name
            assert np.array_equal(result.accept_cycle, arrays["accept"]), name
        counts = result.command_counts
        measured = (result.makespan_cycles, counts["read"] + counts["write"], counts["activate"])
        assert measured == tuple(numbers[key] for key in EXACT_ROWS), name
        assert result.writes_undrained == numbers["stuck_writes"], name
        checked += 1
    assert checked


def test_command_energy_is_the_reference_times_the_clock_period(dram_reference):
    numbers = json.loads((dram_reference / "results.json").read_text(encoding="utf-8"))["ddr4_2400_1r__rand_rd"]
    config = load_dram_config(dram_reference / "configs" / "ddr4_2400_1r.json")
    result = run_trace(config, dram_reference / "traces" / "ddr4_2400_1r__rand_rd.npz")
    for mine, theirs in (("activate", "act"), ("read", "rd"), ("write", "wr"), ("refresh", "ref")):
        assert result.energy_pj[mine] == pytest.approx(numbers["energy_mWcycle"][theirs] * numbers["tCK_ns"], rel=1e-9)
    # The reference idles for some cycles after the last burst, which cost it background energy.
    assert sum(result.energy_pj.values()) == pytest.approx(numbers["energy_total_pJ"], rel=1e-3)


def test_the_summary_adds_up():
    config = small_config()
    trace = dram_trace({"addr": np.arange(64) * 64, "is_write": [False] * 64})
    result = run_trace(config, trace)
    latencies = result.read_done_cycle - result.accept_cycle
    assert result.read_latency_cycles["max"] == latencies.max()
    assert result.read_latency_cycles["p50"] in latencies
    assert result.achieved_bytes_per_cycle == 64 * 64 / result.makespan_cycles
    busy = sum(result.lost_cycles.values()) + 64 * 4
    assert busy == result.makespan_cycles
    assert json.loads(json.dumps(result.to_dict()))["row_hits"] == result.row_hits


@pytest.mark.parametrize(
    ("addresses", "arrival", "changes", "limiter"),
    [
        (np.arange(200) * 64, 0, {"timing_changes": {"tccd_l_cycles": 4}}, "bus"),
        (np.arange(100) * 64, 0, {"timing_changes": {"tccd_l_cycles": 12}} | WIDE_ROWS, "tccd_l"),
        (np.arange(60) * 2048, 0, {}, "row_conflict"),
        (np.arange(60) * 64, 90, {}, "starvation"),
        (np.arange(60) * 512, 0, {"timing_changes": {"tfaw_cycles": 60}, "policy": {"page": "close"}}, "tfaw"),
        (np.arange(200) * 64, 0, {"timing_changes": {"trfc_cycles": 300, "trefi_cycles": 330}}, "refresh"),
    ],
)
def test_the_limiter_has_a_name(addresses, arrival, changes, limiter):
    trace = dram_trace(
        {
            "addr": addresses % small_config().organization.capacity_bytes,
            "is_write": np.zeros(addresses.size, dtype=bool),
            "arrival": np.arange(addresses.size) * arrival,
        }
    )
    assert run_trace(small_config(**changes), trace).limiter == limiter


def test_turnarounds_are_named():
    addresses = np.repeat(np.arange(40) * 64, 2) + np.tile([0, 512], 40)
    trace = dram_trace({"addr": addresses, "is_write": np.tile([False, True], 40)})
    config = small_config(
        policy={"unified_queue": True, "command_queue_entries": 1, "transaction_queue_entries": 1},
        timing_changes={"twtr_s_cycles": 20, "twtr_l_cycles": 20},
    )
    assert run_trace(config, trace).limiter == "turnaround"


def test_reads_of_one_address_share_a_burst_and_follow_pending_writes():
    trace = dram_trace({"addr": [0, 0, 64, 64, 64], "is_write": [False, False, True, True, False]})
    result = run_trace(small_config(), trace)
    assert result.command_counts["read"] == 1
    assert result.command_counts["write"] == 1
    assert (result.requests_merged, result.reads_forwarded) == (2, 1)
    assert result.read_done_cycle[0] == result.read_done_cycle[1]
    assert result.read_done_cycle[2] == result.accept_cycle[4] + 2


def test_the_last_writes_leave_unless_the_policy_keeps_them():
    trace = dram_trace({"addr": np.arange(20) * 64, "is_write": np.ones(20, dtype=bool)})
    assert run_trace(small_config(), trace).writes_undrained == 0
    few = DramTrace(trace.addresses[:8], trace.is_write[:8], trace.arrival_cycles[:8])
    kept = run_trace(small_config(), few, drain_writes=False)
    assert (kept.writes_undrained, kept.makespan_cycles) == (8, 0)
    assert run_trace(small_config(policy={"drains_last_writes": False}), few).writes_undrained == 8


def test_an_empty_trace_takes_no_time():
    result = run_trace(small_config(), dram_trace({"addr": [], "is_write": []}))
    assert (result.makespan_cycles, result.limiter, result.read_latency_cycles) == (0, "starvation", {})


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"addr": [0]}, "'is_write' is missing"),
        ({"addr": [0, 1], "is_write": [0]}, "addr has 2 requests"),
        ({"addr": [0, 64], "is_write": [0, 0], "arrival": [5, 4]}, "arrival\\[1\\] is 4, before arrival\\[0\\] = 5"),
        ({"addr": [-64], "is_write": [0]}, "addr runs from -64"),
        ({"addr": [1 << 63], "is_write": [0]}, "addr runs from"),
        ({"addr": [0.5], "is_write": [0]}, "addr is 1-D of float64"),
        ({"addr": [[0]], "is_write": [0]}, "addr is 2-D"),
        ({"addr": [0], "is_write": [2]}, "use booleans"),
        ({"addr": [0], "is_write": ["w"]}, "use booleans"),
        ({"addr": [0], "is_write": [0], "arrival": [-1]}, "arrival runs from -1"),
    ],
)
def test_a_trace_that_makes_no_sense_is_refused(columns, words):
    with pytest.raises(WorkloadError, match=words):
        dram_trace(columns)


def test_an_address_beyond_the_memory_is_refused():
    config = small_config()
    trace = dram_trace({"addr": [0, config.organization.capacity_bytes], "is_write": [0, 0]})
    with pytest.raises(WorkloadError, match="addr\\[1\\] is 131072, beyond the 131072 bytes"):
        run_trace(config, trace)


def test_an_arrival_that_would_take_for_ever_is_refused():
    trace = dram_trace({"addr": [0, 0], "is_write": [0, 0], "arrival": [0, 1 << 61]})
    with pytest.raises(WorkloadError, match="refreshes later"):
        run_trace(small_config(), trace)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"text"])
def test_a_file_that_is_no_trace_is_refused(tmp_path, content):
    path = tmp_path / "trace.npz"
    path.write_bytes(content)
    with pytest.raises(WorkloadError, match=r"trace\.npz"):
        load_dram_trace(path)


def test_arrays_that_are_no_trace_are_refused(tmp_path):
    np.save(tmp_path / "one.npy", np.arange(3))
    with pytest.raises(WorkloadError, match=r"one\.npy"):
        load_dram_trace(tmp_path / "one.npy")
    np.savez(tmp_path / "objects.npz", addr=np.array([{}], dtype=object), is_write=[0])
    with pytest.raises(WorkloadError, match=r"objects\.npz"):
        load_dram_trace(tmp_path / "objects.npz")
    with pytest.raises(WorkloadError, match=r"absent\.npz"):
        load_dram_trace(tmp_path / "absent.npz")


def test_a_trace_file_round_trips(tmp_path):
    path = tmp_path / "trace.npz"
    np.savez(path, addr=np.arange(3, dtype=np.uint64) * 64, is_write=[True, False, True], arrival=[0, 1, 1], done=[1])
    trace = load_dram_trace(path)
    assert trace.addresses.tolist() == [0, 64, 128]
    assert trace.is_write.tolist() == [True, False, True]


def test_a_deadlock_names_cycle_and_request(monkeypatch):
    from simulator.memory import dram_kernel

    monkeypatch.setattr(dram_kernel, "advance", lambda state, until: dram_kernel.DEADLOCK)
    with pytest.raises(SimulationError, match="request 0 of 1 waits"):
        run_trace(small_config(), dram_trace({"addr": [0], "is_write": [0]}))


def test_a_fault_of_a_trace_file_names_the_file(tmp_path):
    path = tmp_path / "late.npz"
    np.savez(path, addr=[0, 64], is_write=[False, False], arrival=[5, 4])
    with pytest.raises(WorkloadError, match=r"late\.npz: arrival\[1\] is 4"):
        load_dram_trace(path)
    np.savez(path, addr=[1 << 40], is_write=[False])
    with pytest.raises(WorkloadError, match=r"late\.npz: addr\[0\] is 1099511627776, beyond"):
        run_trace(small_config(), load_dram_trace(path))
