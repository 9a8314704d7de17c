import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulator.dataflow.tandem_queue import NO_JOB, pass_jobs, run_tandem
from tests.oracle import tandem_oracle


@st.composite
def rows_of_stations(draw):
    stations, jobs = draw(st.integers(1, 4)), draw(st.integers(1, 9))
    times = st.integers(0, 6)
    service = [[draw(times) for _ in range(jobs)] for _ in range(stations)]
    slots = [draw(st.integers(1, 3)) for _ in range(stations - 1)]
    after = [draw(st.integers(-1, job - 1)) for job in range(jobs)]
    return service, slots, after, draw(st.integers(0, stations - 1))


@given(rows_of_stations())
def test_recurrence_is_the_oracle_to_the_cycle(case):
    service, slots, after, gate = case
    departure = np.zeros((len(service), len(service[0])), dtype=np.int64)
    pass_jobs(np.array(service), np.array(slots, dtype=np.int64), np.array(after), gate, departure)
    assert departure.tolist() == tandem_oracle.run(service, slots, after, gate)


@given(case=rows_of_stations(), data=st.data())
def test_waits_are_named_and_complete(case, data):
    service, slots, after, gate = case
    station = data.draw(st.integers(0, len(service) - 1))
    run = run_tandem(
        np.array(service), np.array(slots, dtype=np.int64), station=station, after=np.array(after), gate_station=gate
    )
    busy = sum(service[station])
    assert run.first_start_cycle + busy + run.back_pressure_cycles + run.starvation_cycles == run.departure[station, -1]
    assert run.cycles == run.departure[-1, -1]


def test_causes_of_waits():
    slow_store = run_tandem(np.array([[1] * 4, [5] * 4]), np.array([1]), station=0)
    assert (slow_store.back_pressure_cycles, slow_store.starvation_cycles) == (15, 0)
    slow_load = run_tandem(np.array([[5] * 4, [1] * 4]), np.array([2]), station=1)
    assert (slow_load.back_pressure_cycles, slow_load.starvation_cycles, slow_load.first_start_cycle) == (0, 12, 5)
    assert run_tandem(np.array([[2, 3]]), np.zeros(0, dtype=np.int64), station=0).cycles == 5
    assert NO_JOB == -1
