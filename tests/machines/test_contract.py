"""A request's defaults are simulate's."""

import inspect

from simulator.api import simulate
from simulator.machines.contract import Request


def test_defaults_are_those_of_simulate():
    options = inspect.signature(simulate).parameters
    fields = Request.__dataclass_fields__
    for name in ("batch", "dataflow", "objective", "mappings", "compat"):
        assert fields[name].default == options[name].default
