"""The accelerator's form: impossible descriptions are refused with field, value and remedy."""

import copy
from typing import get_args

import pytest

from simulator.arch import load_accelerator
from simulator.arch.description import Accelerator, VectorOperator
from simulator.arch.library import parse_accelerator
from simulator.errors import ArchitectureError
from simulator.workload.layers import VECTOR_LAYERS

SMALL = {
    "schema": "simulator.accelerator/1",
    "name": "small",
    "clock_hz": 1e9,
    "array": {"rows": 4, "columns": 4},
    "precision": {"pairs": [{"ifmap_bits": 8, "weight_bits": 8}]},
    "buffers": [{"name": "glb", "capacity_bytes": 4096, "operands": ["ifmap", "weight", "psum"]}],
    "dram": {"bandwidth_bytes_per_second": 1e9},
}


def changed(path, value):
    """Return SMALL with one field replaced (removed where the value is ...)."""
    data = copy.deepcopy(SMALL)
    *parents, last = path
    place = data
    for part in parents:
        place = place.setdefault(part, {}) if isinstance(place, dict) else place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return data


def refusal(path, value):
    with pytest.raises(ArchitectureError) as caught:
        parse_accelerator(changed(path, value), "small.json")
    return str(caught.value)


def test_a_small_description_needs_few_fields():
    accelerator = parse_accelerator(SMALL, "small.json")
    assert accelerator.array.dataflows == ("ws",)
    assert accelerator.buffer_of("psum").name == "glb"
    assert accelerator.peak_macs_per_cycle == 16
    assert accelerator.dram_bytes_per_cycle == 1.0
    assert Accelerator.model_validate(accelerator.model_dump(by_alias=True)) == accelerator


@pytest.mark.parametrize("rows", [0, -1, 4097, 2.5, "4", True, None, 10**30])
def test_an_impossible_number_is_named(rows):
    text = refusal(["array", "rows"], rows)
    assert text.startswith("small.json: array.rows = ")
    assert "\n" not in text


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (["clock_hz"], 0.0, "clock_hz = 0.0: input should be greater than or equal to 1000"),
        (["clock_hz"], 1e12, "clock_hz = 1000000000000.0"),
        (["array"], ..., "array: is missing; add it"),
        (["array", "dataflows"], ["rs"], "allowed: ws, os, is"),
        (["array", "dataflows"], ["ws", "ws"], "ws given more than once; give each once"),
        (["array", "dataflows"], [], "array.dataflows"),
        (["arrays"], {}, "arrays = {}: unknown key (did you mean 'array'?) (allowed: schema, name,"),
        (["array", "row"], 3, "array.row = 3: unknown key (did you mean 'rows'?)"),
        (["precision", "pairs"], [], "precision.pairs"),
        (["precision", "pairs", 0, "macs_per_pe_cycle"], 2, "make it 1, or the law 'packed'"),
        (["precision", "pairs"], [SMALL["precision"]["pairs"][0]] * 2, "8 x 8 bit given more than once"),
        (["buffers", 0, "operands"], ["ifmap", "weight"], "operand 'psum' lives in no buffer"),
        (["buffers", 0, "operands"], ["ifmap", "weight", "psum", "psum"], "psum given more than once"),
        (["buffers", 0, "capacity_bytes"], 80, "need at least 96; raise it, or lower word_bits, slots or banks"),
        (["buffers", 0, "banks"], 300, "need at least 4800"),
        (["buffers", 0, "name"], "a b", "buffers[0].name (in 'a b') = 'a b'"),
        (["buffers"], SMALL["buffers"] * 2, "glb given more than once"),
        (["buffers"], [*SMALL["buffers"], SMALL["buffers"][0] | {"name": "b"}], "in 2 buffers ['glb', 'b']"),
        (["vector"], {"fused": ["relu"]}, "vector.fused[0] = 'relu': unknown"),
        (["vector"], {"operations_per_element": {"softmx": 5}}, "did you mean 'softmax'?"),
        (["technology"], {"profile": "horowitz"}, "did you mean 'horowitz-45nm'?"),
        (["technology"], {"node_nm": 5}, "technology.node_nm = 5: input should be greater than or equal to 7"),
        (["schema"], "simulator.workload/1", "holds a workload ('simulator.workload/1'), not an accelerator"),
        (["schema"], "simulator.accelerator/2", "allowed: simulator.accelerator/1"),
    ],
)
def test_a_description_without_sense_is_refused(path, value, told):
    assert told in refusal(path, value)


def test_every_fault_is_told_at_once():
    data = changed(["array", "rows"], 0) | {"clock_hz": -1.0}
    with pytest.raises(ArchitectureError) as caught:
        parse_accelerator(data, "small.json")
    assert len(str(caught.value).splitlines()) == 2


def test_descriptions_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        load_accelerator("tpu_v1").array.rows = 3


def test_vector_operators_are_those_of_workloads():
    operators = {op for layer in VECTOR_LAYERS for op in get_args(layer.model_fields["op"].annotation)}
    assert set(get_args(VectorOperator)) == operators


def test_a_buffer_that_the_dram_would_keep_busy_is_refused():
    buffer = {
        "name": "glb",
        "capacity_bytes": 4096,
        "operands": ["ifmap", "weight", "psum"],
        "word_bits": 8,
        "ports": 1,
    }
    text = refusal(["buffers"], [buffer])
    assert (
        "ports = 1 of buffer 'glb': 1 banks of 8 bits take 8 bits at once, and the DRAM brings 8 bits a cycle" in text
    )
    assert "raise banks, word_bits or ports" in text
    for enough in ({"ports": 2}, {"banks": 2}, {"word_bits": 16}):
        parse_accelerator(changed(["buffers"], [buffer | enough]), "small.json")


def test_the_dma_has_a_turn_for_every_line_that_the_dram_brings():
    buffer = {
        "name": "glb",
        "capacity_bytes": 4096,
        "operands": ["ifmap", "weight", "psum"],
        "banks": 3,
        "word_bits": 20,
    }
    accelerator = parse_accelerator(changed(["buffers"], [buffer]), "small.json")
    assert accelerator.dma_period_cycles(accelerator.buffers[0]) == 60 // 8


def test_other_arrays_have_their_own_memories():
    data = load_accelerator("eyeriss_v1").model_dump(by_alias=True)
    data["buffers"][0]["ports"] = 1
    with pytest.raises(ArchitectureError, match=r"array.kind = 'row_stationary' says itself how its memories are read"):
        parse_accelerator(data, "own.json")


def test_ports_and_compression_exclude_each_other():
    data = load_accelerator("tpu_like_128").model_dump(by_alias=True)
    data["compression"]["weight"]["format"] = "bitmask"
    parse_accelerator(data, "own.json")
    data["buffers"][0]["ports"] = 1
    with pytest.raises(ArchitectureError, match="the decoder fills it at a rate of its own"):
        parse_accelerator(data, "own.json")
