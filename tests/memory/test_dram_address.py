"""Addresses split and come together again, whatever the order of the fields."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.memory.dram_address import decode, field_positions
from tests.memory.dram_cases import organization, organizations
from tests.oracle.dram_devices import split_address


@given(data=st.data())
def test_coordinates_equal_the_oracle_and_stay_in_range(data):
    shape = data.draw(organizations())
    addresses = data.draw(st.lists(st.integers(0, shape.capacity_bytes - 1), min_size=1, max_size=20))
    split = decode(shape, np.array(addresses))
    for index, address in enumerate(addresses):
        channel, place, row, column = split_address(shape, address)
        mine = [int(field[index]) for field in split]
        assert mine == [channel, place.rank, place.group, place.bank, row, column]


@given(shape=organizations())
def test_every_burst_has_its_own_place(shape):
    bursts = min(4096, shape.capacity_bytes // shape.request_bytes)
    split = decode(shape, np.arange(bursts) * shape.request_bytes)
    places = np.stack([split.bank_row(shape), split.row, split.column])
    assert np.unique(places, axis=1).shape[1] == bursts
    assert split.bank_row(shape).max() < shape.channels * shape.ranks * shape.banks_per_rank


def test_a_row_hash_spreads_the_rows_of_one_bank():
    plain, hashed = (organization(bank_hash=name, address_mapping="rochrababgco") for name in ("none", "row_xor"))
    row_bytes = plain.request_bytes << field_positions(plain)["ro"]
    rows = np.arange(4) * row_bytes
    assert np.unique(decode(plain, rows).bank_row(plain)).size == 1
    assert np.unique(decode(hashed, rows).bank_row(hashed)).size == 4


@pytest.mark.parametrize(("mapping", "field", "position"), [("rochrababgco", "bg", 3), ("rorabacobgch", "co", 1)])
def test_positions_count_from_the_last_field(mapping, field, position):
    assert field_positions(organization(address_mapping=mapping))[field] == position
