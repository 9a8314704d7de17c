import numpy as np
import pytest

from simulator.dataflow.eie import run_columns
from simulator.dataflow.eie_matrix import load_stored_layer, store_matrix
from simulator.energy.eie_energy import CHIP_POWER_MW, POWER_MW_PER_PE, eie_energy_pj, event_energy_pj


def test_the_layer_of_the_powers_gives_them_back(reference_dir):
    run = run_columns(*load_stored_layer(reference_dir / "eie" / "alex8.npz"))
    energy = eie_energy_pj(run)
    milliwatts = {name: pj * 1e-9 / run.time_s for name, pj in energy.items()}
    assert sum(milliwatts.values()) == pytest.approx(CHIP_POWER_MW)
    assert {name: milliwatts[name] / 64 for name in POWER_MW_PER_PE} == pytest.approx(POWER_MW_PER_PE)


def test_prices_are_those_of_such_memories():
    prices = event_energy_pj()
    assert 25 < prices["sparse_matrix_read"] < 45  # CACTI, 45 nm: 108 KB x 64 bit 29 pJ, 256 KB 45 pJ
    assert 6 < prices["pointer_read"] < 17  # CACTI, 45 nm: 8 KB 6 pJ, 32 KB 17 pJ


def test_energy_follows_events_not_time():
    mask = np.zeros((640, 64), dtype=bool)
    mask[::64] = True  # every entry on PE 0: 64 times the time of an even spread
    even = np.zeros_like(mask)
    even[:10] = True
    skewed, spread = (run_columns(store_matrix(each, 64), np.ones(64)) for each in (mask, even))
    assert skewed.cycles > 5 * spread.cycles
    assert eie_energy_pj(skewed)["arithmetic"] == eie_energy_pj(spread)["arithmetic"]
    assert eie_energy_pj(skewed)["pointer_read"] == eie_energy_pj(spread)["pointer_read"]
