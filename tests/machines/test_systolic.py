"""The systolic machine by itself gives what simulate reports."""

from simulator.api import simulate
from simulator.arch import load_accelerator
from simulator.machines.contract import Request
from simulator.machines.systolic import run_systolic
from simulator.workload import load_workload


def test_it_is_what_simulate_reports():
    outcome = run_systolic(Request(load_workload("lenet5_int8"), load_accelerator("gemmini_like_16"), batch=2))
    result = simulate("lenet5_int8", "gemmini_like_16", fidelity="bandwidth", batch=2)
    assert (outcome.layers, outcome.total, outcome.batch) == (result.layers, result.total, 2)
    assert outcome.dataflow == result.dataflow
    assert outcome.prices.profile == result.energy_profile
