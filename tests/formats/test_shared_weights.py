"""Expected sizes beside sizes of actual random masks, counted entry by entry."""

import numpy as np
import pytest

from simulator.errors import ArchitectureError, WorkloadError
from simulator.formats.relative_index import encode_columns
from simulator.formats.shared_weights import SharedWeights


@pytest.mark.parametrize("density", [0.02, 0.09, 0.3, 0.9])
@pytest.mark.parametrize("index_bits", [2, 4])
def test_the_expected_size_is_that_of_random_masks(density, index_bits):
    mask = np.random.default_rng(3).random((200_000, 1)) < density
    encoded = encode_columns(mask.astype(np.uint8), value_bits=4, index_bits=index_bits)
    expected = SharedWeights(4, index_bits).expected_size(mask.size, density)
    codebook = 16 * 32
    assert encoded.values.size * 4 == pytest.approx(expected.payload_bits, rel=0.03)
    assert encoded.values.size * index_bits == pytest.approx(expected.metadata_bits - codebook, rel=0.03)
    assert expected.raw_bits == mask.size * 32


def test_ends_and_nonsense():
    form = SharedWeights(8, 4)
    assert form.expected_size(1000, 1.0).payload_bits == 8000
    assert form.expected_size(1000, 0.0).payload_bits == 0
    assert SharedWeights(8, 4, mean_code_bits=6.0).expected_size(1000, 1.0).payload_bits == 6000
    for elements, density in ((0, 0.5), (10, 1.5), (10, -0.1)):
        with pytest.raises(WorkloadError, match="shared weights"):
            form.expected_size(elements, density)
    with pytest.raises(ArchitectureError, match="code_bits"):
        SharedWeights(0, 4).expected_size(10, 0.5)
