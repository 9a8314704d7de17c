"""Runs on several cores: every cycle of every core is accounted for, and what is shared is shared."""

import json

import pytest

from simulator.api import Tenant, simulate, simulate_together
from simulator.arch import load_accelerator
from simulator.core_results import last_of, parts_of_layer, times_of, with_cores
from simulator.errors import ArchitectureError
from simulator.report.result_files import load_result
from tests.result_contract import assert_contract

SPLITS = ("auto", "K", "P", "N", "pipeline")
PART = {"start_cycle": 3, "cycles": 5, "issue_cycles": {}, "idle_cycles": {}, "late_because": {}, "gain_cycles": 0}


def machine(cores, split="auto", *more):
    return load_accelerator("gemmini_like_16", overrides=(f"cores={cores}", f"core_split={split}", *more))


@pytest.mark.parametrize("fidelity", ["bandwidth", "event"])
@pytest.mark.parametrize("split", SPLITS)
def test_every_cycle_of_every_core_is_accounted_for(split, fidelity):
    for cores in (2, 3):
        result = simulate("lenet5_int8", machine(cores, split), batch=3, fidelity=fidelity, timeline=True)
        assert_contract(result)
        assert [core["core"] for core in result.total.cores] == list(range(cores))
        assert len(result.layers) == len(simulate("lenet5_int8", machine(1), batch=3, fidelity=fidelity).layers)
        assert set(result.timeline.core["core"].tolist()) <= set(range(cores))


def test_two_cores_on_an_ample_memory_halve_a_batch_of_two():
    ample = ("dram.bandwidth_bytes_per_second=1e15", "dram.latency_cycles=0")
    ample += tuple(f"buffers.{name}.ports=null" for name in ("scratchpad", "accumulator"))
    alone = simulate("lenet5_int8", machine(1, "auto", *ample), fidelity="bandwidth").total.cycles
    two = simulate("lenet5_int8", machine(2, "N", *ample), fidelity="bandwidth", batch=2).total.cycles
    assert two == pytest.approx(alone, abs=8)  # a transfer holds the port for a cycle at least


@pytest.mark.parametrize("fidelity", ["bandwidth", "event"])
def test_an_idle_core_changes_no_cycle(fidelity):
    given = {layer.name: layer.mapping for layer in simulate("lenet5_int8", machine(1), fidelity=fidelity).layers}
    alone = simulate("lenet5_int8", machine(1), fidelity=fidelity, mappings=given)
    tenant = Tenant("lenet5_int8", cores=1, mappings=given)
    beside = simulate_together([tenant], machine(2), fidelity=fidelity)
    assert beside.total.cycles == alone.total.cycles
    assert [layer.cycles for layer in beside.layers] == [layer.cycles for layer in alone.layers]
    assert [layer.dram for layer in beside.layers] == [layer.dram for layer in alone.layers]


def test_waiting_for_a_port_that_serves_another_core_is_told():
    narrow = "dram.bandwidth_bytes_per_second=2e9"
    total = simulate("lenet5_int8", machine(2, "N", narrow), fidelity="bandwidth", batch=2).total
    assert all(core["late_because"]["other_core"] > 0 for core in total.cores)
    alone = simulate("lenet5_int8", machine(1, "auto", narrow), fidelity="bandwidth", batch=2)
    assert all("other_core" not in layer.late_because for layer in alone.layers)


@pytest.mark.parametrize("split", SPLITS)
def test_mappings_as_printed_give_the_same_run(split):
    first = simulate("lenet5_int8", machine(3, split), fidelity="bandwidth", batch=3)
    again = simulate(
        "lenet5_int8",
        machine(3, split),
        fidelity="bandwidth",
        batch=3,
        mappings={layer.name: layer.mapping for layer in first.layers},
    )
    assert [layer.cycles for layer in again.layers] == [layer.cycles for layer in first.layers]


def test_a_result_is_read_back_from_its_file(tmp_path):
    result = simulate("lenet5_int8", machine(2, "P"), fidelity="bandwidth")
    path = tmp_path / "run.json"
    path.write_text(result.to_json())
    assert json.loads(load_result(path).to_json()) == json.loads(result.to_json())


def test_several_cores_are_refused_where_they_mean_nothing():
    with pytest.raises(ArchitectureError, match=r"array.kind = 'eie' runs on one core"):
        load_accelerator("eie_64pe", overrides=("cores=2",))
    with pytest.raises(ArchitectureError, match="resident_share"):
        load_accelerator("tpu_v1", overrides=("cores=2",))


def test_a_layer_takes_its_times_from_the_part_that_ends_last():
    first = PART | {"core": 0, "end_cycle": 8, "tail_cycles": 0, "macs": 1, "dram_bytes": 4}
    second = PART | {"core": 1, "start_cycle": 5, "end_cycle": 10, "tail_cycles": 1, "macs": 2, "dram_bytes": 5}
    made = {0: first, 1: second}
    parts = parts_of_layer([7, 8], [0] * 8 + [1], lambda works: {**made[works[0] - 7]})
    assert last_of(parts)["core"] == 1
    assert (times_of(parts)["start_cycle"], times_of(parts)["end_cycle"]) == (3, 10)


def test_a_core_without_work_waits_all_the_time():
    result = simulate("lenet5_int8", machine(4, "N"), fidelity="bandwidth", batch=2)
    idle = result.total.cores[3]
    assert (idle["tail_cycles"], idle["macs"]) == (result.total.cycles, 0)
    assert with_cores(result.total, result.layers, 4, 0.0).utilization == 0.0
