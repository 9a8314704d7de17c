"""What every result must hold, whatever the network and the accelerator: the contract of simulator.result/1."""

import csv
import io
import json
from math import isfinite

import pytest

from simulator.energy import COMPONENTS
from simulator.records import CAUSE_NAMES, DRAM_LATE_NAMES

TOP = {
    "schema": str,
    "simulator_version": str,
    "workload": str,
    "accelerator": str,
    "clock_hz": float,
    "fidelity": str,
    "dataflow": str,
    "energy_profile": str,
    "batch": int,
    "objective": str,
    "peak_macs_per_cycle": int,
    "dram_bytes_per_cycle": float,
    "warnings": list,
    "layers": list,
    "not_timed": list,
    "total": dict,
    "buffers": list,
    "zeros": dict,
    "energy_sources": list,
}
LAYER = {
    "name": str,
    "op": str,
    "dataflow": str,
    "mapping": dict,
    "fused": list,
    "ifmap_bits": int,
    "weight_bits": int,
    "precision_assumed": bool,
    "start_cycle": int,
    "end_cycle": int,
    "cycles": int,
    "issue_cycles": dict,
    "idle_cycles": dict,
    "late_because": dict,
    "tail_cycles": int,
    "gain_cycles": int,
    "macs": int,
    "effectual_macs": int,
    "issued_macs": int,
    "utilization": float,
    "accesses": dict,
    "dram": dict,
    "energy_pj": dict,
    "vector_operations": int,
}
TOTAL = {
    "cycles": int,
    "latency_s": float,
    "energy_pj": float,
    "power_w": float,
    "macs": int,
    "effectual_macs": int,
    "throughput_ops_per_second": float,
    "efficiency_ops_per_joule": float,
    "effectual_throughput_ops_per_second": float,
    "effectual_efficiency_ops_per_joule": float,
    "dram_bytes": int,
    "area_mm2": float,
    "utilization": float,
    "issue_cycles": dict,
    "idle_cycles": dict,
    "tail_cycles": int,
    "energy_by_component_pj": dict,
    "dram_bytes_without_residency": int,
}
EVENT_ONLY = {"dram_system", "bandwidth_cycles"}
COMMANDS = ("activates", "precharges", "reads", "writes", "lost_cycles")
LOST = ("starvation", "row_conflict", "tfaw", "refresh", "tccd_l", "turnaround")
ISSUE = ("useful", "fill", "drain", "imbalance", "bus")
LATE = ("queue_order", "slot", "dram_bus", "latency", "data", "codec")
LIMITERS = {"scratchpad", "compute", "write_back", "other_core", *LATE, *LOST}
DRAM_OPERANDS = {"ifmap", "weight", "psum", "residual", "ofmap"}
BUFFERED = {"ifmap", "weight", "psum"}


def assert_contract(result):
    """Hold one finished result (no ``mapping_error``) to every rule."""
    data = json.loads(result.to_json())
    assert data == json.loads(json.dumps(result.to_dict()))
    if "workloads" in data:  # each has its own zeros
        _assert_form(
            {name: data[name] for name in data if name != "workloads"},
            {name: TOP[name] for name in TOP if name != "zeros"},
        )
    else:
        _assert_form(data, TOP)
    assert data["schema"] == "simulator.result/1"
    _assert_finite(data)
    end = 0
    if "cores" in data["total"]:
        _assert_cores(data)
        return
    for layer in data["layers"]:
        _assert_layer(layer)
        assert layer["cycles"] == layer["end_cycle"] - end, layer["name"]
        end = layer["end_cycle"]
    _assert_total(data, end)
    _assert_buffers(data)
    _assert_csv(result, data)


