"""Areas add up, scale with structure and node."""

import pytest

from simulator.arch import load_accelerator, preset_names
from simulator.energy import area_components_mm2, area_mm2


def areas_of(name, *overrides):
    return area_components_mm2(load_accelerator(name, overrides=overrides))


@pytest.mark.parametrize("name", preset_names())
def test_the_area_is_the_sum_of_positive_parts(name):
    accelerator = load_accelerator(name)
    parts = area_components_mm2(accelerator)
    assert list(parts) == ["array", "vector", *(buffer.name for buffer in accelerator.buffers)]
    assert all(part > 0 for part in parts.values())
    assert area_mm2(accelerator) == pytest.approx(sum(parts.values()))


def test_the_array_is_pes_as_synthesised():
    assert areas_of("tpu_like_128")["array"] == pytest.approx(128 * 128 * 8171.729995 / 16 / 1e6)
    assert areas_of("tpu_like_128", "array.rows=64")["array"] == pytest.approx(areas_of("tpu_like_128")["array"] / 2)
    assert areas_of("tpu_like_128", "technology.node_nm=7")["array"] == pytest.approx(
        areas_of("tpu_like_128")["array"] * 0.059
    )


def test_a_float_path_widens_the_pe():
    plain, floating = areas_of("tpu_like_128"), areas_of("tpu_like_128", "precision.float_bits=16")
    assert floating["array"] / plain["array"] == pytest.approx(26870.48336 / 8171.729995)


def test_a_memory_is_as_measured():
    one_macro = ["buffers.unified.capacity_bytes=1048576", "buffers.unified.banks=1", "buffers.unified.word_bits=128"]
    assert areas_of("tpu_like_128", *one_macro)["unified"] == pytest.approx(3.26)


def test_a_buffer_named_as_a_part_keeps_its_own_line():
    assert set(areas_of("tpu_like_128", "buffers.unified.name=vector")) >= {"vector", "buffer vector"}


def test_areas_are_a_lower_bound_of_the_chip():
    chip_mm2 = 331.0  # TPU v1, at most: Jouppi et al., ISCA 2017, table 2 (recalled); buffer a third, array a quarter
    parts = areas_of("tpu_v1")
    assert 0.1 < parts["unified"] / (chip_mm2 / 3) < 1
    assert 0.1 < parts["array"] / (chip_mm2 / 4) < 1
