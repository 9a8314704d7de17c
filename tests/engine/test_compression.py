"""Compressed tensors on tapes: exact where a file has the zeros, never more bytes than raw, and monotone in density."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.arch.compression import Compression
from simulator.dataflow.tiling import tile_place
from simulator.engine.compression import compress
from simulator.engine.descriptors import Layout
from simulator.engine.run import run
from simulator.errors import MappingError
from simulator.formats.bitmask import encode_bitmask
from simulator.formats.n_of_m import encode_n_of_m
from simulator.formats.relative_index import encode_columns
from simulator.formats.run_length import encode_runs
from simulator.records import IFMAP, MAC_WORK, PSUM, READ, WEIGHT, WRITE
from simulator.workload.builder import GraphBuilder
from simulator.workload.masks import Masks
from simulator.workload.precision import Precision
from simulator.workload.sparsity import FromFile, NOfM, UniformDensity
from tests.dataflow.network_cases import accelerator, accelerators, networks, plan

FORMATS = ({"weight": {"format": "csc"}, "feature_map": {"format": "rlc"}}, {"weight": {"format": "bitmask"}})


WHOLE = {name: {"order": "mkc", "tile": {"N": 1}} for name in "ab"}
"""Tiles that hold all channels: patterns along them are not cut."""


def with_formats(machine, formats):
    return machine.model_copy(update={"compression": Compression.model_validate(formats)})


def sparse(graph, density):
    return graph.with_sparsities(dict.fromkeys(graph.tensors, UniformDensity(kind="uniform", density=density)))


def compressed(planned, machine, graph):
    return compress(planned.tape, planned.network, planned.mapped.mappings, (machine, Layout()), Masks(graph))


def test_without_formats_the_tape_is_the_same_object():
    graph, machine = two_layers(), accelerator()
    planned = plan(graph, machine)
    made = compressed(planned, machine, graph)
    assert made.tape is planned.tape
    assert not made.encoded.any()
    assert made.forms == ()


@settings(max_examples=30)
@given(networks(), accelerators(), st.sampled_from(FORMATS), st.floats(0, 1), st.floats(0, 1))
def test_bytes_never_exceed_raw_ones_and_grow_with_density(graph, machine, formats, one, other):
    machine = with_formats(machine, formats)
    try:
        planned = plan(graph, machine)
    except MappingError:
        return
    raw = planned.tape.transfers["payload_bytes"]
    found = [compressed(planned, machine, sparse(graph, density)) for density in (*sorted((one, other)), 1.0)]
    low, high, full = (made.tape.transfers["payload_bytes"] for made in found)
    assert (low <= high).all()
    assert (high <= full).all()
    assert (full == raw).all()  # a dense tile is stored raw
    assert not found[2].encoded.any()
    assert all(form.bypassed_tiles == form.tiles and form.encoded_bytes >= form.raw_bytes for form in found[2].forms)
    times = run(found[2].tape, planned.space).total_cycles
    assert times == run(planned.tape, planned.space).total_cycles
    assert_counters_are_the_transfers(found[0].tape, planned.network.works)


def assert_counters_are_the_transfers(tape, works):
    transfers = tape.transfers
    for i, counters in enumerate(tape.counters):
        mine = transfers[transfers["layer"] == i]
        for operand, name in ((IFMAP, "ifmap"), (WEIGHT, "weight")):
            assert counters[f"{name}_dram_bytes"] == mine["payload_bytes"][mine["operand"] == operand].sum()
        written = mine[(mine["operand"] == PSUM) & (mine["direction"] == WRITE)]
        total = counters["ofmap_dram_bytes"] + counters["psum_dram_write_bytes"]
        assert total == written["payload_bytes"].sum()
        if works[i]["kind"] == MAC_WORK:
            spilled = mine[(mine["operand"] == PSUM) & (mine["direction"] == READ)]
            assert counters["psum_dram_read_bytes"] == spilled["payload_bytes"].sum()
            assert (spilled["codec_cycles"] == 0).all()


def two_layers(**sparsities):
    precision = Precision(bits=8)
    net = GraphBuilder("two", weight_precision=precision, activation_precision=precision)
    x = net.conv(net.input("image", (2, 6, 9, 8)), 10, 3, padding=1, name="a")
    return net.build(net.conv(net.relu(x), 7, 2, stride=2, bias=False, name="b")).with_sparsities(sparsities)


def values_of(shape, density, seed):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(shape) < density, rng.integers(1, 100, shape), 0)


def reference_bits(name, tile, form):
    """Bits of a tile by its real encoder: weights [outputs, channels x taps], maps in the order of memory."""
    if form == "bitmask":
        return encode_bitmask(tile).size.encoded_bits
    if form == "rlc":
        return encode_runs(tile, level_bits=8).size.encoded_bits
    assert name == "weight"
    return encode_columns(tile.astype(np.uint8), value_bits=8).size(16).encoded_bits


@pytest.mark.parametrize(
    "formats",
    [
        {"weight": {"format": "csc", "pointer_bits": 16}, "feature_map": {"format": "rlc"}},
        {"weight": {"format": "rlc"}, "feature_map": {"format": "bitmask"}},
    ],
)
def test_tiles_of_actual_values_take_what_their_encoders_make_of_them(tmp_path, formats):
    weight, image = values_of((10, 6, 3, 3), 0.2, 1), values_of((2, 6, 9, 8), 0.3, 2)
    np.savez(tmp_path / "v.npz", w=weight, x=image)
    stored = {
        name: FromFile(kind="values", file="v.npz", array=array) for name, array in (("a.weight", "w"), ("image", "x"))
    }
    graph = two_layers().with_sparsities(stored, folder=tmp_path)
    machine = with_formats(accelerator(capacity=(20000, 20000)), formats)
    given_tiles = {"a": {"order": "mck", "tile": {"N": 1, "P": 1, "Q": 3, "K": 4, "C": 4}}}
    planned = plan(graph, machine, given=given_tiles)
    made = compressed(planned, machine, graph)
    seen = 0
    for index, transfer in enumerate(made.tape.transfers):
        if transfer.layer != 0 or transfer.operand not in (IFMAP, WEIGHT):
            continue
        _, m, _, k, c = tile_place(int(transfer.tile), (2 * 9 * 3, 3, 2), 1)
        rows, columns = slice(4 * k, 4 * k + 4), slice(4 * c, 4 * c + 4)
        if transfer.operand == WEIGHT:
            tile, kind, extra = weight[rows, columns].reshape(len(weight[rows]), -1), "weight", 8 * len(weight[rows])
        else:
            n, p, q = m // 27, m // 3 % 9, m % 3
            top, left = max(0, p - 1), max(0, 3 * q - 1)
            tile = np.moveaxis(image[n, columns, top : p + 2, left : 3 * q + 4], 0, -1)
            kind, extra = "feature_map", 0
        bits = reference_bits(kind, tile, formats[kind]["format"])
        stored_bits = min(bits, 8 * tile.size) + (extra if c == 0 else 0)
        assert transfer.payload_bytes == -(-stored_bits // 8), index
        assert transfer.codec_cycles == (-(-tile.size // 16) if bits < 8 * tile.size else 0)
        seen += 1
    assert seen > 20
    assert {(form.operand, form.size_from) for form in made.forms if form.work == 0} >= {
        ("weight", "mask"),
        ("ifmap", "mask"),
        ("ofmap", "density"),
    }


def test_a_pattern_is_kept_or_bypassed():
    for m, bypassed in ((4, False), (3, True)):
        pattern = NOfM(kind="n_of_m", n=2, m=m)
        graph = two_layers().with_sparsities({"a.weight": pattern, "b.weight": pattern})
        machine = with_formats(accelerator(capacity=(20000, 20000)), {"weight": {"format": "n_of_m"}})
        made = compressed(plan(graph, machine, given=WHOLE), machine, graph)
        assert all((form.bypassed_tiles == form.tiles) is bypassed for form in made.forms), asdict(made.forms[0])
    assert made.forms[0].encoded_bytes > made.forms[0].raw_bytes


def test_what_was_pruned_to_a_pattern_keeps_it_by_its_values(tmp_path):
    weight = np.zeros((10, 6, 3, 3), int)
    weight[:, [0, 2, 5]] = 7
    np.savez(tmp_path / "v.npz", w=weight)
    graph = two_layers().with_sparsities(
        {"a.weight": FromFile(kind="values", file="v.npz", array="w")}, folder=tmp_path
    )
    machine = with_formats(accelerator(capacity=(20000, 20000)), {"weight": {"format": "n_of_m"}})
    form = next(form for form in compressed(plan(graph, machine, given=WHOLE), machine, graph).forms if form.work == 0)
    groups = 10 * 9 * 2  # channels 0-3 and 4-5
    assert form.stored_bytes == -(-(groups * 2 * 10) // 8) + 10  # and a bias of 8 bits each
    assert encode_n_of_m(np.moveaxis(weight, 1, -1), 2, 4).size.encoded_bits == groups * 2 * 10
