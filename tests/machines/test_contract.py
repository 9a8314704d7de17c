"""A request's defaults are simulate's."""

import inspect

import pytest

from simulator.api import simulate
from simulator.arch import load_accelerator
from simulator.errors import ArchitectureError
from simulator.machines.contract import Request, require_plain_buffers


def test_defaults_are_those_of_simulate():
    options = inspect.signature(simulate).parameters
    fields = Request.__dataclass_fields__
    for name in ("batch", "dataflow", "objective", "mappings", "compat"):
        assert fields[name].default == options[name].default


def test_slots_that_nothing_uses_are_refused():
    require_plain_buffers(load_accelerator("eyeriss_v1"))
    doubled = load_accelerator("eyeriss_v1", overrides=["buffers.glb.slots=2"])
    with pytest.raises(ArchitectureError, match=r"buffers.glb.slots = 2: array.kind = 'row_stationary' fills .* to 1"):
        require_plain_buffers(doubled)
    kept = load_accelerator("eyeriss_v1", overrides=["buffers.glb.resident_share=0.25"])
    with pytest.raises(ArchitectureError, match=r"buffers.glb.resident_share = 0.25: .* every ofmap through DRAM"):
        simulate("lenet5", kept)
    with pytest.raises(ArchitectureError, match=r"buffers.glb.slots = 2"):
        simulate("lenet5", doubled)
