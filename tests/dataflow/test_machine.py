"""An accelerator as kernels see it."""

import pytest

from simulator.arch import load_accelerator
from simulator.dataflow.machine import allowed_dataflows, hardware_record, space_record
from simulator.errors import ArchitectureError
from simulator.records import DATAFLOW_NAMES

TPU = load_accelerator("tpu_like_128")


def test_dataflows_first_named_and_all():
    assert allowed_dataflows(TPU) == ("ws",)
    assert allowed_dataflows(TPU, "is") == ("is",)
    assert allowed_dataflows(TPU, "auto") == ("ws", "os", "is")
    reordered = load_accelerator(TPU, overrides=['array.dataflows=["os", "ws"]'])
    assert allowed_dataflows(reordered) == ("os",)


@pytest.mark.parametrize("wrong", ["rs", "WS", "", "o"])
def test_dataflow_the_array_does_not_run(wrong):
    with pytest.raises(ArchitectureError, match=r"tpu_like_128 runs ws, os, is.*or auto, or extend array.dataflows"):
        allowed_dataflows(TPU, wrong)
    with pytest.raises(ArchitectureError, match="tpu_v1 runs ws"):
        allowed_dataflows(load_accelerator("tpu_v1"), "os")


def test_hardware_has_one_record_a_dataflow():
    records = hardware_record(TPU)
    assert [DATAFLOW_NAMES[record.dataflow] for record in records] == ["ws", "os", "is"]
    for record in records:
        assert (record.rows, record.columns) == (128, 128)
        assert (record.weight_shadow, record.swap_wavefront, record.drain_separate, record.skew_in_array) == (
            1,
            1,
            1,
            1,
        )


@pytest.mark.parametrize(
    ("override", "field"),
    [
        ("array.weight_shadow=false", "weight_shadow"),
        ("array.shadow_swap=global", "swap_wavefront"),
        ("array.os_drain=shift_blocking", "drain_separate"),
        ("array.skew_in_array=false", "skew_in_array"),
    ],
)
def test_each_flag_goes_to_its_own_field(override, field):
    changed, plain = hardware_record(load_accelerator(TPU, overrides=[override]))[0], hardware_record(TPU)[0]
    different = [name for name in plain.dtype.names if changed[name] != plain[name]]
    assert different == [field]


def test_buffers_dram_and_buses():
    edge = load_accelerator(
        "edge_like_32", overrides=["array.ifmap_bus_words_per_cycle=3", "array.psum_bus_words_per_cycle=5"]
    )
    space = space_record(edge)[0]
    assert space.capacity_bits.tolist() == [8 * 524288, 8 * 262144, 8 * 131072]
    assert space.slots.tolist() == [2, 2, 2]
    assert space.word_bits.tolist() == [256, 256, 1024]
    assert space.home.tolist() == [0, 1, 2]
    assert (space.ifmap_bus_words, space.weight_bus_words, space.psum_bus_words) == (3, 0, 5)
    assert (space.dram_word_bytes, space.dram_latency_cycles) == (64, 60)
    assert space.dram_bytes_per_cycle == 8e9 / edge.clock_hz
    assert space.vector_lanes == 32


def test_operands_that_share_a_buffer_have_one_home():
    space = space_record(load_accelerator("gemmini_like_16"))[0]
    assert space.home.tolist() == [0, 0, 1]
    assert space.capacity_bits.tolist() == [8 * 262144, 8 * 65536, 0]


def test_each_buffer_has_its_own_slots():
    assert space_record(load_accelerator("tpu_v1"))[0].slots.tolist() == [2, 4, 2]


def test_prices_go_to_their_buffers():
    space = space_record(
        TPU, dram_pj_per_byte=160.0, buffer_read_pj={"weight_fifo": 2.0}, buffer_write_pj={"unified": 3.0}
    )[0]
    assert space.dram_pj_per_byte == 160.0
    assert space.buffer_read_pj.tolist() == [0.0, 2.0, 0.0]
    assert space.buffer_write_pj.tolist() == [3.0, 0.0, 0.0]
