"""Networks over a DRAM: the peak bounds them, the clocks' ratio and skipping change nothing they must not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.engine.addresses import place_tensors
from simulator.engine.descriptors import Layout, describe
from simulator.engine.event_run import read_latency_cycles, run_on_dram
from simulator.errors import MappingError, SimulationError
from simulator.memory.dma import RegionAllocator
from simulator.memory.dram_library import load_dram
from simulator.records import IFMAP
from tests.dataflow.network_cases import accelerators, networks, plan
from tests.dataflow.replay import check_operands_are_there
from tests.engine.tape_cases import TapeBuilder, step_times, transfer_times
from tests.engine.test_dram_loop import as_descriptors
from tests.memory.dram_cases import small_config


def run_network(planned, dram, *, skip=True):
    regions = place_tensors(
        planned.network, planned.mapped.mappings, Layout(), RegionAllocator(4096, dram.organization.capacity_bytes)
    )
    found = describe(
        planned.tape, planned.network.works, planned.mapped.mappings, regions, Layout(), planned.network.parts
    )
    return run_on_dram(planned.tape, found, dram, planned.machine.clock_hz, skip=skip)


@settings(max_examples=12)
@given(networks(), accelerators(), st.sampled_from(("ddr4_2400", "hbm2")))
def test_planned_networks_keep_the_laws_over_a_dram(graph, machine, name):
    try:
        planned = plan(graph, machine)
    except MappingError:
        return
    dram = load_dram(name)
    timeline = run_network(planned, dram)
    check_operands_are_there(planned.tape)
    bursts = int(timeline.commands["reads"].sum() + timeline.commands["writes"].sum())
    seconds = timeline.total_cycles / machine.clock_hz
    assert bursts * dram.organization.request_bytes <= dram.peak_bytes_per_second * seconds * (1 + 1e-9) + 32 * 64 * 16
    products = int((planned.network.works["macs"] * planned.network.works["passes"]).sum())
    assert timeline.total_cycles >= products / (machine.array.pes * 3)
    times = transfer_times(planned.tape), step_times(planned.tape)
    run_network(planned, dram, skip=False)
    assert (transfer_times(planned.tape), step_times(planned.tape)) == times


def test_energy_is_shared_out_without_rest():
    config = load_dram("ddr4_2400")
    tape = TapeBuilder()
    load = tape.transfer(640)
    tape.step([(IFMAP, load, 0, 1)], issue_cycles=5, latency_cycles=5)
    later = tape.transfer(640, layer=1)
    tape.step([(IFMAP, later, 0, 1)], issue_cycles=5, latency_cycles=5, layer=1)
    from simulator.memory.dma import Descriptor

    timeline = run_on_dram(tape.tape(), as_descriptors([[Descriptor(0, 640)], [Descriptor(0, 640)]]), config, 7e8)
    shared = timeline.command_energy_pj(timeline.layers["cycles"])
    assert shared.sum() == pytest.approx(sum(timeline.dram_energy_pj.values()))
    assert (shared > 0).all()


def test_a_tape_that_contradicts_itself_names_cycle_resource_and_tile():
    tape = TapeBuilder()
    tape.transfer(64, free=(0, 0))  # waits for the step that needs the transfer behind it
    load = tape.transfer(64)
    tape.step([(IFMAP, load, 0, 1)], issue_cycles=5, latency_cycles=5)
    from simulator.memory.dma import Descriptor

    pieces = as_descriptors([[Descriptor(0, 64)], [Descriptor(64, 64)]])
    with pytest.raises(SimulationError) as raised:
        run_on_dram(tape.tape(), pieces, small_config(), 1e9)
    text = str(raised.value)
    assert "deadlock at cycle 0: array step 0 of layer 0 waits for its ifmap (transfer 1)" in text
    assert (
        "DMA queue 0 stands at transfer 0, the ifmap load of tile 0 of layer 0, which waits for the slot of step 0"
        in text
    )


def test_read_latency_by_hand():
    assert read_latency_cycles(small_config(), 1e9) == 6 + 7 + 4
    assert read_latency_cycles(small_config(), 5e8) == 9
