"""Every module of simulator/<room>/<module>.py has its tests in tests/<room>/test_<module>.py."""

import pytest

from tests.architecture.source_tree import PACKAGE, PROJECT, SOURCES, relative

# Module -> why it has no test file of its own.
EXEMPT = {
    "simulator/__init__.py": "tests/architecture/test_public_face.py",
    "simulator/__main__.py": "one line: tests/architecture/test_wheel.py runs it",
}
MODULES = [
    path
    for path in SOURCES
    if relative(path) not in EXEMPT and not (path.name == "__init__.py" and path.parent != PACKAGE)
]


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_module_has_a_test_file(path):
    mirrored = PROJECT / "tests" / path.relative_to(PACKAGE).with_name(f"test_{path.name}")
    assert mirrored.is_file(), f"write {relative(mirrored)}, or exempt the module here with a reason"


def test_exemptions_are_of_modules_that_exist_or_are_main():
    assert {name for name in EXEMPT if not (PROJECT / name).is_file()} <= {"simulator/__main__.py"}
