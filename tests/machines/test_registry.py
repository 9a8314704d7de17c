"""One literal dictionary says what runs each kind of array."""

from types import SimpleNamespace
from typing import get_args

import pytest

from simulator.arch import load_accelerator
from simulator.arch.arrays import Array
from simulator.errors import ArchitectureError
from simulator.machines.registry import MACHINES, machine_for
from simulator.machines.sparse_engines import ENGINES
from simulator.machines.systolic import run_systolic


def test_every_entry_is_a_kind_that_can_be_described():
    described = {kind.model_fields["kind"].default for kind in get_args(get_args(Array)[0])}
    assert set(MACHINES) <= described


@pytest.mark.parametrize("kind", MACHINES)
def test_every_entry_names_a_function_that_is_there(kind):
    machine = load_accelerator("tpu_v1")
    described = SimpleNamespace(name="any", array=SimpleNamespace(kind=kind))
    assert callable(machine_for(described))
    assert (machine_for(described) is run_systolic) is (kind == machine.array.kind)


def test_every_sparse_engine_is_an_entry():
    assert {kind for kind, place in MACHINES.items() if place.startswith("sparse_engines:")} == set(ENGINES)


def test_a_kind_that_cannot_run_is_refused(monkeypatch):
    machine = load_accelerator("tpu_v1")
    assert machine_for(machine) is run_systolic
    monkeypatch.delitem(MACHINES, "systolic")
    with pytest.raises(ArchitectureError, match=r"accelerator tpu_v1: array.kind = 'systolic' can be described, not"):
        machine_for(machine)
