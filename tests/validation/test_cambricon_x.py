import pytest

from simulator.errors import ArchitectureError
from simulator.validation.cambricon_x import validate_cambricon_x


@pytest.fixture(scope="module")
def rows():
    return {row.name: row for row in validate_cambricon_x().rows}


def test_the_mean_misses_and_stays_red(rows):
    mean = rows["mean of all layers"]
    assert (mean.reference, mean.tag, mean.verdict) == (7.23, "recalled", "fail")
    assert 2 < mean.simulated < 5


def test_no_group_of_layers_beats_perfect_skipping(rows):
    for name in ("AlexNet", "VGG-16"):
        for kind in ("convolutions", "fully connected"):
            assert 1 < rows[f"{name} {kind}: mean"].simulated < rows[f"{name} {kind}: bound"].simulated
        assert rows[f"{name} convolutions: bound"].simulated < 4  # so no model of skipping alone reaches 7.23


def test_bad_input_is_named(tmp_path):
    with pytest.raises(ArchitectureError, match="--queue-depth 4 was given, but this engine has no queues"):
        validate_cambricon_x(None, 4)
    with pytest.raises(ArchitectureError, match="no file form"):
        validate_cambricon_x(tmp_path)
