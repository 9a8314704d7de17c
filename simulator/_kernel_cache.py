"""Where compiled kernels are kept: a folder for each module of kernels, named by what its machine code follows from.

A kernel's machine code follows from its own file, from the kernels and the constants it takes from others, and from
what those take in turn: the files that its own can reach by imports. Needs no Numba: asking whether something must be
compiled costs a few milliseconds.
"""

import functools
import hashlib
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

_FOLDER_PREFIX = "kernels-"
_FOLDERS_KEPT = 8
_RECENT_SECONDS = 3600.0
# Numba settings that choose where code is kept or how many threads run it, and leave the code itself as it is.
_SETTINGS_WITHOUT_EFFECT_ON_CODE = frozenset(
    {
        "NUMBA_CACHE_DIR",
        "NUMBA_CACHE_LOCATOR_CLASSES",
        "NUMBA_DEBUG_CACHE",
        "NUMBA_DISABLE_ERROR_MESSAGE_HIGHLIGHTING",
        "NUMBA_DISABLE_JIT",
        "NUMBA_NUM_THREADS",
    }
)
_PACKAGE = Path(__file__).parent
_DOOR = ("_jit.py", "_kernel_cache.py", "_kernel_compiler.py")
# `from package.a import b, c`, its names in brackets or not, and `import package.a`; an import inside a function or
# a type-checking block counts too, which can only make the key stricter.
_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+(?P<home>[\w.]+)[ \t]+import[ \t]*(?:\((?P<many>[^)]*)\)|(?P<few>[^\n]*))"
    rb"|import[ \t]+(?P<whole>[^\n]*))",
    re.MULTILINE,
)
# What the pattern above would read wrongly or not at all: computed names, relative ones, a second statement behind a
# semicolon, a bracket in a comment among the names, a statement carried on by a backslash. Each begins with what is
# quick to look for (one pattern for all took five times as long), and may only find too much.
_COMPUTED = (b"import_module", b"__import__", b"importlib")
_UNSEEN_IMPORTS = tuple(
    re.compile(pattern)
    for pattern in (
        rb"from[ \t]*\.[.\w \t]*import\b",
        rb";[ \t]*(?:from|import)\b",
        rb"import[ \t]*\([^)]*#[^\n]*\)",
        rb"import\b[^\n]*\\\r?\n",
        rb"from\b[^\n]*\\\r?\n",
    )
)


@functools.cache
def cache_directory() -> Path | None:
    """Return the folder of all compiled kernels, created on demand, or None where nothing is writable.

    The first usable parent of these is taken: ``$SIMULATOR_CACHE_DIR``, the user's cache folder
    (``$XDG_CACHE_HOME/simulator``, by default ``~/.cache/simulator``), a private folder under the temporary folder.
    There is one folder for each place of the package, Python, Numba, NumPy and compiler setting; of the others the
    oldest are removed, except the newest few and any used within the last hour.
    """
    name = _FOLDER_PREFIX + _surroundings_key()
    for parent in _candidate_parents():
        folder = parent / name
        if _is_writable(folder):
            _prune(parent, keep=folder, prefix=_FOLDER_PREFIX)
            return folder
    return None


@functools.cache
def kernel_folder(source: Path) -> Path | None:
    """Return the folder of the compiled kernels of one source file, created on demand, or None without a cache.

    Parameters
    ----------
    source
        The file the kernels are written in; a file outside the package is taken to reach all of it.
    """
    parent = cache_directory()
    if parent is None:
        return None
    folder = parent / _folder_name(source)
    if not folder.is_dir():
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            return None
        _prune(parent, keep=folder, prefix=folder.name.rpartition("-")[0] + "-")
    return folder


def is_compiled(kernel: str) -> bool:
    """Tell whether a kernel's machine code is in the cache, and is that of today's sources.

    Parameters
    ----------
    kernel
        Its full name, as in ``simulator.engine.accounting.account``.

    Examples
    --------
    >>> is_compiled("simulator.engine.accounting.no_such_kernel")
    False
    """
    module, _, name = kernel.rpartition(".")
    source, parent = _file_of(module), cache_directory()
    if source is None or parent is None:
        return False
    path = Path(source)
    return next((parent / _folder_name(path)).rglob(f"{path.stem}.{name}-*.nbi"), None) is not None


