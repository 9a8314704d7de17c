"""Several networks at once: what each takes, what all take together, and who waited for whom."""

import json

import pytest

from simulator.api import Tenant, simulate, simulate_together
from simulator.arch import load_accelerator
from simulator.errors import ArchitectureError, MappingError
from simulator.machines.tenants import cores_of_tenants, tenant_names
from simulator.report.result_files import load_result
from simulator.workload.builder import GraphBuilder
from simulator.workload.precision import Precision
from tests.result_contract import assert_contract

FIDELITIES = pytest.mark.parametrize("fidelity", ["bandwidth", "event"])


def machine(cores, *more):
    return load_accelerator("gemmini_like_16", overrides=(f"cores={cores}", *more))


def small(channels=8, name="small"):
    eight = Precision(bits=8)
    net = GraphBuilder(name, weight_precision=eight, activation_precision=eight)
    return net.build(net.conv(net.input("image", (1, 4, 12, 12)), channels, 3, padding=1))


@FIDELITIES
def test_every_cycle_and_every_byte_is_accounted_for(fidelity):
    tenants = [Tenant("lenet5_int8", 2), Tenant("lenet5_int8", 1, batch=2), Tenant(small(), 1)]
    result = simulate_together(tenants, machine(5), fidelity=fidelity, timeline=True)
    assert_contract(result)
    rows, layers = result.workloads, list(result.layers)
    assert result.workload == "lenet5_int8 + lenet5_int8#2 + small"
    assert [row["cores"] for row in rows] == [[0, 1], [2], [3]]
    assert result.total.cycles == max(row["cycles"] for row in rows)
    assert result.total.dram_bytes == sum(row["dram_bytes"] for row in rows)
    assert result.total.macs == sum(row["macs"] for row in rows)
    assert result.total.energy_pj == pytest.approx(sum(row["energy_pj"] for row in rows))
    assert sum(row["dram_share"] for row in rows) == pytest.approx(1)
    for row in rows:
        mine, layers = layers[: row["layers"]], layers[row["layers"] :]
        assert all(layer.name.startswith(f"{row['name']}/") for layer in mine)
        assert {part["core"] for layer in mine for part in layer.cores} <= set(row["cores"])
        assert row["cycles"] == max(layer.end_cycle for layer in mine)
        assert row["dram_bytes"] == sum(layer.dram["read_bytes"] + layer.dram["write_bytes"] for layer in mine)
        assert row["slowdown"] == row["cycles"] / row["alone_cycles"]
    assert layers == []
    assert result.total.cores[4]["tail_cycles"] == result.total.cycles
    assert set(result.timeline.core["core"].tolist()) == {0, 1, 2, 3}


@FIDELITIES
def test_a_network_beside_idle_cores_takes_what_it_takes_alone(fidelity):
    result = simulate_together([Tenant("lenet5_int8", 1)], machine(3), fidelity=fidelity)
    (row,) = result.workloads
    assert row["cycles"] == row["alone_cycles"] == result.total.cycles
    assert row["waited_cycles"] == {"lenet5_int8": 0}


@FIDELITIES
def test_beside_almost_nothing_almost_nothing_is_lost(fidelity):
    """The small network moves 2 of 100 bytes: each of its transfers is in the way of the other's for its own time."""
    result = simulate_together(["lenet5_int8", small()], machine(2), fidelity=fidelity)
    large, little = result.workloads
    assert large["alone_cycles"] <= large["cycles"] <= large["alone_cycles"] + 2 * little["cycles"]
    assert little["slowdown"] >= 1


def test_two_alike_on_a_port_that_binds_take_twice_as_long():
    narrow = machine(2, "dram.bandwidth_bytes_per_second=2e7")
    result = simulate_together([small(64)] * 2, narrow, fidelity="bandwidth")
    first, last = sorted(row["slowdown"] for row in result.workloads)
    assert last == pytest.approx(2, rel=0.05)
    assert 1.5 < first <= last  # one has the port to itself at the end
    rows = {row["name"]: row["waited_cycles"] for row in result.workloads}
    assert rows["small"]["small"] == rows["small#2"]["small#2"] == 0
    assert rows["small"]["small#2"] > result.total.cycles / 6
    assert sum(sum(row.values()) for row in rows.values()) == sum(
        core["late_because"]["other_core"] for core in result.total.cores
    )


