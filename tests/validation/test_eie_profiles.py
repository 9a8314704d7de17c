import pytest

from simulator.dataflow.eie_hardware import EieHardware
from simulator.validation.eie_benchmarks import calibrated_density, run_benchmark
from simulator.validation.eie_profiles import run_skewed
from simulator.validation.eie_published import Benchmark

SMALL = Benchmark("small", 600, 640, 0.1, 0.5, 0.3, 0.3)


def test_without_skew_it_is_the_uniform_benchmark():
    chip = EieHardware()
    uniform = run_benchmark(SMALL, calibrated_density(SMALL, chip), chip).run
    even = run_skewed(SMALL, 0.0, 0.0, chip)
    assert (even.broadcasts, even.batches) == (uniform.broadcasts, uniform.batches)
    assert even.ideal_cycles == pytest.approx(uniform.ideal_cycles, rel=0.03)
    assert even.cycles == pytest.approx(uniform.cycles, rel=0.05)


def test_uneven_rows_load_pes_unevenly_and_long_layers_keep_their_batches():
    chip = EieHardware(activation_registers_per_pe=4)
    even, rows = run_skewed(SMALL, 0.0, 0.0, chip), run_skewed(SMALL, 1.0, 0.0, chip)
    assert even.batches == rows.batches == 3 * 3
    assert rows.pe_entries.std() > 3 * even.pe_entries.std()
    assert rows.cycles / rows.ideal_cycles > even.cycles / even.ideal_cycles
