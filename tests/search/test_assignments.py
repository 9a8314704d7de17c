"""Which tensors an assignment sets."""

import numpy as np
import pytest

from simulator.errors import WorkloadError
from simulator.search.assignments import AssignedTensors, as_array
from simulator.workload import load_workload


def test_bits_of_many_are_the_precisions_of_each():
    assigned = AssignedTensors(load_workload("shufflenet_int8"))
    trials = np.random.default_rng(0).integers(1, 9, (3, len(assigned.layers), 2))
    for trial, bits in zip(trials, assigned.bits(trials), strict=True):
        precisions = assigned.precisions(trial)
        assert [precisions[name].bits for name in assigned.names] == bits.tolist()
        for layer, (weight, ifmap) in zip(assigned.layers, trial.tolist(), strict=True):
            assert precisions[layer.inputs[1]].bits >= weight
            assert precisions[layer.inputs[0]].bits >= ifmap


def test_misshapen_and_impossible_ones_are_named():
    assigned = AssignedTensors(load_workload("lenet5_int8"))
    with pytest.raises(WorkloadError, match=r"assignments of shape \(2, 4, 2\): give \[B, 5, 2\]"):
        assigned.checked_all(np.full((2, 4, 2), 8))
    with pytest.raises(WorkloadError, match=r"bits 8\.\.65"):
        assigned.checked_all(np.array([[(8, 8)] * 5, [(8, 65)] * 5]))
    with pytest.raises(WorkloadError, match="assignment"):
        as_array([[1, 2], [3]])
