"""Descriptions of engines that skip zeros."""

import pytest

from simulator.arch import load_accelerator
from simulator.arch.sparse_arrays import SKIPS, SPARSE_ARRAYS
from simulator.errors import ArchitectureError


def test_each_kind_says_what_it_skips():
    assert {array().kind for array in SPARSE_ARRAYS} == set(SKIPS)
    assert [array().pes for array in SPARSE_ARRAYS] == [1024, 256, 4096, 108 * 1024, 384]


@pytest.mark.parametrize(
    ("preset", "field"), [("scnn", "banks"), ("cambricon_x", "pe_count"), ("nm_tensor_core_a100", "n")]
)
def test_nothing_is_refused(preset, field):
    with pytest.raises(ArchitectureError, match=rf"array\.{field}"):
        load_accelerator(preset, overrides=[f"array.{field}=0"])


def test_more_than_m_is_refused():
    with pytest.raises(ArchitectureError, match="n = 5 exceeds m = 4"):
        load_accelerator("nm_tensor_core_a100", overrides=["array.n=5"])
