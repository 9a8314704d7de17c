"""The one door to Numba, and the folder its compiled code lives in. Knows nothing about accelerators.

Numba's own cache notices an edit in the file of a kernel, but not in a second file that the kernel calls. The door
therefore keeps compiled code in a folder named by the content of every source file of the package (docs/adr/0001).
Only :func:`kernel` imports numba: asking whether the cache is cold costs a few milliseconds.
"""

import functools
import hashlib
import os
import platform
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, ParamSpec, TypeVar, cast, overload

P = ParamSpec("P")
R = TypeVar("R")

_FOLDER_PREFIX = "kernels-"
_FOLDERS_KEPT = 8
_RECENT_SECONDS = 3600.0
# Numba settings that choose where code is kept or how many threads run it, and leave the code itself as it is.
_SETTINGS_WITHOUT_EFFECT_ON_CODE = frozenset(
    {"NUMBA_CACHE_DIR", "NUMBA_CACHE_LOCATOR_CLASSES", "NUMBA_DEBUG_CACHE", "NUMBA_DISABLE_JIT", "NUMBA_NUM_THREADS"}
)
_numba_settings_lock = threading.Lock()


@overload
def kernel(function: Callable[P, R]) -> Callable[P, R]: ...


@overload
def kernel(*, inlined: bool = False, borrows: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def kernel(
    function: Callable[P, R] | None = None, *, inlined: bool = False, borrows: bool = False
) -> Callable[P, R] | Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile ``function`` at its first call; keep the machine code for later runs.

    The options are the same for every kernel: no Python objects, the interpreter lock released, no fastmath (results
    must not depend on the machine), no signatures (they would compile at import). With ``NUMBA_DISABLE_JIT=1`` the
    function is returned as it is.

    Parameters
    ----------
    function
        A plain function over record arrays, scalars and other kernels.
    inlined
        For an event loop made of many small kernels: fold this one into its callers and count no references to the
        arrays passed along (twenty times faster there). Such a kernel may not allocate: no new arrays, lists, strings.
    borrows
        Count no references either, but stay a function: for a large kernel of such a loop that is called at several
        places, each of which would compile it again. It may not allocate either, and neither kind may return an array
        to Python.

    Returns
    -------
    Callable
        The compiled function, under the signature of ``function``.

    Examples
    --------
    >>> @kernel
    ... def double(count: int) -> int:
    ...     return 2 * count
    >>> double(21)
    42
    """
    if function is None:
        return functools.partial(_compiled, inlined=inlined, borrows=borrows)
    return _compiled(function, inlined=inlined, borrows=borrows)


def _compiled(function: Callable[P, R], *, inlined: bool, borrows: bool) -> Callable[P, R]:
    import numba
    import numba.extending

    settings: ModuleType = numba.config  # numba fills this module from the environment, unseen by type checkers
    if settings.DISABLE_JIT:
        return function
    folder = cache_directory()
    options: dict[str, Any] = {"nogil": True}
    options |= {"forceinline": True} if inlined else {}
    options |= {"_nrt": False} if inlined or borrows else {}
    with _numba_cache_at(settings, folder):
        compiled = numba.njit(function, cache=folder is not None and _has_source_file(function), **options)

    @functools.wraps(function)
    def entry(*args: P.args, **kwargs: P.kwargs) -> R:
        return cast("R", compiled(*args, **kwargs))

    # Two doors: Python calls `compiled`; another kernel compiles `function` anew, without the wrapper that would take
    # its arguments from Python objects. Those wrappers were a third of the time that compiling everything takes. What
    # a kernel calls is kept inside that kernel's own entry: kept by itself, it would land in Numba's default folder.
    @numba.extending.overload(entry, jit_options=cast("Any", options), strict=False)
    def _called_by_a_kernel(*_args: object, **_kwargs: object) -> Callable[P, R]:
        return function

    vars(entry)["compiled"] = compiled
    return entry


@functools.cache
def cache_directory() -> Path | None:
    """Return the folder of this version's compiled kernels, created on demand, or None where nothing is writable.

    The first usable parent of these is taken: ``$SIMULATOR_CACHE_DIR``, the user's cache folder
    (``$XDG_CACHE_HOME/simulator``, by default ``~/.cache/simulator``), a private folder under the temporary folder.
    Folders of older versions are removed, except the newest few and any used within the last hour.
    """
    name = _FOLDER_PREFIX + _cache_key(Path(__file__).parent)
    for parent in _candidate_parents():
        folder = parent / name
        if _is_writable(folder):
            _prune(parent, keep=folder)
            return folder
    return None


def cache_is_cold() -> bool:
    """Return True when no kernel of this version was compiled yet: the first run will take tens of seconds."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in {"", "0"}:
        return False
    folder = cache_directory()
    return folder is None or next(folder.rglob("*.nbi"), None) is None


def _cache_key(package: Path) -> str:
    """Name everything that decides what the compiled code does. Numba itself adds the processor and its features."""
    from importlib.metadata import version

    digest = hashlib.blake2b(digest_size=16)
    settings = sorted(
        f"{name}={value}"
        for name, value in os.environ.items()
        if name.startswith("NUMBA_") and name not in _SETTINGS_WITHOUT_EFFECT_ON_CODE
    )
    surroundings = (version("numba"), version("numpy"), sys.version, platform.machine(), str(package), *settings)
    digest.update("\0".join(surroundings).encode())
    _hash_sources(package, digest)
    return digest.hexdigest()


def _hash_sources(package: Path, digest: hashlib.blake2b) -> None:
    for folder, subfolders, files in os.walk(package):
        subfolders.sort()  # os.walk descends in this order: the key must not depend on the file system's own order
        for name in sorted(files):
            if name.endswith(".py"):
                path = os.path.join(folder, name)  # noqa: PTH118 - pathlib triples the time of this loop
                with open(path, "rb", buffering=0) as source:  # noqa: PTH123 - likewise
                    content = source.read()
                digest.update(f"\0{path}\0{len(content)}\0".encode())
                digest.update(content)


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


def _prune(parent: Path, keep: Path) -> None:
    """Remove old siblings of ``keep``; another process may be doing the same, so a failure here is no failure."""
    with suppress(OSError):
        aged = [(folder.stat().st_mtime, folder) for folder in parent.glob(f"{_FOLDER_PREFIX}*") if folder != keep]
        oldest_kept = time.time() - _RECENT_SECONDS
        for last_used, folder in sorted(aged, reverse=True)[_FOLDERS_KEPT - 1 :]:
            if last_used < oldest_kept:
                shutil.rmtree(folder, ignore_errors=True)


def _has_source_file(function: Callable[P, R]) -> bool:
    """Numba can only keep code that came from a file: a kernel typed at a prompt is compiled anew each time."""
    return Path(function.__code__.co_filename).is_file()


@contextmanager
def _numba_cache_at(settings: ModuleType, folder: Path | None) -> Iterator[None]:
    """Point Numba's cache at ``folder`` while one kernel is declared; a user's own kernels stay where they were."""
    with _numba_settings_lock:
        before = {name: getattr(settings, name, "") for name in ("CACHE_DIR", "CACHE_LOCATOR_CLASSES")}
        vars(settings).update(CACHE_DIR=str(folder or ""), CACHE_LOCATOR_CLASSES="")
        try:
            yield
        finally:
            vars(settings).update(before)
