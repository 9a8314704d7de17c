"""The base of every form: frozen, no unknown keys, no repeats."""

import pytest
from pydantic import ValidationError

from simulator.arch.forms import Count, Described, refuse_repeats


class Part(Described):
    count: Count = 1


def test_a_form_is_frozen_and_refuses_unknown_keys():
    with pytest.raises(ValidationError):
        Part(count=2).count = 3
    with pytest.raises(ValidationError):
        Part.model_validate({"counts": 2})


def test_repeats_are_named():
    refuse_repeats("dataflows", ["ws", "os"])
    with pytest.raises(ValueError, match=r"dataflows = \['ws', 'ws', 'os'\]: ws given more than once; give each once"):
        refuse_repeats("dataflows", ["ws", "ws", "os"])
