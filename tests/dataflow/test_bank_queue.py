import numpy as np

from simulator.dataflow.bank_queue import ACTIVATION, SCATTER, SCATTERED, WEIGHT, scatter_channel
from simulator.records import table


def scattered(weights, banks, entries, activations=((0, 0, 0),)):
    listed, kernels = table(ACTIVATION, len(activations)), table(WEIGHT, len(weights))
    for i, place in enumerate(activations):
        listed[i] = place
    for i, place in enumerate(weights):
        kernels[i] = place
    scatter, outcome, free = table(SCATTER, 1), table(SCATTERED, 1), np.zeros(banks, dtype=np.int64)
    scatter[0] = (1, 2, banks, entries, 0, 0, 1, 1)
    scatter_channel(listed, kernels, scatter[0], np.zeros((2, banks), dtype=np.int64), free, outcome[0])
    return outcome[0], free.tolist()


def test_products_of_one_bank_wait_for_its_adder():
    weights = [(0, 0, 0), (0, 0, 0)] * 4  # two products of one bank a step
    outcome, free = scattered(weights, banks=2, entries=2)
    assert (outcome.steps, outcome.products, outcome.dropped) == (4, 8, 0)
    assert outcome.stall_cycles == 3 * 2  # the queue of two is empty again two cycles behind each step's own
    assert free == [10 + 2, 0]


def test_products_of_several_banks_do_not_wait():
    outcome, free = scattered([(0, 0, 0), (0, 0, 1)] * 4, banks=2, entries=2)
    assert outcome.stall_cycles == 0
    assert free == [5, 5]


def test_products_of_no_output_take_a_step_and_no_bank():
    outcome, free = scattered([(0, 0, 0)], banks=2, entries=1, activations=((0, 1, 0),))
    assert (outcome.steps, outcome.products, outcome.dropped) == (1, 1, 1)
    assert free == [0, 0]
