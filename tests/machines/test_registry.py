"""One literal dictionary says what runs each kind of array."""

from typing import get_args

import pytest

from simulator.arch import load_accelerator
from simulator.arch.arrays import Array
from simulator.errors import ArchitectureError
from simulator.machines.registry import MACHINES, machine_for


def test_every_entry_is_a_kind_that_can_be_described():
    described = {kind.model_fields["kind"].default for kind in get_args(get_args(Array)[0])}
    assert set(MACHINES) <= described


def test_a_kind_that_cannot_run_is_refused(monkeypatch):
    machine = load_accelerator("tpu_v1")
    assert machine_for(machine) is MACHINES["systolic"]
    monkeypatch.delitem(MACHINES, "systolic")
    with pytest.raises(ArchitectureError, match=r"accelerator tpu_v1: array.kind = 'systolic' can be described, not"):
        machine_for(machine)
