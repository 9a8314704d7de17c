import numpy as np
import pytest

from simulator.dataflow.cnvlutin import Window
from simulator.dataflow.scnn_hardware import ScnnHardware
from simulator.dataflow.scnn_tiles import plan_scnn, split_phases
from simulator.errors import MappingError


def test_tiles_are_cut_until_a_group_fits():
    plan = plan_scnn(64, (224, 224), Window((3, 3), padding=(1, 1)), ScnnHardware())
    assert plan.tile == (7, 7)  # 28 x 28 on each of 64 PEs, halved until 8 x (7 + 2) x (7 + 2) fits 1024 sums
    assert (plan.group_outputs, plan.groups) == (1024 // 81, 6)
    assert len(plan.corners()) == 4 * 4
    whole = plan_scnn(4, (8, 8), Window(), ScnnHardware())
    assert (whole.tile, whole.group_outputs, whole.groups) == ((1, 1), 4, 1)


def test_strides_become_phases_and_nothing_is_lost():
    rng = np.random.default_rng(0)
    weights, activations = rng.random((2, 3, 5, 4)) < 0.5, rng.random((3, 9, 8)) < 0.5
    window = Window((5, 4), stride=(4, 3), padding=(2, 1))
    kernels, planes = split_phases(weights, activations, window)
    assert (kernels.shape, planes.shape) == ((2, 36, 2, 2), (36, 3, 3))
    assert (kernels.sum(), planes.sum()) == (weights.sum(), activations.sum())
    plan = plan_scnn(2, (9, 8), window, ScnnHardware())
    assert (plan.extent, plan.offset, plan.phase_kernel) == ((3, 3), (0, 0), (2, 2))


def test_what_no_tiling_can_fit_is_named():
    with pytest.raises(MappingError, match=r"3 x 3 at stride 1 x 1 takes 9 sums.*accumulator_entries = 8"):
        plan_scnn(1, (4, 4), Window((3, 3)), ScnnHardware(accumulator_entries=8))
