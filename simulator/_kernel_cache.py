"""Where compiled kernels are kept: a folder for each module of kernels, named by what its machine code follows from.

A kernel's machine code follows from its own file, from the kernels and the constants it takes from others, and from
what those take in turn: the files that its own can reach by imports. Needs no Numba: asking whether something must be
compiled costs a few milliseconds.
"""

import functools
import hashlib
import os
import platform
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_FOLDER_PREFIX = "kernels-"
_FOLDERS_KEPT = 8
_RECENT_SECONDS = 3600.0
# Numba settings that choose where code is kept or how many threads run it, and leave the code itself as it is.
_SETTINGS_WITHOUT_EFFECT_ON_CODE = frozenset(
    {"NUMBA_CACHE_DIR", "NUMBA_CACHE_LOCATOR_CLASSES", "NUMBA_DEBUG_CACHE", "NUMBA_DISABLE_JIT", "NUMBA_NUM_THREADS"}
)
_PACKAGE = Path(__file__).parent
_DOOR = frozenset(_PACKAGE / name for name in ("_jit.py", "_kernel_cache.py", "_kernel_compiler.py"))
# `from package.a import b, c`, its names in brackets or not, and `import package.a`; an import inside a function or
# a type-checking block counts too, which can only make the key stricter.
_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+(?P<home>[\w.]+)[ \t]+import[ \t]*(?:\((?P<many>[^)]*)\)|(?P<few>[^\n]*))"
    rb"|import[ \t]+(?P<whole>[^\n]*))",
    re.MULTILINE,
)
# What the pattern above would read wrongly or not at all: relative and computed names, a statement carried on by a
# backslash, a second one behind a semicolon, a bracket in a comment among the names.
_UNSEEN_IMPORT = re.compile(
    rb"^[ \t]*from[ \t]+\.|import_module|__import__|importlib"
    rb"|^[ \t]*(?:from|import)\b[^\n]*\\\r?\n|;[ \t]*(?:from|import)\b|\bimport[ \t]*\([^)]*#[^\n]*\)",
    re.MULTILINE,
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
    return next((parent / _folder_name(source)).rglob(f"{source.stem}.{name}-*.nbi"), None) is not None


def cache_is_cold() -> bool:
    """Return True when this installation compiled no kernel yet: the first run will take tens of seconds."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in {"", "0"}:
        return False
    folder = cache_directory()
    return folder is None or next(folder.rglob("*.nbi"), None) is None


def _surroundings_key() -> str:
    """Name what decides the machine code beside the sources. Numba itself adds the processor and its features."""
    from importlib.metadata import version

    settings = sorted(
        f"{name}={value}"
        for name, value in os.environ.items()
        if name.startswith("NUMBA_") and name not in _SETTINGS_WITHOUT_EFFECT_ON_CODE
    )
    named = (version("numba"), version("numpy"), sys.version, platform.machine(), str(_PACKAGE), *settings)
    return hashlib.blake2b("\0".join(named).encode(), digest_size=16).hexdigest()


@functools.cache
def _folder_name(source: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(reached_from(source)):
        content = _content(path)
        digest.update(f"\0{path}\0{len(content)}\0".encode())
        digest.update(content)
    inside = source.is_relative_to(_PACKAGE)
    name = ".".join(source.relative_to(_PACKAGE).with_suffix("").parts) if inside else f"outside.{source.stem}"
    return f"{name}-{digest.hexdigest()}"


def reached_from(source: Path) -> frozenset[Path]:
    """Return the package's files that ``source`` can reach by imports, itself included.

    A file that imports in a way that reading does not show (by a relative or a computed name) is taken to reach the
    whole package, and so is a file outside it.
    """
    if not source.is_relative_to(_PACKAGE):
        return _whole_package()
    reached: set[Path] = set()
    to_read = {source}
    while to_read:
        path = to_read.pop()
        imported = _imported_by(path)
        if imported is None:
            return _whole_package()
        reached.add(path)
        to_read |= imported - reached
    return frozenset(reached)


@functools.cache
def _whole_package() -> frozenset[Path]:
    return frozenset(_PACKAGE.rglob("*.py"))


@functools.cache
def _content(path: Path) -> bytes:
    return path.read_bytes()


@functools.cache
def _imported_by(path: Path) -> frozenset[Path] | None:
    """Return the package's files that one file imports, or None where reading it cannot tell."""
    if path in _DOOR:
        return _DOOR
    content = _content(path)
    if _UNSEEN_IMPORT.search(content):
        return None
    found: set[Path | None] = set()
    for match in _IMPORT.finditer(content):
        if match["home"]:
            home = match["home"].decode()
            names = re.findall(r"\w+", (match["many"] or match["few"]).decode())
            found |= {_file_of(home), *(_file_of(f"{home}.{name}") for name in names)}
        else:
            found |= {_file_of(name) for name in re.findall(r"[\w.]+", match["whole"].decode())}
    files = {path for path in found if path is not None}
    # Importing a module runs its room's __init__ first; the package's own is its public face and imports lazily.
    rooms = {path.parent / "__init__.py" for path in files if path.parent != _PACKAGE}
    return frozenset(files | {path for path in rooms if path.is_file()})


def _file_of(module: str) -> Path | None:
    """Return the source file of a module of the package, or None for another name."""
    package, *parts = module.split(".")
    if package != _PACKAGE.name:
        return None
    place = _PACKAGE.joinpath(*parts)
    candidates = (place.with_suffix(".py"), place / "__init__.py") if parts else (place / "__init__.py",)
    return next((path for path in candidates if path.is_file()), None)


def _candidate_parents() -> Iterator[Path]:
    if chosen := os.environ.get("SIMULATOR_CACHE_DIR"):
        yield Path(chosen).absolute()
    user_cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    with suppress(RuntimeError):  # a user without a home folder
        yield user_cache.expanduser().absolute() / "simulator"
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
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _prune(parent: Path, keep: Path, prefix: str) -> None:
    """Remove old siblings of ``keep``; another process may be doing the same, so a failure here is no failure."""
    with suppress(OSError):
        aged = [(folder.stat().st_mtime, folder) for folder in parent.glob(f"{prefix}*") if folder != keep]
        oldest_kept = time.time() - _RECENT_SECONDS
        for last_used, folder in sorted(aged, reverse=True)[_FOLDERS_KEPT - 1 :]:
            if last_used < oldest_kept:
                shutil.rmtree(folder, ignore_errors=True)