def _assert_cores(data):
    """Several cores: every core's time is accounted for to the last cycle, and counts are sums over the cores."""
    total, layers = data["total"], data["layers"]
    end_of = {core: row["cycles"] for row in data.get("workloads", ()) for core in row["cores"]}
    for core in total["cores"]:
        mine = [part for layer in layers for part in layer["cores"] if part["core"] == core["core"]]
        assert core["cycles"] == total["cycles"]
        assert not mine or sum(part["cycles"] for part in mine) == end_of.get(core["core"], total["cycles"])
        assert core["tail_cycles"] >= core["cycles"] - sum(part["cycles"] for part in mine)
        for part in (core, *mine):
            issue, idle = sum(part["issue_cycles"].values()), sum(part["idle_cycles"].values())
            assert issue + idle + part["tail_cycles"] == part["cycles"]
            assert sum(part["late_because"].values()) <= idle
            _assert_dram_lateness(part)
    for layer in layers:
        assert layer["macs"] == sum(part["macs"] for part in layer["cores"])
        moved = layer["dram"]["read_bytes"] + layer["dram"]["write_bytes"]
        assert moved == sum(part["dram_bytes"] for part in layer["cores"])
        last = max(part["end_cycle"] for part in layer["cores"])
        times = ("end_cycle", "cycles", "issue_cycles", "idle_cycles", "late_because", "tail_cycles")
        chosen = [part for part in layer["cores"] if all(part[name] == layer[name] for name in times)]
        assert chosen, layer["name"]
        assert chosen[0]["end_cycle"] == last
        assert 0 <= layer["utilization"] <= 1
        _assert_traffic(layer)
    assert 0 <= total["utilization"] <= 1
    assert total["dram_bytes"] == sum(layer["dram"]["read_bytes"] + layer["dram"]["write_bytes"] for layer in layers)
    for name, value in total["energy_by_component_pj"].items():
        assert value == pytest.approx(sum(layer["energy_pj"][name] for layer in layers), rel=1e-9)
    assert total["latency_s"] == pytest.approx(total["cycles"] / data["clock_hz"])
    for row in data["buffers"]:
        assert 0 <= row["mean_bytes"] <= row["peak_bytes"] == max(row["peak_bytes_by_layer"]) <= row["capacity_bytes"]


def _assert_form(data, form):
    optional = {"zeros", *EVENT_ONLY}
    assert [name for name in data if name not in optional] == [name for name in form if name not in optional]
    for name, kind in form.items():
        assert type(data[name]) is kind, (name, data[name])


def _assert_finite(value):
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            _assert_finite(one)
    elif isinstance(value, float):
        assert isfinite(value)


def _assert_use(layer):
    """The mean of all PEs is the utilization, and nothing crosses the edge faster than it can."""
    use = layer["pe_use"]
    used = sum(rows * columns * cycles for _, _, rows, columns, cycles in use["blocks"])
    mean = used / (use["rows"] * use["columns"] * layer["cycles"])
    assert abs(mean - layer["utilization"]) < 1e-12, layer["name"]
    for row, column, rows, columns, _ in use["blocks"]:
        assert 0 <= row < row + rows <= use["rows"]
        assert 0 <= column < column + columns <= use["columns"]
    for operand, edge in layer["edge"].items():
        assert edge["words"] <= edge["words_per_cycle"] * layer["cycles"] * (1 + 1e-12), (layer["name"], operand)