def test_on_an_ample_memory_nobody_waits_for_anybody():
    ample = ("dram.bandwidth_bytes_per_second=1e15", "dram.latency_cycles=0")
    ample += tuple(f"buffers.{name}.ports=null" for name in ("scratchpad", "accumulator"))
    result = simulate_together(["lenet5_int8", "lenet5_int8"], machine(2, *ample), fidelity="bandwidth")
    assert all(row["cycles"] <= row["alone_cycles"] + 40 for row in result.workloads)  # a cycle each transfer at most


def test_the_order_of_the_networks_changes_little_and_names_nothing_else():
    one = simulate_together([small(16, "a"), small(8, "b")], machine(2), fidelity="bandwidth")
    other = simulate_together([small(8, "b"), small(16, "a")], machine(2), fidelity="bandwidth")
    alone = [{row["name"]: row["alone_cycles"] for row in result.workloads} for result in (one, other)]
    assert alone[0] == alone[1]
    assert one.total.dram_bytes == other.total.dram_bytes


@FIDELITIES
def test_dram_energy_is_shared_out_whole(fidelity):
    result = simulate_together(["lenet5_int8", small()], machine(2), fidelity=fidelity)
    found = sum(layer.energy_pj["dram"] for layer in result.layers)
    expected = sum((result.dram_system or {}).get("energy_pj", {}).values()) or found
    assert found == pytest.approx(expected)
    both = sum(layer.energy_pj["static"] for layer in result.layers)
    static_w = next(row["value"] for row in result.energy_sources if row["name"] == "static")
    assert both == pytest.approx(result.total.latency_s * static_w * 1e12, rel=1e-6)


def test_mappings_of_a_tenant_are_its_own():
    first = simulate_together(["lenet5_int8", small()], machine(2), fidelity="bandwidth")
    given = {layer.name.split("/")[1]: layer.mapping for layer in first.layers if layer.name.startswith("lenet5")}
    again = simulate_together(
        [Tenant("lenet5_int8", 1, mappings=given), Tenant(small(), 1)], machine(2), fidelity="bandwidth"
    )
    assert [layer.cycles for layer in again.layers] == [layer.cycles for layer in first.layers]
    with pytest.raises(MappingError, match=r"workload small: .*lenet"):
        simulate_together([Tenant(small(), mappings={"lenet": {}}), "lenet5"], machine(2), fidelity="bandwidth")


def test_a_result_is_read_back_from_its_file(tmp_path):
    result = simulate_together(["lenet5_int8", small()], machine(2), fidelity="bandwidth")
    path = tmp_path / "run.json"
    path.write_text(result.to_json())
    assert json.loads(load_result(path).to_json()) == json.loads(result.to_json())
    assert "workloads" not in simulate("lenet5_int8", machine(1), fidelity="bandwidth").to_dict()


def test_names_and_cores_are_told_apart():
    assert tenant_names(["a", "a", "b", "a"]) == ("a", "a#2", "b", "a#3")
    assert cores_of_tenants("m", 7, [None] * 3) == [3, 2, 2]
    assert cores_of_tenants("m", 7, [1, 4]) == [1, 4]


@pytest.mark.parametrize(
    ("cores", "asked", "message"),
    [
        (1, [None, None], r"accelerator m: 2 workloads on 2 cores, and it has 1; give it more \(--set cores=2\)"),
        (3, [2, 2], r"2 workloads on 4 cores, and it has 3"),
        (3, [2, None], r"give each a whole number of at least 1, or none"),
        (3, [2, 0], r"cores of each workload = \[2, 0\]"),
        (3, [], r"workloads: none given"),
    ],
)
def test_cores_that_are_not_there_are_refused(cores, asked, message):
    with pytest.raises(ArchitectureError, match=message):
        cores_of_tenants("m", cores, asked)


def test_engines_of_one_core_are_refused():
    with pytest.raises(ArchitectureError, match="several workloads at once"):
        simulate_together(["lenet5", "lenet5"], "eie_64pe")
