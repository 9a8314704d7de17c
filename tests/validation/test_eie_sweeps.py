"""EIE's sweeps: the shapes that the paper's figures show, from counts stored once."""

import numpy as np
import pytest

from simulator.validation.eie_sweeps import PE_COUNTS, QUEUE_DEPTHS, ROW_BITS, eie_sweeps, sample_positions


@pytest.fixture(scope="module")
def sweeps():
    return {sweep.name: sweep for sweep in eie_sweeps()}


def test_deeper_queues_balance_better_with_a_knee_at_eight(sweeps):
    for name, line in sweeps["queue_depth"].lines.items():
        assert list(line) == sorted(line), name
        at = dict(zip(QUEUE_DEPTHS, line, strict=True))
        assert at[8] - at[2] > 4 * (at[256] - at[32]), name


def test_more_pes_are_faster_with_less_padding(sweeps):
    for name, line in sweeps["pe_count"].lines.items():
        assert line[0] == 1.0
        assert list(line) == sorted(line), name
        padding = sweeps["pe_padding"].lines[name]
        assert list(padding[3:]) == sorted(padding[3:], reverse=True), name  # noise where columns are long
    assert sweeps["pe_count"].lines["NT-We"][-1] < 100 < sweeps["pe_count"].lines["NT-Wd"][-1]  # 600 rows on 256 PEs
    assert sweeps["pe_count"].values == PE_COUNTS


def test_wider_rows_are_read_less_often(sweeps):
    for line in sweeps["row_width_reads"].lines.values():
        assert list(line) == sorted(line, reverse=True)
    assert len(sweeps["row_width_energy"].lines["Alex-6"]) == len(ROW_BITS)


def test_the_real_layer_is_among_them(reference_dir):
    found = {
        sweep.name: sweep.lines["Alex-8 (real)"]
        for sweep in eie_sweeps()
        if sweep.name != "pe_count" and sweep.name != "pe_padding"
    }
    assert found["row_width_reads"] == (158_921, 100_900, 60_396, 32_551, 16_468)
    assert found["queue_depth"][3] == pytest.approx((453_748 - 959) / 64 / 7926, abs=0.002)


def test_positions_are_coins_of_that_density():
    positions = sample_positions(np.random.default_rng(0), 100_000, 0.1)
    assert (np.diff(positions) > 0).all()
    assert 0 <= positions[0] < positions[-1] < 100_000
    assert positions.size == pytest.approx(10_000, rel=0.05)
    assert sample_positions(np.random.default_rng(0), 50, 1.0).tolist() == list(range(50))