def _assert_layer(layer):
    name = layer["name"]
    optional = ("pe_cycles", "pe_load", "resident", "bus_because", "pe_use", "edge", "dram_late_because")
    _assert_form({key: value for key, value in layer.items() if key not in optional}, LAYER)
    if "resident" in layer:
        _assert_resident(layer)
    if "pe_use" in layer:
        _assert_use(layer)
    assert tuple(layer["issue_cycles"]) == ISSUE
    if "bus_because" in layer:
        assert sum(layer["bus_because"].values()) == layer["issue_cycles"]["bus"], name
    assert tuple(layer["idle_cycles"]) == CAUSE_NAMES
    assert tuple(layer["late_because"]) == LATE
    _assert_dram_lateness(layer)
    assert tuple(layer["energy_pj"]) == COMPONENTS
    counts = [*layer["issue_cycles"].values(), *layer["idle_cycles"].values(), *layer["late_because"].values()]
    assert all(type(count) is int and count >= 0 for count in counts), name
    issue, idle = sum(layer["issue_cycles"].values()), sum(layer["idle_cycles"].values())
    assert issue + idle + layer["tail_cycles"] == layer["cycles"], name
    assert layer["tail_cycles"] >= 0
    assert sum(layer["late_because"].values()) <= idle, name
    assert 0 <= layer["gain_cycles"] <= idle, name
    assert 0 <= layer["start_cycle"] <= layer["end_cycle"], name
    assert 0.0 <= layer["utilization"] <= 1.0, name
    if "pe_cycles" in layer:  # an engine that skips zeros
        assert layer["effectual_macs"] <= min(layer["macs"], layer["issued_macs"]), name
        assert all(type(count) is int and count >= 0 for count in layer["pe_cycles"].values()), name
    else:
        assert layer["effectual_macs"] <= layer["macs"] <= layer["issued_macs"] or layer["macs"] == 0, name
    assert all(value >= 0 for value in layer["energy_pj"].values()), name
    _assert_traffic(layer)


def _assert_dram_lateness(part):
    """What held the DRAM adds up to the cycles in which it was waited for."""
    if "dram_late_because" in part:
        assert tuple(part["dram_late_because"]) == DRAM_LATE_NAMES
        assert all(type(count) is int and count >= 0 for count in part["dram_late_because"].values())
        assert sum(part["dram_late_because"].values()) == part["late_because"]["dram_bus"]


def _assert_resident(layer):
    resident, dram = layer["resident"], layer["accesses"]["dram"]
    assert list(resident) == ["ifmap", "weight", "residual", "ofmap", "ofmap_in_dram", "why_in_dram"]
    assert resident["ofmap_in_dram"] == bool(resident["why_in_dram"]), layer["name"]
    assert resident["ofmap"] or resident["ofmap_in_dram"], layer["name"]
    if layer["op"] not in ("lstm", "gru", "rnn"):  # their projected inputs count as ofmaps too
        assert resident["ofmap_in_dram"] == bool(dram["ofmap"]["bytes"]), layer["name"]
        assert bool(layer["accesses"]["glb"]["ofmap"]["writes"]) == resident["ofmap"], layer["name"]
    for operand in ("ifmap", "residual"):
        if resident[operand] and layer["dataflow"] != "vector" and layer["op"] not in ("lstm", "gru", "rnn"):
            assert dram[operand]["bytes"] == 0, layer["name"]


def _assert_buffers(data):
    for row in data["buffers"]:
        peaks = row["peak_bytes_by_layer"]
        assert len(peaks) == len(data["layers"])
        assert 0 <= row["mean_bytes"] <= row["peak_bytes"] == max(peaks) <= row["capacity_bytes"], row["name"]
        assert row["peak_resident_bytes"] <= row["resident_bytes"], row["name"]


def _assert_traffic(layer):
    accesses, dram = layer["accesses"], layer["dram"]
    assert set(accesses) - {"last_level"} == {"rf", "noc", "glb", "dram"}
    assert set(accesses["dram"]) == DRAM_OPERANDS
    assert set(accesses["glb"]) == (BUFFERED | {"ofmap"} if "resident" in layer else BUFFERED)
    for level in accesses.values():
        for access in level.values():
            assert list(access) == ["reads", "writes", "bytes"]
            assert all(type(count) is int and count >= 0 for count in access.values())
    commands = COMMANDS if "bandwidth_cycles" in layer else ()
    assert list(dram) == ["read_bytes", "write_bytes", "row_hit_rate", "limiter", *commands]
    if commands:
        assert tuple(dram["lost_cycles"]) == LOST
        assert dram["row_hit_rate"] is None or 0 <= dram["row_hit_rate"] <= 1
    else:
        assert dram["row_hit_rate"] is None  # not known at this fidelity
    assert dram["limiter"] in LIMITERS
    moved = sum(access["bytes"] for access in accesses["dram"].values())
    assert dram["read_bytes"] + dram["write_bytes"] == moved
    only_read = sum(accesses["dram"][operand]["bytes"] for operand in ("ifmap", "weight", "residual"))
    assert only_read <= dram["read_bytes"]
    assert accesses["dram"]["ofmap"]["bytes"] <= dram["write_bytes"]


