import numpy as np
import pytest

from simulator.dataflow.eie_hardware import EieHardware
from simulator.validation.eie_benchmarks import calibrated_density, run_benchmark
from simulator.validation.eie_published import BENCHMARKS, Benchmark

CHIP = EieHardware()


@pytest.mark.parametrize("benchmark", [b for b in BENCHMARKS if b.name != "VGG-6"], ids=lambda b: b.name)
def test_ideal_time_is_the_published_one(benchmark):
    density = calibrated_density(benchmark, CHIP)
    run = run_benchmark(benchmark, density, CHIP).run
    assert run.ideal_time_s * 1e6 == pytest.approx(benchmark.theoretical_us, rel=0.005)
    blocks, sources = -(-benchmark.outputs // 4096), -(-benchmark.inputs // 4096)
    assert run.batches == blocks * sources
    assert run.broadcasts == blocks * round(benchmark.inputs * benchmark.activation_density)
    assert run.time_s > run.ideal_time_s


def test_the_same_layer_twice_whatever_the_queue():
    small = Benchmark("small", 200, 300, 0.1, 0.5, 0.1, 0.1)
    once, again, deeper = (run_benchmark(small, 0.1, EieHardware(queue_depth=depth)).run for depth in (8, 8, 64))
    assert once.cycles == again.cycles >= deeper.cycles
    assert np.array_equal(once.pe_entries, deeper.pe_entries)
