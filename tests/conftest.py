"""Shared by every test: the hypothesis profile, where reference data lies, and how to run a fresh interpreter."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

# A shared machine makes any single example slow now and then: no deadline. Failing examples print how to repeat them.
hypothesis.settings.register_profile("house", deadline=None, print_blob=True)
hypothesis.settings.load_profile("house")

PROJECT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate", action="store_true", help="rewrite tests/golden from what the code says now")


@pytest.fixture
def assert_golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Hold ``text`` equal to the file ``tests/golden/<name>``, or rewrite the file under ``--regenerate``."""

    def compare(name: str, text: str) -> None:
        path = PROJECT / "tests" / "golden" / name
        if request.config.getoption("--regenerate"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path} is missing: run this test with --regenerate, and read what it wrote"
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture(scope="session")
def project() -> Path:
    """The checkout under test."""
    return PROJECT


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """The folder of published and measured numbers, which is not part of the project."""
    folder = os.environ.get("SIMULATOR_REFERENCE_DIR")
    if not folder:
        pytest.skip("SIMULATOR_REFERENCE_DIR is not set: no reference data to compare with")
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"SIMULATOR_REFERENCE_DIR={folder} is not a folder")
    return path


RunPython = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run_python() -> RunPython:
    """Run a fresh interpreter: ``run_python("-c", code, cwd=..., SOME_VARIABLE=...)``; None removes a variable."""

    def run(*arguments: str, cwd: Path = PROJECT, **variables: str | None) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **variables}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=cwd,
            env={name: value for name, value in environment.items() if value is not None},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run
