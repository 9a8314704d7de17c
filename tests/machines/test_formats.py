"""Formats in results: bytes beside raw ones, a flag where one is bypassed, the same numbers without any."""

import numpy as np
import pytest

from simulator import simulate
from simulator.arch import load_accelerator
from simulator.report.layer_table import columns_of
from simulator.report.result_files import load_result
from simulator.search.evaluate import Evaluator
from simulator.workload import load_workload
from simulator.workload.transforms.declare import declare_sparsity

BOTH = ("compression.weight.format=csc", "compression.feature_map.format=rlc")


@pytest.fixture(scope="module")
def pruned():
    return declare_sparsity(load_workload("lenet5_int8"), "0.1,activations=0.4")


def machine(*overrides):
    ports = [
        f"buffers.{name}.ports=null" for name in ("scratchpad", "accumulator")
    ]  # formats and ports exclude each other
    return load_accelerator("gemmini_like_16", overrides=[*ports, *overrides])


def run(graph, *overrides, fidelity="bandwidth"):
    return simulate(graph, machine(*overrides), fidelity=fidelity)


def test_a_dense_network_bypasses_every_format_and_keeps_its_cycles():
    plain = run("lenet5_int8")
    dense = run("lenet5_int8", *BOTH)
    assert dense.total == plain.total
    for layer, without in zip(dense.layers, plain.layers, strict=True):
        assert layer.cycles == without.cycles
        assert layer.formats
        assert without.formats is None
        for form in layer.formats.values():
            assert form["bypassed"]
            assert form["stored_bytes"] == form["raw_bytes"] < form["encoded_bytes"]
    assert any("csc of weight is bypassed in 5 of 7 layers" in text for text in dense.warnings)
    assert not any("codec" in text for text in dense.warnings)  # nothing passes it
    assert "formats" not in plain.layers[0].to_dict()
    assert not any("bypassed" in column.heading for column in columns_of(plain))


def test_a_pruned_network_moves_fewer_bytes_and_says_how_many(pruned, tmp_path):
    plain, packed = run(pruned), run(pruned, *BOTH)
    assert packed.total.dram_bytes < 0.5 * plain.total.dram_bytes
    for layer in packed.layers:
        moved = layer.dram["read_bytes"] + layer.dram["write_bytes"]
        assert moved == sum(form["stored_bytes"] for form in layer.formats.values())
    assert packed.total.energy_by_component_pj["dram"] < plain.total.energy_by_component_pj["dram"]
    assert any("energy of the codec is not priced" in text for text in packed.warnings)
    assert not any("codec" in text for text in plain.warnings)
    path = tmp_path / "r.json"
    path.write_text(packed.to_json())
    assert load_result(path).layers == packed.layers
    column = next(column for column in columns_of(packed) if "raw!" in column.heading)
    assert column.cell(packed.layers[0], packed) == "W 42% in 81% out raw!"
    assert "csc" in packed.zeros["exploited"]


def test_a_slow_codec_holds_the_array_up_and_is_blamed(pruned):
    fast = run(pruned, *BOTH, "compression.decoder_elements_per_cycle=1000")
    slow = run(pruned, *BOTH, "compression.decoder_elements_per_cycle=1", "compression.encoder_elements_per_cycle=1")
    assert slow.total.cycles > 2 * fast.total.cycles
    assert sum(layer.late_because["codec"] for layer in slow.layers) > 0.3 * slow.total.cycles
    assert slow.total.dram_bytes == fast.total.dram_bytes


def test_the_evaluator_gives_the_same_numbers(pruned):
    result, evaluator = run(pruned, *BOTH), Evaluator(pruned, machine(*BOTH))
    for found in (evaluator.evaluate(), evaluator.evaluate(np.full((5, 2), 8))):
        assert (found["cycles"], found["dram_bytes"]) == (result.total.cycles, result.total.dram_bytes)
        assert found["energy_pj"] == pytest.approx(result.total.energy_pj)


@pytest.mark.slow
def test_over_a_dram_encoded_tiles_take_fewer_bursts(pruned):
    plain, packed = run(pruned, fidelity="event"), run(pruned, *BOTH, fidelity="event")
    bursts = [sum(layer.dram["reads"] + layer.dram["writes"] for layer in one.layers) for one in (plain, packed)]
    assert bursts[1] < 0.6 * bursts[0]
    assert packed.total.cycles < plain.total.cycles
