"""Parts of a layer make every output once, from the inputs that its own definition asks for."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.dataflow.binding import bind
from simulator.dataflow.core_cuts import can_cut, cuts_along, equal_ranges, images_of, whole_parts
from simulator.records import COPY_WORK, MAC_WORK, VECTOR_WORK, WORK, table
from simulator.workload.builder import GraphBuilder
from tests.dataflow.network_cases import accelerator, networks


def outputs(work, part):
    """(image, channel, row) of every output of a part, in the whole layer."""
    images = range(part.first_image, part.first_image + work.N)
    channels = range(part.first_ofmap_channel, part.first_ofmap_channel + work.G * work.K)
    rows = range(part.first_ofmap_row, part.first_ofmap_row + work.P)
    return list(product(images, channels, rows))


def rows_seen(work, row):
    """Input rows under the taps of an output row, padding left out."""
    taps = [row * work.stride_h - work.pad_h + tap * work.dilation_h for tap in range(work.R)]
    return [tap for tap in taps if 0 <= tap < work.H]


def assert_parts_are_the_layer(work, cuts):
    made = [place for cut, part in cuts for place in outputs(cut, part)]
    assert sorted(made) == outputs(work, whole_parts(one(work))[0])
    for name in ("macs", "ofmap_elements", "operations"):
        assert sum(int(cut[name]) for cut, _ in cuts) == work[name]
    for cut, part in cuts:
        assert cut.G * cut.C == work.G * work.C or cut.G < work.G
        assert part.first_ifmap_channel == (part.first_ofmap_channel // work.K * work.C if cut.G < work.G else 0)
        for row in range(cut.P):
            whole = rows_seen(work, row + part.first_ofmap_row)
            assert [tap + part.first_ifmap_row for tap in rows_seen(cut, row)] == whole
        if cut.H < work.H:  # no rows beyond those its outputs see, but for what stride and floor leave over at the ends
            seen = [tap for row in range(cut.P) for tap in rows_seen(work, row + part.first_ofmap_row)]
            slack = max(int(work.stride_h), (int(work.R) - 1) * int(work.dilation_h) + 1)
            assert not seen or part.first_ifmap_row >= min(seen) - slack or part.first_ifmap_row == 0
            assert (
                not seen or part.first_ifmap_row + cut.H <= max(seen) + slack or cut.P + part.first_ofmap_row == work.P
            )


def one(work):
    records = table(WORK, 1)
    records[0] = work
    return records


@settings(max_examples=60)
@given(networks(), st.integers(2, 4), st.sampled_from("KP"))
def test_parts_make_every_output_once(graph, pieces, dimension):
    for work in bind(graph, accelerator()).works:
        if work.kind != MAC_WORK or not can_cut(work, dimension):
            continue
        cuts = cuts_along(work, dimension, pieces)
        assert 1 <= len(cuts) <= pieces
        assert_parts_are_the_layer(work, cuts)


@settings(max_examples=40)
@given(networks(), st.integers(2, 4), st.integers(2, 3))
def test_images_are_whole_networks_of_their_own(graph, images, pieces):
    for work in bind(graph, accelerator(), batch=images).works:
        cuts = [images_of(work, begin, end, images) for begin, end in equal_ranges(images, pieces)]
        for name in ("macs", "ofmap_elements", "operations", "input_bits"):
            assert sum(int(cut[name]) for cut, _ in cuts) == work[name]
        if work.kind == MAC_WORK:
            assert_parts_are_the_layer(work, cuts)
            assert all(cut.parameter_bits == work.parameter_bits for cut, _ in cuts if cut.N < work.N)


@given(
    st.sampled_from((VECTOR_WORK, COPY_WORK)), st.integers(0, 200), st.integers(1, 100), st.integers(1, 9), st.data()
)
def test_runs_lie_behind_each_other_on_bytes(kind, input_bits, elements, bits, data):
    records = table(WORK, 1)
    work = records[0]
    work.kind, work.input_bits, work.ofmap_elements, work.ofmap_bits, work.operations = (
        kind,
        input_bits,
        elements,
        bits,
        7,
    )
    read = written = 0
    for cut, part in cuts_along(work, data.draw(st.sampled_from("KP")), data.draw(st.integers(1, 5))):
        assert (part.first_input_bit, part.first_ofmap_bit) == (read, written)
        assert part.first_input_bit % 8 == part.first_ofmap_bit % 8 == 0
        read, written = read + cut.input_bits, written + cut.ofmap_elements * bits
    assert (read, written) == (input_bits, elements * bits)


@pytest.mark.parametrize(("kind", "dimension"), [("lstm", "K"), ("lstm", "P"), ("transposed", "P")])
def test_what_cannot_be_cut(kind, dimension):
    net = GraphBuilder("one")
    if kind == "lstm":
        graph = net.build(net.recurrent(net.input("x", (3, 2, 4)), 5, op="lstm"))
    else:
        graph = net.build(net.conv_transpose(net.input("x", (1, 3, 4, 4)), 2, 3, stride=2))
    assert not can_cut(bind(graph, accelerator()).works[-1], dimension)
