import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from simulator.dataflow.group_barrier import run_groups
from tests.oracle import barrier_oracle


@given(stnp.arrays(np.int64, st.tuples(st.integers(0, 6), st.integers(1, 5)), elements=st.integers(0, 7)))
def test_barriers_are_the_oracles_to_the_cycle(work):
    run = run_groups(work)
    assert (run.cycles, run.waiting_unit_cycles) == barrier_oracle.run(work.tolist())