def _assert_total(data, end):
    total, layers = data["total"], data["layers"]
    _assert_form({key: value for key, value in total.items() if key != "dram_bytes_without_depth_first"}, TOTAL)
    assert total["cycles"] == end == sum(layer["cycles"] for layer in layers)
    for name in ("issue_cycles", "idle_cycles"):
        for key, value in total[name].items():
            assert value == sum(layer[name][key] for layer in layers)
    assert total["tail_cycles"] == sum(layer["tail_cycles"] for layer in layers)
    host = sum(row["macs"] for row in data["not_timed"])
    assert total["macs"] == sum(layer["macs"] for layer in layers) + host
    effectual_on_host = total["effectual_macs"] - sum(layer["effectual_macs"] for layer in layers)
    assert 0 <= effectual_on_host <= host
    if total["effectual_macs"] == total["macs"]:  # no zeros are known
        assert effectual_on_host == host
    assert total["dram_bytes"] == sum(layer["dram"]["read_bytes"] + layer["dram"]["write_bytes"] for layer in layers)
    for name, value in total["energy_by_component_pj"].items():
        assert value == pytest.approx(sum(layer["energy_pj"][name] for layer in layers), rel=1e-9)
    assert total["energy_pj"] == pytest.approx(sum(total["energy_by_component_pj"].values()), rel=1e-9)
    timed, effectual = (sum(layer[name] for layer in layers) for name in ("macs", "effectual_macs"))
    seconds, joules = total["cycles"] / data["clock_hz"], total["energy_pj"] * 1e-12
    formulas = {
        "latency_s": seconds,
        "power_w": joules / seconds,
        "throughput_ops_per_second": 2 * timed / seconds,
        "efficiency_ops_per_joule": 2 * timed / joules,
        "effectual_throughput_ops_per_second": 2 * effectual / seconds,
        "effectual_efficiency_ops_per_joule": 2 * effectual / joules,
        "utilization": sum(layer["utilization"] * layer["cycles"] for layer in layers) / total["cycles"],
    }
    for name, value in formulas.items():
        assert total[name] == pytest.approx(value, rel=1e-12), name


def _assert_csv(result, data):
    rows = list(csv.DictReader(io.StringIO(result.to_csv())))
    assert [row["name"] for row in rows] == [*(layer["name"] for layer in data["layers"]), "total"]
    for row, layer in zip(rows, data["layers"], strict=False):
        for name in ("cycles", "macs", "effectual_macs", "ifmap_bits", "weight_bits", "tail_cycles"):
            assert int(row[name]) == layer[name]
        assert float(row["utilization"]) == layer["utilization"]
        for name in ISSUE:
            assert int(row[f"issue_{name}_cycles"]) == layer["issue_cycles"][name]
        for name in ("read_bytes", "write_bytes"):
            assert int(row[f"dram_{name}"]) == layer["dram"][name]
        assert float(row["energy_pj"]) == pytest.approx(sum(layer["energy_pj"].values()), rel=1e-12)
    last, total = rows[-1], data["total"]
    assert (int(last["cycles"]), int(last["macs"])) == (total["cycles"], total["macs"])
    assert int(last["dram_read_bytes"]) + int(last["dram_write_bytes"]) == total["dram_bytes"]
    assert float(last["energy_pj"]) == total["energy_pj"]
    for name in COMPONENTS:
        assert float(last[f"energy_{name}_pj"]) == total["energy_by_component_pj"][name]
