"""Layers of AlexNet, VGG-16 and two LeNets with the densities of Han et al., NIPS 2015, as random masks.

Weight densities and the activations' that a layer puts out are recalled with high confidence: their products are that
table's own operation shares. A layer's input is as dense as the output before it.
"""

from dataclasses import dataclass

import numpy as np

from simulator.dataflow.engine_checks import Mask


@dataclass(frozen=True)
class PrunedLayer:
    """A convolution (of ``groups`` equal parts) or, at a plane of 1 x 1, a fully connected layer."""

    name: str
    outputs: int
    channels: int
    plane: int
    kernel: int
    stride: int
    padding: int
    weight_density: float
    input_density: float
    groups: int = 1

    @property
    def positions(self) -> int:
        """Output rows (and columns)."""
        return (self.plane + 2 * self.padding - self.kernel) // self.stride + 1

    @property
    def macs(self) -> int:
        """Products without any zeros skipped, of all groups."""
        return self.outputs * (self.channels // self.groups) * self.kernel**2 * self.positions**2

    def weights(self, generator: np.random.Generator, outputs: int | None = None) -> Mask:
        """Draw the mask of one group [outputs, channels, kernel, kernel], or of the first ``outputs`` of it."""
        size = self.outputs // self.groups if outputs is None else outputs
        shape = (size, self.channels // self.groups, self.kernel, self.kernel)
        return np.asarray(generator.random(shape, dtype=np.float32) < self.weight_density)

    def activations(self, generator: np.random.Generator) -> Mask:
        """Draw the mask of one group's input [channels, plane, plane]."""
        shape = (self.channels // self.groups, self.plane, self.plane)
        return np.asarray(generator.random(shape, dtype=np.float32) < self.input_density)


ALEXNET = (
    PrunedLayer("conv1", 96, 3, 227, 11, 4, 0, 0.84, 1.00),
    PrunedLayer("conv2", 256, 96, 27, 5, 1, 2, 0.38, 0.88, 2),
    PrunedLayer("conv3", 384, 256, 13, 3, 1, 1, 0.35, 0.52),
    PrunedLayer("conv4", 384, 384, 13, 3, 1, 1, 0.37, 0.37, 2),
    PrunedLayer("conv5", 256, 384, 13, 3, 1, 1, 0.37, 0.40, 2),
)
ALEXNET_DENSE_LAYERS = (
    PrunedLayer("fc1", 4096, 9216, 1, 1, 1, 0, 0.09, 0.34),
    PrunedLayer("fc2", 4096, 4096, 1, 1, 1, 0, 0.09, 0.36),
    PrunedLayer("fc3", 1000, 4096, 1, 1, 1, 0, 0.25, 0.40),
)
_VGG_CONV = (
    # name, outputs, channels, plane, weight density, output density
    ("conv1_1", 64, 3, 224, 0.58, 0.53),
    ("conv1_2", 64, 64, 224, 0.22, 0.89),
    ("conv2_1", 128, 64, 112, 0.34, 0.80),
    ("conv2_2", 128, 128, 112, 0.36, 0.81),
    ("conv3_1", 256, 128, 56, 0.53, 0.68),
    ("conv3_2", 256, 256, 56, 0.24, 0.70),
    ("conv3_3", 256, 256, 56, 0.42, 0.64),
    ("conv4_1", 512, 256, 28, 0.32, 0.51),
    ("conv4_2", 512, 512, 28, 0.27, 0.45),
    ("conv4_3", 512, 512, 28, 0.34, 0.34),
    ("conv5_1", 512, 512, 14, 0.35, 0.32),
    ("conv5_2", 512, 512, 14, 0.29, 0.29),
    ("conv5_3", 512, 512, 14, 0.36, 0.19),
)
VGG_16 = tuple(
    PrunedLayer(name, outputs, channels, plane, 3, 1, 1, density, before)
    for (name, outputs, channels, plane, density, _), before in zip(
        _VGG_CONV, (1.0, *(row[-1] for row in _VGG_CONV)), strict=False
    )
)
VGG_16_DENSE_LAYERS = (
    PrunedLayer("fc6", 4096, 25088, 1, 1, 1, 0, 0.04, 0.19),
    PrunedLayer("fc7", 4096, 4096, 1, 1, 1, 0, 0.04, 0.38),
    PrunedLayer("fc8", 1000, 4096, 1, 1, 1, 0, 0.23, 0.42),
)
LENET_5 = (
    PrunedLayer("conv1", 20, 1, 28, 5, 1, 0, 0.66, 1.0),
    PrunedLayer("conv2", 50, 20, 12, 5, 1, 0, 0.12, 1.0),
    PrunedLayer("fc1", 500, 800, 1, 1, 1, 0, 0.08, 1.0),
    PrunedLayer("fc2", 10, 500, 1, 1, 1, 0, 0.19, 1.0),
)
LENET_300_100 = (
    PrunedLayer("fc1", 300, 784, 1, 1, 1, 0, 0.08, 1.0),
    PrunedLayer("fc2", 100, 300, 1, 1, 1, 0, 0.09, 1.0),
    PrunedLayer("fc3", 10, 100, 1, 1, 1, 0, 0.26, 1.0),
)
"""The same paper's small networks: their activations' densities are not recalled, and 1 stands for them."""
