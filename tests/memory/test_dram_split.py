"""A descriptor split in closed form equals its bytes sorted into bursts one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.memory.dma import Descriptor, descriptor_table
from simulator.memory.dram_address import decode
from simulator.memory.dram_library import load_dram
from simulator.memory.dram_split import (
    bank_runs,
    burst_addresses,
    channel_run,
    count_bursts,
    local_bursts_below,
    one_channel,
    place_of,
    row_span_bytes,
    split_record,
)
from tests.memory.dram_cases import configs, organizations
from tests.oracle.dram_devices import split_address


def naive_bursts(descriptor, request_bytes):
    """Walk over every byte; a burst counts anew when it is not the one just moved."""
    bursts = []
    for row in range(descriptor.rows):
        start = descriptor.base_byte + row * descriptor.pitch_bytes
        for byte in range(start, start + descriptor.row_bytes):
            if not bursts or bursts[-1] != byte // request_bytes:
                bursts.append(byte // request_bytes)
    return bursts


@st.composite
def transfers(draw, organization, most_bytes=3000):
    capacity = organization.capacity_bytes
    row_bytes = draw(st.integers(1, min(capacity, most_bytes)))
    rows = draw(st.integers(1, 8))
    gap = draw(st.sampled_from((0, 1, 5, organization.request_bytes, 2048)))
    rows = max(1, min(rows, (capacity - row_bytes) // (row_bytes + gap) + 1, most_bytes * 2 // row_bytes))
    base = draw(st.integers(0, capacity - (rows - 1) * (row_bytes + gap) - row_bytes))
    return Descriptor(base, row_bytes, rows, row_bytes + gap, draw(st.sampled_from((0, 1))))


@settings(max_examples=100)
@given(data=st.data())
def test_the_runs_of_every_channel_equal_the_naive_walk(data):
    config = data.draw(configs())
    organization = config.organization
    descriptor = data.draw(transfers(organization))
    walked = [split_address(organization, burst * organization.request_bytes) for burst in
              naive_bursts(descriptor, organization.request_bytes)]  # fmt: skip
    for channel in range(organization.channels):
        expected = [(place, row, column) for owner, place, row, column in walked if owner == channel]
        found = []
        for run in bank_runs(config, descriptor):
            group, bank = divmod(run.bank, organization.banks_per_group)
            rank, group = divmod(group, organization.bank_groups)
            if run.channel == channel:
                found += [((rank, group, bank), run.row, run.column + step) for step in range(run.columns)]
        assert found == [((place.rank, place.group, place.bank), row, column) for place, row, column in expected]


@given(data=st.data())
def test_counts_and_addresses_equal_the_naive_walk(data):
    config = data.draw(configs())
    organization = config.organization
    descriptor = data.draw(transfers(organization))
    bursts = naive_bursts(descriptor, organization.request_bytes)
    addresses = burst_addresses(config, descriptor)
    assert addresses.tolist() == [burst * organization.request_bytes for burst in bursts]
    counts = np.zeros(organization.channels, dtype=np.int64)
    count_bursts(split_record(organization)[0], descriptor_table([descriptor])[0], counts)
    owners = decode(organization, addresses).channel
    assert counts.tolist() == np.bincount(owners, minlength=organization.channels).tolist()


@given(shape=organizations())
def test_local_numbers_have_no_gaps_and_place_bursts_as_the_whole_mapping(shape):
    split = split_record(shape)[0]
    bursts = np.arange(min(300, shape.capacity_bytes // shape.request_bytes))
    whole = decode(shape, bursts * shape.request_bytes)
    seen = [0] * shape.channels
    for burst in bursts.tolist():
        channel = int(whole.channel[burst])
        local = local_bursts_below(split, channel, burst)
        assert local == seen[channel]
        seen[channel] += 1
        bank, row, column = place_of(split, local)
        assert bank == int(whole.bank_row(shape)[burst]) - channel * shape.ranks * shape.banks_per_rank
        assert (row, column) == (int(whole.row[burst]), int(whole.column[burst]))


@given(data=st.data())
def test_a_channel_is_a_system_of_its_own(data):
    config = data.draw(configs())
    single = one_channel(config).organization
    local = np.arange(min(100, single.capacity_bytes // single.request_bytes))
    alone = decode(single, local * single.request_bytes)
    split = split_record(config.organization)[0]
    places = [place_of(split, burst) for burst in local.tolist()]
    expected = zip(alone.bank_row(single).tolist(), alone.row.tolist(), alone.column.tolist(), strict=True)
    assert places == list(expected)


def test_rows_at_the_pitch_of_the_channels_are_counted_once():
    config = load_dram("hbm2")
    split = split_record(config.organization)[0]
    descriptor = descriptor_table([Descriptor(96, 700, 1000, 1024)])[0]
    counts = np.zeros(16, dtype=np.int64)
    count_bursts(split, descriptor, counts)
    runs = [channel_run(split, descriptor, row, channel) for row in range(1000) for channel in range(16)]
    assert counts.sum() == sum(behind - first for first, behind in runs)
    assert counts[0] == sum(behind - first for first, behind in runs[::16])


@pytest.mark.parametrize("name", ["ddr4_2400", "hbm2"])
@pytest.mark.parametrize(("base", "missing"), [(0, 0), (0, 8), (16, 8), (16, 16), (16, 17), (40, 1)])
def test_rows_at_that_pitch_with_hardly_a_gap_share_a_burst(name, base, missing):
    """The end of one row and the start of the next lie in one burst, moved once: by the first of the two."""
    config = load_dram(name)
    organization = config.organization
    pitch = 4 * organization.channels * organization.request_bytes
    descriptor = Descriptor(base, pitch - missing, 3, pitch)
    counts = np.zeros(organization.channels, dtype=np.int64)
    count_bursts(split_record(organization)[0], descriptor_table([descriptor])[0], counts)
    owners = decode(organization, burst_addresses(config, descriptor)).channel
    assert counts.tolist() == np.bincount(owners, minlength=organization.channels).tolist()


@pytest.mark.parametrize("pitch", [33, 96, 160, 192, 576, 640, 768, 1280, 1536])
@pytest.mark.parametrize("name", ["hbm2", "lpddr5_6400"])
def test_rows_repeat_where_their_pitches_make_a_round(name, pitch):
    config = load_dram(name)
    organization = config.organization
    for base, short, rows in ((0, 0, 37), (40, 7, 18), (96, 31, 17), (16, 17, 2), (500, pitch - 1, 33)):
        descriptor = Descriptor(base, max(1, pitch - short), rows, pitch)
        counts = np.zeros(organization.channels, dtype=np.int64)
        count_bursts(split_record(organization)[0], descriptor_table([descriptor])[0], counts)
        owners = decode(organization, burst_addresses(config, descriptor)).channel
        assert counts.tolist() == np.bincount(owners, minlength=organization.channels).tolist(), descriptor


def test_a_row_span_moves_every_bank_one_row_on():
    for name in ("ddr4_2400", "hbm2"):
        organization = load_dram(name).organization
        span = row_span_bytes(organization)
        bursts = np.arange(span // organization.request_bytes) * organization.request_bytes
        assert (decode(organization, bursts).row == 0).all()
        assert (decode(organization, bursts + span).row == 1).all()
