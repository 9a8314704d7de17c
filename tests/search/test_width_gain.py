"""A 4-bit network on an array that multiplies 8 bits only: what it gains is traffic, and nothing else."""

import pytest

from simulator import load_accelerator, load_workload
from simulator.search.width_gain import to_lines, width_gains


@pytest.fixture(scope="module")
def graph():
    return load_workload("resnet18_int8")


@pytest.fixture(scope="module")
def fixed(graph):
    return width_gains(graph, load_accelerator("int8_only_gpu_like"), (8, 4))[0]


def test_on_an_int8_only_array_the_products_of_every_layer_take_as_long(fixed):
    assert fixed.layers_as_long == fixed.layers > 20
    assert fixed.product_cycles[0] == fixed.product_cycles[1]


def test_what_is_gained_there_is_bytes_and_goes_with_an_ample_dram(fixed):
    wide, narrow = fixed.cycles
    assert narrow <= fixed.kept_mapping_cycles < wide
    assert fixed.ample_cycles[0] == fixed.ample_cycles[1] < narrow


def test_a_flexible_array_gains_by_its_products(graph):
    gain = width_gains(graph, load_accelerator("bitfusion"), (4, 8))[0]
    assert gain.product_cycles[0] > 2.5 * gain.product_cycles[1]
    assert gain.ample_cycles[0] > 2.5 * gain.ample_cycles[1]
    assert gain.layers_as_long < gain.layers / 4


def test_the_page_says_it_in_words(fixed):
    page = "\n".join(to_lines([fixed]))
    assert "products of every layer take exactly as long" in page
    assert "with ample DRAM nothing is gained" in page
    assert f"{fixed.cycles[0]:,} to {fixed.cycles[1]:,}" in page


def test_one_width_gains_nothing(graph):
    assert width_gains(graph, load_accelerator("int8_only_gpu_like"), (8,)) == []
    assert to_lines([]) == []


def test_a_buffer_with_ports_has_no_ample_dram():
    (gain,) = width_gains(load_workload("lenet5_int8"), load_accelerator("gemmini_like_16"), (4, 8))
    assert gain.ample_cycles is None
    assert gain.product_cycles[0] == gain.product_cycles[1]
    page = "\n".join(to_lines([gain]))
    assert page.count("| - |") == 1
    assert "ample DRAM" not in page.splitlines()[-1]
