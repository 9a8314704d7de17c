"""Energy profiles: complete, sourced, refused when wrong."""

import json

import pytest
from pydantic import ValidationError

from simulator.arch.measurements import Quantity
from simulator.arch.profiles import PROFILE_FOLDER, Profile, load_profile, profile_names
from simulator.errors import ArchitectureError


def test_the_three_published_technologies_are_built_in():
    assert {"horowitz-45nm", "eyeriss-65nm", "eie-45nm"} <= set(profile_names())


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_bears_its_files_name_and_every_number_a_source(name):
    profile = load_profile(name)
    assert profile.name == name
    assert profile.paper
    raw = json.loads((PROFILE_FOLDER / f"{name}.json").read_text())
    loose = {key for key, value in raw.items() if isinstance(value, int | float)}
    assert loose == {"node_nm", "voltage_v"}  # the paper's own; all else is a Quantity, which demands source and mark


@pytest.mark.parametrize("name", profile_names())
def test_assumptions_are_marked_as_such(name):
    def quantities(value):
        if isinstance(value, Quantity):
            yield value
        elif isinstance(value, dict | tuple):
            for item in value.values() if isinstance(value, dict) else value:
                yield from quantities(item)

    profile = load_profile(name)
    found = [quantity for field in type(profile).model_fields for quantity in quantities(getattr(profile, field))]
    assert len(found) >= 12
    assert all((quantity.mark == "A") == quantity.source.startswith("assumed") for quantity in found)


def test_an_unknown_profile_is_answered_with_the_nearest():
    with pytest.raises(ArchitectureError, match=r"did you mean 'horowitz-45nm'.*give one of eie-45nm"):
        load_profile("horowitz45nm")


@pytest.mark.parametrize("field", ["mac_pj", "float_mac_pj", "static_uw_per_pe", "sram_read_pj"])
def test_points_must_rise(field):
    data = json.loads((PROFILE_FOLDER / "horowitz-45nm.json").read_text())
    data[field] = [data[field][0], data[field][0]]
    with pytest.raises(ValidationError, match="must rise"):
        Profile.model_validate(data)
