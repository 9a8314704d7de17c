"""Steps brought together core by core keep their order, and spans find their first steps again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulator.dataflow.core_order import first_places, step_places
from simulator.dataflow.plan_tables import LAYER_SPAN
from simulator.records import NONE, table


@given(st.lists(st.integers(0, 3), max_size=30))
def test_steps_come_core_by_core_in_their_old_order(cores):
    order, place = step_places(np.array(cores, np.int64))
    assert order.tolist() == sorted(range(len(cores)), key=lambda i: (cores[i], i))
    assert [order[place[i]] for i in range(len(cores))] == list(range(len(cores)))
    assert place[NONE] == NONE


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=12))
def test_a_span_begins_where_its_steps_do(works):
    spans, cores = table(LAYER_SPAN, len(works)), []
    for span, (core, steps) in zip(spans, works, strict=True):
        span.core, span.first_step, span.steps = core, len(cores), steps
        cores += [core] * steps
    first = first_places(np.array(cores, np.int64), spans, 3)
    for i, (core, _) in enumerate(works):
        before = [steps for j, (other, steps) in enumerate(works) if (other, j) < (core, i)]
        assert first[i] == sum(before)
