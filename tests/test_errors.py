"""The error tree: every error of the house is caught by its root, and hints name the nearest word."""

import pytest

from simulator import errors


@pytest.mark.parametrize(
    "kind", [errors.WorkloadError, errors.ArchitectureError, errors.MappingError, errors.SimulationError]
)
def test_every_error_is_caught_broadly_and_narrowly(kind):
    with pytest.raises(errors.SimulatorError, match="layer conv1"):
        raise kind("layer conv1")
    assert kind.__bases__ == (errors.SimulatorError,)


def test_near_word_is_suggested_and_far_word_is_not():
    assert errors.did_you_mean("resnet5O", ["resnet50", "vgg16"]) == " (did you mean 'resnet50'?)"
    assert errors.did_you_mean("transformer", ["resnet50", "vgg16"]) == ""
    assert errors.did_you_mean("x", []) == ""
