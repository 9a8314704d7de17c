"""From an engine's numbers to a layer result: times add up, nothing is lost."""

from simulator.arch import load_accelerator
from simulator.dataflow.binding import Row
from simulator.machines.engine_layer import EngineLayer, engine_result
from simulator.results import Access


def test_issue_idle_and_energy_add_up():
    row = Row("fc", "gemm", 0, 640, 8, 8, False, ("relu",))
    pe_cycles = {"useful": 300, "fill": 128, "imbalance": 211, "starvation": 1}
    layer = EngineLayer(
        cycles=10,
        wait_cycles=7,
        pe_cycles=pe_cycles,
        pe_load=(5, 4),
        effectual_macs=300,
        issued_macs=310,
        energy_pj={"mac": 2.0},
        glb={"weight": Access(3, 0, 24)},
        ifmap_bits=16,
        weight_bits=4,
        weight_dram_bytes=100,
    )
    result = engine_result(row, layer, load_accelerator("eie_64pe"), 50)
    assert (result.start_cycle, result.end_cycle, result.cycles) == (50, 67, 17)
    assert result.issue_cycles == {"useful": 5, "fill": 2, "drain": 0, "imbalance": 3, "bus": 0}
    assert result.idle_cycles["weight"] == result.gain_cycles == 7
    assert result.dram["limiter"] == "compute"
    assert result.accesses["dram"]["weight"] == Access(2, 0, 100)
    assert result.utilization == 300 / (64 * 17)
    assert (result.total_energy_pj, result.pe_load) == (2.0, (5, 4))
