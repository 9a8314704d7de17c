"""Formats of a description: what they take, and what they refuse by name."""

import pytest

from simulator.arch import load_accelerator
from simulator.arch.compression import Compression, FeatureMapFormat, WeightFormat
from simulator.errors import ArchitectureError


def test_nothing_is_compressed_unless_it_is_said():
    assert not Compression().is_used
    assert not load_accelerator("tpu_like_128").compression.is_used


def test_options_have_the_papers_defaults():
    assert FeatureMapFormat(format="rlc").option("run_bits") == 5
    assert (WeightFormat(format="n_of_m").option("n"), WeightFormat(format="n_of_m").option("m")) == (2, 4)
    assert WeightFormat(format="csc").given("pointer_bits") is None


@pytest.mark.parametrize(
    ("override", "word"),
    [
        ("compression.weight.format=zip", "n_of_m"),
        ("compression.weight.run_bits=4", "belongs to the format 'rlc', not 'raw'"),
        ("compression.weight.index_bits=0", "greater than or equal to 1"),
        ("compression.feature_map.format=csc", "bitmask"),
        ('compression.weight={"format":"n_of_m","n":5}', "n = 5 exceeds m = 4"),
        ("compression.decoder_elements_per_cycle=0", "greater than or equal to 1"),
    ],
)
def test_faults_are_named(override, word):
    with pytest.raises(ArchitectureError) as caught:
        load_accelerator("tpu_like_128", overrides=[override])
    assert word in str(caught.value)


def test_only_systolic_arrays_take_formats_and_encoded_weights_lie_in_tiles():
    with pytest.raises(ArchitectureError, match=r"weights in csc.*array.kind = 'row_stationary'"):
        load_accelerator("eyeriss_v1", overrides=["compression.weight.format=csc"])
    rows = ["compression.weight.format=rlc", "dram.weight_layout=rows"]
    with pytest.raises(ArchitectureError, match=r"dram\.weight_layout = 'rows'"):
        load_accelerator("tpu_like_128", overrides=rows)
