"""A row's cycles, words and energies add up, and agree with the law's counts."""

import pytest

from simulator.api import simulate
from simulator.arch import load_accelerator
from simulator.dataflow.row_stationary import ConvNest, RowMachine, RowMapping
from simulator.dataflow.row_stationary_law import FeatureMaps, run_nest

MAPPING = {"m": 64, "n": 1, "e": 13, "p": 16, "q": 3, "r": 2, "t": 2}


@pytest.fixture(scope="module")
def conv4():
    result = simulate("alexnet_eyeriss", "eyeriss_v1", mappings={"conv4": MAPPING})
    return result.layers[3]


@pytest.fixture(scope="module")
def run():
    machine = load_accelerator("eyeriss_v1")
    nest = ConvNest(1, 2, 192, 192, 13, 13, 3, 3, pad_h=1, pad_w=1, H=13, W=13)
    return run_nest(
        nest, RowMachine.of(machine, machine.array), RowMapping(**MAPPING), FeatureMaps(16, 16, 16, 0.207, 0.224)
    )


def test_cycles_are_the_laws(conv4, run):
    assert conv4.cycles == run.cycles
    assert conv4.issue_cycles["useful"] == run.useful
    assert conv4.issue_cycles["bus"] == run.bus
    assert conv4.idle_cycles["ifmap"] == run.ifmap_wait
    assert conv4.idle_cycles["ofmap_slot"] + conv4.tail_cycles == run.ofmap_wait
    assert conv4.dram["limiter"] == "compute"


def test_words_are_the_laws(conv4, run):
    glb = conv4.accesses["glb"]
    assert glb["ifmap"].reads == -(-run.glb_ifmap_words // 4)
    assert glb["psum"].writes == -(-run.glb_psum_words // 4)
    assert conv4.accesses["noc"]["psum"].reads == run.psum_hops
    assert conv4.accesses["rf"]["weight"].reads == conv4.effectual_macs
    moved = conv4.dram["read_bytes"] + conv4.dram["write_bytes"]
    assert moved == pytest.approx(run.link_bits / 8, abs=3)


def test_energy_of_dram_is_its_bits(conv4, run):
    assert conv4.energy_pj["dram"] == pytest.approx(25.0 * run.link_bits)