def cache_is_cold() -> bool:
    """Return True when this installation compiled no kernel yet: the first run will take tens of seconds."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in {"", "0"}:
        return False
    folder = cache_directory()
    return folder is None or next(folder.rglob("*.nbi"), None) is None


def _surroundings_key() -> str:
    """Name what decides the machine code beside the sources. Numba itself adds the processor and its features."""
    settings = sorted(
        f"{name}={value}"
        for name, value in os.environ.items()
        if name.startswith("NUMBA_") and name not in _SETTINGS_WITHOUT_EFFECT_ON_CODE
    )
    machine = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "")
    named = (_version("numba", "_version.py"), _version("numpy", "version.py"), sys.version, machine, str(_PACKAGE))
    return hashlib.blake2b("\0".join((*named, *settings)).encode(), digest_size=16).hexdigest()


def _version(package: str, file: str) -> str:
    """Return what a package says of its version: reading its file takes a hundredth of asking its metadata."""
    spec = find_spec(package)
    if spec is not None and spec.origin is not None:
        with suppress(OSError):
            return (Path(spec.origin).parent / file).read_text(encoding="utf-8")
    from importlib.metadata import version

    return version(package)


@functools.cache
def _folder_name(source: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(_reached_from(str(source))):
        digest.update(f"\0{path}\0".encode())
        digest.update(_content_key(path))
    inside = source.is_relative_to(_PACKAGE)
    name = ".".join(source.relative_to(_PACKAGE).with_suffix("").parts) if inside else f"outside.{source.stem}"
    return f"{name}-{digest.hexdigest()}"


def reached_from(source: Path) -> frozenset[Path]:
    """Return the package's files that ``source`` can reach by imports, itself included.

    A file that imports in a way that reading does not show (by a relative or a computed name) is taken to reach the
    whole package, and so is a file outside it.
    """
    return frozenset(map(Path, _reached_from(str(source))))


# Names of files are plain strings from here on: sets and sorted lists of Path objects took longer than all reading.
def _reached_from(source: str) -> set[str] | frozenset[str]:
    if not source.startswith(f"{_PACKAGE}{os.sep}"):
        return _whole_package()
    reached: set[str] = set()
    to_read = {source}
    while to_read:
        path = to_read.pop()
        imported = _imported_by(path)
        if imported is None:
            return _whole_package()
        reached.add(path)
        to_read |= imported - reached
    return reached


@functools.cache
def _whole_package() -> frozenset[str]:
    return frozenset(map(str, _PACKAGE.rglob("*.py")))


@functools.cache
def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


@functools.cache
def _content_key(path: str) -> bytes:
    return hashlib.blake2b(_content(path), digest_size=32).digest()


@functools.cache
def _imported_by(path: str) -> frozenset[str] | None:
    """Return the package's files that one file imports, or None where reading it cannot tell."""
    door = frozenset(str(_PACKAGE / name) for name in _DOOR)
    if path in door:
        return door
    content = _content(path)
    if any(name in content for name in _COMPUTED) or any(pattern.search(content) for pattern in _UNSEEN_IMPORTS):
        return None
    found: set[str | None] = set()
    for match in _IMPORT.finditer(content):
        if match["home"]:
            home = match["home"].decode()
            names = re.findall(r"\w+", (match["many"] or match["few"]).decode())
            found |= {_file_of(home), *(_file_of(f"{home}.{name}") for name in names)}
        else:
            found |= {_file_of(name) for name in re.findall(r"[\w.]+", match["whole"].decode())}
    files = {path for path in found if path is not None}
    # Importing a module runs its room's __init__ first; the package's own is its public face and imports lazily.
    rooms = {os.path.join(os.path.dirname(path), "__init__.py") for path in files} - {str(_PACKAGE / "__init__.py")}
    return frozenset(files | {path for path in rooms if os.path.isfile(path)})


@functools.cache
def _file_of(module: str) -> str | None:
    """Return the source file of a module of the package, or None for another name."""
    package, *parts = module.split(".")
    if package != _PACKAGE.name:
        return None
    place = os.path.join(_PACKAGE, *parts)
    candidates = (f"{place}.py", os.path.join(place, "__init__.py")) if parts else (str(_PACKAGE / "__init__.py"),)
    return next((path for path in candidates if os.path.isfile(path)), None)


def _candidate_parents() -> Iterator[Path]:
    if chosen := os.environ.get("SIMULATOR_CACHE_DIR"):
        yield Path(chosen).absolute()
    user_cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    with suppress(RuntimeError):  # a user without a home folder
        yield user_cache.expanduser().absolute() / "simulator"
    import tempfile  # takes as long to load as everything above takes to run

    with suppress(OSError):  # no temporary folder at all
        shared = Path(tempfile.gettempdir()) / f"simulator-{_user_id()}"
        shared.mkdir(mode=0o700, exist_ok=True)
        if _is_private(shared):
            yield shared


def _user_id() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _is_private(folder: Path) -> bool:
    """Tell whether nobody else can plant compiled code in ``folder``: the temporary folder is open to everyone."""
    status = folder.lstat()
    if not hasattr(os, "getuid"):
        return True  # Windows gives each user a temporary folder of their own
    return status.st_uid == os.getuid() and not status.st_mode & 0o022


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.utime(folder)  # marks the folder as in use, for _prune
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def _prune(parent: Path, keep: Path, prefix: str) -> None:
    """Remove old siblings of ``keep``; another process may be doing the same, so a failure here is no failure."""
    with suppress(OSError):
        aged = [(folder.stat().st_mtime, folder) for folder in parent.glob(f"{prefix}*") if folder != keep]
        oldest_kept = time.time() - _RECENT_SECONDS
        for last_used, folder in sorted(aged, reverse=True)[_FOLDERS_KEPT - 1 :]:
            if last_used < oldest_kept:
                import shutil  # it loads every archive format there is

                shutil.rmtree(folder, ignore_errors=True)
