import numpy as np
import pytest

from simulator.validation.pruned_networks import (
    ALEXNET,
    ALEXNET_DENSE_LAYERS,
    LENET_5,
    LENET_300_100,
    VGG_16,
    VGG_16_DENSE_LAYERS,
)


def test_products_are_the_networks():
    assert sum(layer.macs for layer in ALEXNET) == 665_784_864
    assert sum(layer.macs for layer in VGG_16) == 15_346_630_656
    assert sum(layer.macs for layer in ALEXNET_DENSE_LAYERS) == 58_621_952
    assert sum(layer.macs for layer in LENET_5) == 20 * 25 * 576 + 50 * 500 * 64 + 800 * 500 + 5000
    assert sum(layer.macs for layer in LENET_300_100) == 266_200
    assert sum(layer.macs for layer in VGG_16_DENSE_LAYERS) == 123_633_664


def test_masks_have_their_shapes_and_densities():
    generator = np.random.default_rng(0)
    conv2 = ALEXNET[1]
    assert conv2.weights(generator).shape == (128, 48, 5, 5)
    assert conv2.weights(generator, 3).shape == (3, 48, 5, 5)
    assert conv2.activations(generator).shape == (48, 27, 27)
    assert conv2.weights(generator).mean() == pytest.approx(0.38, abs=0.01)
    assert conv2.positions == 27


def test_inputs_are_as_dense_as_the_outputs_before():
    assert [layer.input_density for layer in VGG_16[:3]] == [1.0, 0.53, 0.89]
