"""The wheel carries its data, and works from a folder whose own files have tempting names."""

import configparser
import sys
import zipfile

import pytest

from tests.architecture.source_tree import PACKAGE, PROJECT, SOURCES, relative

pytestmark = pytest.mark.slow
BUILD = "import sys, hatchling.build as b; print(b.build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the checkout without network."""
    import subprocess

    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-c", BUILD, folder], cwd=PROJECT, check=True, capture_output=True)
    (built,) = folder.glob("neural_accelerator_simulator-*-py3-none-any.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory):
    """The wheel as an installer lays it out: a pure Python wheel is its own file tree."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def run_installed(site, run_python, tmp_path):
    """Run in a folder with decoys beside; the environment's own installation is behind the wheel."""
    for decoy in ("workloads.py", "reports.py", "tests.py"):
        (tmp_path / decoy).write_text("raise SystemExit('the decoy was imported')")

    def run(*arguments):
        result = run_python(*arguments, cwd=tmp_path, PYTHONPATH=str(site))
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    return run


def test_wheel_holds_every_source_preset_and_workload_and_nothing_else(site):
    packaged = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    presets = {relative(path) for path in PACKAGE.rglob("*.json")}
    workloads = {f"simulator/_workloads/{path.name}" for path in (PROJECT / "workloads").glob("*.json")}
    assert {relative(path) for path in SOURCES} | presets | workloads <= packaged
    top = {name.split("/")[0] for name in packaged}
    assert {name for name in top if not name.endswith(".dist-info")} == {"simulator"}


def test_wheel_declares_its_command_licence_and_typing(site):
    (info,) = site.glob("*.dist-info")
    commands = configparser.ConfigParser()
    commands.read(info / "entry_points.txt")
    assert commands["console_scripts"]["simulator"] == "simulator.cli:main"
    assert (info / "licenses" / "LICENSE").is_file()
    assert (site / "simulator" / "py.typed").is_file()


def test_installed_package_imports_from_the_wheel(site, run_installed):
    assert str(site) in run_installed("-c", "import simulator; print(simulator.__file__)")


@pytest.mark.parametrize("arguments", [["--help"], ["list", "archs"], ["list", "workloads"]], ids=" ".join)
def test_installed_command_works_from_an_empty_folder(run_installed, arguments):
    printed = run_installed("-m", "simulator", *arguments)
    if arguments == ["list", "workloads"]:
        assert "resnet50" in printed
    assert printed.strip()
