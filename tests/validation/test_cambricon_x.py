import numpy as np
import pytest

from simulator.dataflow.cambricon_x import CambriconXHardware, run_cambricon_x, streamed_weights
from simulator.errors import ArchitectureError
from simulator.validation.cambricon_x import (
    NETWORKS,
    DrawnLayer,
    asynchronous_gain,
    draw_layer,
    layer_times,
    network_speedup,
    roofline_speedup,
    validate_cambricon_x,
)
from simulator.validation.pruned_networks import PrunedLayer


@pytest.fixture(scope="module")
def rows():
    return {row.name: row for row in validate_cambricon_x().rows}


def test_the_mean_misses_and_stays_red(rows):
    mean = rows["mean of networks"]
    assert (mean.reference, mean.tag, mean.verdict) == (7.23, "recalled", "fail")
    assert mean.simulated == pytest.approx(np.mean([rows[name].simulated for name in NETWORKS]))
    assert rows["mean of all layers"].verdict == "shown"


def test_no_group_of_layers_beats_perfect_skipping(rows):
    for name in ("AlexNet", "VGG-16"):
        for kind in ("convolutions", "fully connected"):
            assert 1 < rows[f"{name} {kind}: mean"].simulated < rows[f"{name} {kind}: bound"].simulated
        assert rows[f"{name} convolutions: bound"].simulated < 4  # so no model of skipping alone reaches 7.23


def test_neither_perfect_skipping_nor_asynchronous_pes_reach_the_published_mean(rows):
    bound, gain = rows["mean of networks: bound"], rows["mean of networks: asynchronous PEs, gain at most"]
    assert rows["mean of networks"].simulated < bound.simulated < 7.23
    assert 1 < gain.simulated < 1.25
    assert gain.simulated * rows["mean of networks"].simulated < bound.simulated


def test_no_bandwidth_lets_the_rooflines_reach_the_published_mean(rows):
    told = ("", ", operands on chip", ", 50 GB/s", ", 12.8 GB/s")
    means = [rows[f"mean of networks: rooflines{bandwidth}"].simulated for bandwidth in told]
    assert all(rows["mean of networks"].simulated < mean < 6.6 for mean in means)
    assert means[1] == max(means)


def test_rooflines_are_products_or_bytes():
    """32 x 512 weights at 4 positions of a 1 x 1 kernel, each of 64 steps and of 512 and 32 values of 2 bytes."""
    layer = PrunedLayer("conv", 32, 512, 2, 1, 1, 0, 0.5, 1.0)
    drawn = draw_layer(layer)
    products = (4 * 64 / 0.98) / (4 * drawn.kept / 256)
    assert roofline_speedup([drawn], 1e15) == pytest.approx(products)
    moved = 2 * (4 * 512 + 4 * 32)
    assert roofline_speedup([drawn], 1e6) == pytest.approx((moved + 2 * 32 * 512) / (moved + 3 * drawn.kept))


def test_pes_that_never_wait_take_as_long_as_the_fullest():
    """Two segments; one PE takes 3 words of the first, another 2 of the second: 5 cycles in step, 4 alone."""
    mask = np.zeros((16, 512), dtype=bool)
    mask[:, :16] = mask[:, 256:272] = True
    mask[0, :48] = mask[1, 256:288] = True
    run = run_cambricon_x(mask, 1)
    layer = PrunedLayer("fc", 16, 512, 1, 1, 1, 0, 0.1, 1.0)
    drawn = DrawnLayer(layer, (16, 512), int(mask.sum()), streamed_weights(mask, CambriconXHardware()), 4)
    assert run.pe_load.tolist() == [4, 3] + [2] * 14
    assert asynchronous_gain([drawn]) == 5 / 4
    assert draw_layer(layer).fullest_cycles <= int(draw_layer(layer).weights.cycles.sum())


def test_a_slower_memory_makes_the_bytes_of_weights_count(rows):
    means = [
        rows[f"mean of networks{told}"].simulated for told in (": operands on chip", "", ": 50 GB/s", ": 12.8 GB/s")
    ]
    assert means == sorted(means)


def test_a_layer_that_waits_for_its_weights_gains_what_they_shrink_by():
    drawn = draw_layer(PrunedLayer("fc", 1024, 4096, 1, 1, 1, 0, 0.1, 1.0))
    assert (drawn.shape, drawn.weights.cycles.shape) == ((1024, 4096), (64, 16))
    slow = layer_times(drawn, 1e9)
    assert slow.speedup == pytest.approx(1024 * 4096 * 16 / (drawn.kept * 24), rel=0.02)
    assert slow.bound == pytest.approx(slow.speedup, rel=0.03)


def test_groups_follow_each_other():
    layer = PrunedLayer("conv", 32, 64, 8, 3, 1, 1, 0.4, 1.0, groups=2)
    alone = PrunedLayer("conv", 16, 32, 8, 3, 1, 1, 0.4, 1.0)
    both, one = layer_times(draw_layer(layer), 250e9), layer_times(draw_layer(alone), 250e9)
    assert both.diannao_s == pytest.approx(2 * one.diannao_s)
    assert network_speedup((layer,), {layer: both}) == both.speedup


def test_bad_input_is_named(tmp_path):
    with pytest.raises(ArchitectureError, match="--queue-depth 4 was given, but this engine has no queues"):
        validate_cambricon_x(None, 4)
    with pytest.raises(ArchitectureError, match="no file form"):
        validate_cambricon_x(tmp_path)
