"""Which DRAM a description means: its own preset at its own bandwidth, else the nearest one, and it is said."""

import json

import pytest

from simulator.arch import load_accelerator
from simulator.arch.description import Dram
from simulator.arch.library import preset_names
from simulator.arch.technology import dram_energy
from simulator.errors import ArchitectureError
from simulator.memory.dram_choice import at_peak, choose_dram, with_dram
from simulator.memory.dram_library import dram_preset_names, load_dram


def dram(bandwidth, standard="DDR4", **changes):
    return Dram(standard=standard, bandwidth_bytes_per_second=bandwidth, **changes)


@pytest.mark.parametrize("name", preset_names())
def test_the_dram_of_every_preset_has_the_peak_it_describes(name):
    described = load_accelerator(name).dram
    choice = choose_dram(described)
    if choice is not None:
        assert choice.config.peak_bytes_per_second == pytest.approx(described.bandwidth_bytes_per_second, rel=1e-9)


@pytest.mark.parametrize("name", dram_preset_names())
@pytest.mark.parametrize("factor", [0.03, 0.4, 0.8, 1.0, 1.3, 7.0])
def test_any_bandwidth_of_a_known_standard_is_met(name, factor):
    config = load_dram(name)
    peak = config.peak_bytes_per_second * factor
    choice = choose_dram(dram(peak, config.organization.protocol))
    assert choice.config.peak_bytes_per_second == pytest.approx(peak, rel=1e-9)
    assert choice.config.timing.tccd_l_cycles >= choice.config.timing.tccd_s_cycles


def test_timings_stay_as_they_are_in_nanoseconds():
    config = load_dram("ddr4_2400")
    assert at_peak(config, config.peak_bytes_per_second) is config
    slow = at_peak(config, config.peak_bytes_per_second / 2)
    assert slow.timing.trcd_read_cycles == 9  # 17 cycles of 0.833 ns in cycles of 1.667 ns
    assert slow.timing.tccd_s_cycles == 4  # a burst is four clocks of any length
    assert slow.timing.trefi_cycles == 4680


def test_a_clock_too_slow_to_refresh_is_refused_instead_of_refreshing_for_ever():
    for name in dram_preset_names():
        with pytest.raises(ArchitectureError, match=r"bandwidth_bytes_per_second = 1000: .* would refresh without end"):
            choose_dram(dram(1000, system=name))


def test_the_choice_is_said():
    assert choose_dram(dram(25.6e9)).origin == "ddr4_3200 x 1 channel (chosen for dram.standard DDR4)"
    text = choose_dram(dram(20e9, system="ddr4_2400")).origin
    assert text == "ddr4_2400 x 1 channel at 1250 instead of 1200 MHz, to match dram.bandwidth_bytes_per_second"


def test_an_unknown_standard_has_none_and_an_unknown_preset_is_refused():
    assert choose_dram(dram(1e9, "Eyeriss link")) is None
    with pytest.raises(ArchitectureError, match="did you mean"):
        choose_dram(dram(1e9, system="ddr4_240"))


def test_a_file_is_taken_as_it_is(tmp_path):
    from simulator.memory.dram_library import DRAM_PRESET_FOLDER

    path = tmp_path / "mine.json"
    path.write_text((DRAM_PRESET_FOLDER / "ddr4_2400.json").read_text())
    accelerator = with_dram(load_accelerator("tpu_like_128"), str(path))
    assert accelerator.dram.bandwidth_bytes_per_second == pytest.approx(19.2e9)
    assert choose_dram(accelerator.dram).config == load_dram(str(path))
    assert choose_dram(accelerator.dram).origin == f"{path} (ddr4_2400, 1 channel)"
    for bandwidth in (1e9, 9.6e9, 57.6e9, 19.2e9 * 128, 1e16):
        with pytest.raises(ArchitectureError, match="make the two agree"):
            choose_dram(dram(bandwidth, system=str(path)))
    path.write_text(json.dumps({"organization": {}}))
    with pytest.raises(ArchitectureError):
        with_dram(accelerator, str(path))


def test_a_file_at_a_multiple_of_its_peak_has_as_many_times_the_channels(tmp_path):
    from simulator.memory.dram_library import DRAM_PRESET_FOLDER

    path = tmp_path / "mine.json"
    path.write_text((DRAM_PRESET_FOLDER / "ddr4_2400.json").read_text())
    one, four = load_dram(str(path)), choose_dram(dram(4 * 19.2e9, system=str(path)))
    assert four.config.timing == one.timing
    assert four.config.organization == one.organization.model_copy(update={"channels": 4})
    assert four.config.organization.capacity_bytes == 4 * one.organization.capacity_bytes
    how = "4 channels instead of 1, to match dram.bandwidth_bytes_per_second"
    assert four.origin == f"{path} (ddr4_2400, {how})"


def test_a_dram_that_leaves_the_array_no_access_to_its_buffers_is_refused():
    with pytest.raises(ArchitectureError, match=r"gemmini_like_16 with DRAM hbm2: ports = 1 .* no access"):
        with_dram(load_accelerator("gemmini_like_16"), "hbm2")


def test_every_reference_configuration_can_be_an_accelerators_dram(reference_dir):
    for path in sorted((reference_dir / "dram" / "configs").glob("*.json")):
        accelerator = with_dram(load_accelerator("edge_like_32"), str(path))
        assert choose_dram(accelerator.dram).config == load_dram(path)
        assert dram_energy(accelerator.technology, accelerator.dram.standard).value > 0


def test_another_dram_brings_its_own_standard_word_and_latency():
    accelerator = with_dram(load_accelerator("tpu_like_128"), "HBM2")
    described = accelerator.dram
    assert (described.system, described.standard, described.word_bits) == ("hbm2", "HBM2", 256)
    assert described.latency_cycles == 21  # (14 + 14 + 2) ns at 700 MHz
    assert accelerator.sources["dram.system"] == "HBM2, given by the user"
