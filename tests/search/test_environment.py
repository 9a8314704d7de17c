"""An episode: observe, act, reward; the result runs as any workload."""

import pytest

from simulator.api import simulate
from simulator.errors import WorkloadError
from simulator.search.environment import BitEnvironment
from simulator.search.evaluate import Evaluator
from simulator.workload import load_workload, save_workload


@pytest.fixture
def environment():
    return BitEnvironment(Evaluator("lenet5_int8", "edge_like_32"), widths=(8, 2, 4))


def play(environment, bits):
    environment.reset()
    while not environment.done:
        assert environment.observe().shape == (5,)
        environment.act(bits, bits)
    return environment.reward()


def test_narrow_widths_are_rewarded_and_the_answer_is_the_run_s(environment, tmp_path):
    wide, narrow = play(environment, 8), play(environment, 2)
    assert wide[0] == 0.0
    assert narrow[0] > 0.0
    path = tmp_path / "chosen.json"
    save_workload(environment.workload(), path)
    assert simulate(load_workload(path), "edge_like_32", fidelity="bandwidth").total.cycles == narrow[1]["cycles"]


def test_a_budget_lowers_widths_until_it_fits(environment):
    environment.budget_cycles = int(0.9 * environment.reference_cycles)
    _, answer = play(environment, 8)
    assert answer["cycles"] <= environment.budget_cycles
    assert answer["assignment"].min() < 8
    environment.budget_cycles = 1
    with pytest.raises(WorkloadError, match=r"budget of 1 cycles: the narrowest widths still take \d+, \d+ too many"):
        play(environment, 8)


def test_quality_joins_the_reward():
    evaluator = Evaluator("lenet5_int8", "edge_like_32")
    environment = BitEnvironment(evaluator, widths=(4, 8), quality=lambda bits: float(bits.sum()))
    assert play(environment, 8)[0] == 80.0


def test_moves_out_of_turn_are_refused(environment):
    with pytest.raises(WorkloadError, match="layer 0 of 5 has no widths yet"):
        environment.reward()
    with pytest.raises(WorkloadError, match="3 bits: allowed are 2, 4, 8"):
        environment.act(3, 8)
    play(environment, 8)
    with pytest.raises(WorkloadError, match="all 5 layers have their widths"):
        environment.act(8, 8)
    with pytest.raises(WorkloadError, match="give at least one"):
        BitEnvironment(Evaluator("lenet5_int8", "edge_like_32"), widths=())
