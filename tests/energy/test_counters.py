"""Counters refuse what no engine can have counted."""

import pytest

from simulator.energy import LayerCounters
from simulator.errors import SimulationError


@pytest.mark.parametrize(
    "counts", [{"cycles": -1}, {"dram_read_bytes": -8}, {"buffer_reads": {"glb": -1}}, {"ifmap_bits": -8}]
)
def test_a_negative_count_is_refused(counts):
    with pytest.raises(SimulationError, match=f"counters.{next(iter(counts))}"):
        LayerCounters(**counts)


@pytest.mark.parametrize("bits", [(0, 8), (8, 0), (0, 0)])
def test_macs_need_the_widths_they_were_made_at(bits):
    with pytest.raises(SimulationError, match="issued_macs = 3"):
        LayerCounters(issued_macs=3, ifmap_bits=bits[0], weight_bits=bits[1])


@pytest.mark.parametrize("bits", [(65, 8), (8, 128)])
def test_widths_end_at_64_bits(bits):
    with pytest.raises(SimulationError, match="1 to 64"):
        LayerCounters(issued_macs=3, ifmap_bits=bits[0], weight_bits=bits[1])


def test_nothing_done_is_nothing_counted():
    assert LayerCounters() == LayerCounters(buffer_reads={}, cycles=0)
