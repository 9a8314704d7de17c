"""Energy of sparse engines: components add up, memories are priced by their size, and nothing skipped is paid for."""

import numpy as np
import pytest

from simulator.arch.description import Technology
from simulator.arch.profiles import load_profile
from simulator.dataflow.cnvlutin import run_cnvlutin
from simulator.dataflow.nm_tensor_core import Pattern, run_nm_tensor_core
from simulator.dataflow.scnn import run_scnn
from simulator.dataflow.sparse_run import MemoryAccess, SparseRun, add_runs, named_pe_cycles
from simulator.energy.sparse_energy import access_energy_pj, sparse_energy_pj

TECHNOLOGY = Technology()


def run(useful=10, **accesses):
    return SparseRun(20, 1, named_pe_cycles(1, 20, "fill", useful=useful), 20, 1e9, accesses)


def test_products_and_accesses_times_their_prices():
    glb = MemoryAccess(7, 3, 64, 32768 * 8)
    read_pj, write_pj = access_energy_pj(glb, TECHNOLOGY)
    energy = sparse_energy_pj(run(glb=glb), TECHNOLOGY, ifmap_bits=8, weight_bits=8)
    assert energy == {"mac": pytest.approx(10 * 0.3), "glb": pytest.approx(7 * read_pj + 3 * write_pj)}


def test_energy_of_runs_adds_up():
    one, other = run(glb=MemoryAccess(7, 3)), run(5, glb=MemoryAccess(1, 1))
    parts = [sparse_energy_pj(each, TECHNOLOGY) for each in (one, other)]
    both = sparse_energy_pj(add_runs([one, other]), TECHNOLOGY)
    assert both == {name: pytest.approx(sum(part[name] for part in parts)) for name in both}


def test_small_memories_are_registers_and_larger_ones_cost_more():
    profile = load_profile(TECHNOLOGY.profile)
    register = access_energy_pj(MemoryAccess(word_bits=16, capacity_bits=512), TECHNOLOGY)
    assert register[0] == pytest.approx(16 * profile.rf_read_pj_per_bit.value)
    sizes = [access_energy_pj(MemoryAccess(word_bits=16, capacity_bits=8192 * 4**i), TECHNOLOGY)[0] for i in range(4)]
    assert sizes == sorted(sizes)
    assert sizes[0] > register[0]


def test_skipped_products_are_not_paid_for():
    rng = np.random.default_rng(0)
    sparse, dense = rng.random((32, 6, 6)) < 0.3, np.ones((32, 6, 6))
    engines = {
        "cnvlutin": lambda mask: run_cnvlutin(mask, 64),
        "scnn": lambda mask: run_scnn(np.ones((16, 32, 1, 1)), mask),
    }
    for name, engine in engines.items():
        few, many = (sparse_energy_pj(engine(mask), TECHNOLOGY) for mask in (sparse, dense))
        assert few["mac"] < 0.4 * many["mac"], name
        assert all(few[part] <= many[part] for part in few), name
    half, whole = (sparse_energy_pj(run_nm_tensor_core((64, 64, 64), Pattern(n, 4)), TECHNOLOGY) for n in (2, 4))
    assert half["mac"] == whole["mac"] / 2
    assert half["shared_memory"] < whole["shared_memory"]
