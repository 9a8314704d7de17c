"""The public names: listed once, all there, all loadable."""

import importlib
import importlib.util
import re

import pytest

import simulator
from tests.architecture.source_tree import SOURCES, module_name, relative, syntax_tree


def declares_all(path) -> bool:
    return any(_assigns_all(node) for node in syntax_tree(path).body)


def _assigns_all(node) -> bool:
    return any(getattr(target, "id", "") == "__all__" for target in getattr(node, "targets", ()))


def test_all_lists_the_lazy_names_and_the_version():
    assert sorted([*simulator._HOME_OF, "__version__"]) == sorted(simulator.__all__)
    assert set(simulator.__all__) <= set(dir(simulator))


def test_the_public_face_stays_small():
    assert len(simulator.__all__) <= 20


@pytest.mark.parametrize("name", simulator._HOME_OF)
def test_public_name_loads_from_its_room(name):
    home = simulator._HOME_OF[name]
    if importlib.util.find_spec(home) is None or not hasattr(importlib.import_module(home), name):
        pytest.skip(f"{home} is yet to be built")
    assert getattr(simulator, name) is getattr(importlib.import_module(home), name)


def test_unknown_name_is_an_attribute_error_that_lists_the_known():
    with pytest.raises(AttributeError, match=r"no attribute 'simulat'.*simulate"):
        _ = simulator.simulat


def test_version_is_a_release_number():
    assert re.fullmatch(r"\d+\.\d+\.\d+", simulator.__version__)


@pytest.mark.parametrize("path", [path for path in SOURCES if declares_all(path)], ids=relative)
def test_declared_names_exist_once(path):
    module = importlib.import_module(module_name(path))
    assert len(module.__all__) == len(set(module.__all__))
    missing = [] if module is simulator else [name for name in module.__all__ if not hasattr(module, name)]
    assert not missing
