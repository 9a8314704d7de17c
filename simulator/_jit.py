"""The one door to Numba. Knows nothing about accelerators.

Numba's own cache notices an edit in the file of a kernel, but not in a second file that the kernel calls. The door
therefore keeps each kernel's compiled code in a folder named by the content of every source file that the kernel can
reach (:mod:`simulator._kernel_cache`, docs/adr/0001). Only :func:`kernel` imports numba.
"""

import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, ParamSpec, TypeVar, cast, overload

from simulator._kernel_cache import kernel_folder

P = ParamSpec("P")
R = TypeVar("R")

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
        places, each of which would compile it again, and for one that works through tables record by record (the
        planner is five times faster so). It may not allocate either, and neither kind may return an array to Python.

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
    """Put a door before ``function``, which stays shut: Numba is loaded by the first call of any kernel."""
    if _is_disabled():
        return function
    source = Path(function.__code__.co_filename)
    # A kernel typed at a prompt has no file: Numba cannot keep it, and compiles it anew each time. The folder is named
    # now, and not at the first call: by then the file may say something else than what was loaded from it.
    folder = kernel_folder(source) if source.is_file() else None
    dispatcher: list[Any] = []

    def compiled() -> Any:  # noqa: ANN401 - numba is untyped
        if not dispatcher:
            with _numba_settings_lock:
                dispatcher[:] = dispatcher or [
                    _dispatcher(function, folder, _options(inlined=inlined, borrows=borrows))
                ]
        return dispatcher[0]

    @functools.wraps(function)
    def entry(*args: P.args, **kwargs: P.kwargs) -> R:
        return cast("R", compiled()(*args, **kwargs))

    vars(entry)["compiled"] = compiled
    _not_yet_known_to_numba.append((entry, function, inlined, borrows))
    if "numba" in sys.modules:
        _tell_numba_before_it_compiles()
    return entry


def _is_disabled() -> bool:
    """Tell whether kernels are to be interpreted: what the environment says, and Numba itself once it is loaded."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in {"", "0"}:
        return True
    return "numba" in sys.modules and bool(sys.modules["numba"].config.DISABLE_JIT)


def _options(*, inlined: bool, borrows: bool) -> dict[str, Any]:
    # Python and other kernels call a kernel; nothing calls it as C would.
    options: dict[str, Any] = {"nogil": True, "no_cfunc_wrapper": True, **_compiler()}
    options |= {"forceinline": True} if inlined else {}
    options |= {"_nrt": False} if inlined or borrows else {}
    return options


def _dispatcher(function: Callable[..., Any], folder: Path | None, options: dict[str, Any]) -> Any:  # noqa: ANN401
    """Return what Python calls: Numba's own dispatcher, its cache in ``folder``."""
    import numba

    settings: ModuleType = numba.config  # numba fills this module from the environment, unseen by type checkers
    if settings.DISABLE_JIT:
        return function
    _tell_numba_before_it_compiles()
    compiled = numba.njit(function, **options)
    if folder is not None:
        with _numba_cache_at(settings, folder):
            _keep(compiled)
    return compiled


def _keep(compiled: Any) -> None:  # noqa: ANN401 - numba is untyped
    compiled.enable_caching()
    with suppress(ImportError):  # a version that keeps its cache elsewhere: loading takes longer
        from simulator._kernel_compiler import keep_for_python_alone

        keep_for_python_alone(compiled)


_not_yet_known_to_numba: list[tuple[Callable[..., Any], Callable[..., Any], bool, bool]] = []


@functools.cache
def _tell_numba_before_it_compiles() -> None:
    from numba.core import event

    class _Listener(event.Listener):
        def on_start(self, _event: object) -> None:
            _tell_numba()

        def on_end(self, _event: object) -> None:
            """Nothing to do."""

    cast("Any", event).register("numba:compile", _Listener())


def _tell_numba() -> None:
    """Tell Numba of every kernel that kernels may call.

    Two doors: Python calls the dispatcher; another kernel compiles the function anew, without the wrapper that would
    take its arguments from Python objects. Those wrappers were a third of the time that compiling everything takes.
    What a kernel calls is kept inside that kernel's own entry: kept by itself, it would land in Numba's default
    folder. A run that finds all its code kept never comes here: 250 kernels made known were a quarter of a second.
    """
    make_known: Callable[[Any, Any, dict[str, Any]], None] = _made_known_by_numba
    with suppress(ImportError):  # a version that keeps its compiler elsewhere: some kernels are compiled twice
        from simulator import _kernel_compiler

        if _kernel_compiler.CAN_SHARE:
            make_known = _kernel_compiler.make_known

    def known(function: Callable[..., Any]) -> Callable[..., Callable[..., Any]]:
        def _called_by_a_kernel(*_args: object, **_kwargs: object) -> Callable[..., Any]:
            return function

        return _called_by_a_kernel

    while _not_yet_known_to_numba:
        entry, function, inlined, borrows = _not_yet_known_to_numba.pop()
        options = _options(inlined=inlined, borrows=borrows)
        make_known(entry, known(function), options)


def _made_known_by_numba(entry: Callable[..., Any], known: Callable[..., Any], options: dict[str, Any]) -> None:
    import numba.extending

    numba.extending.overload(entry, jit_options=cast("Any", options), strict=False)(known)


def _compiler() -> dict[str, Any]:
    """Return the option that makes Numba emit code once for a kernel and all it calls, or none for a strange Numba."""
    try:
        from simulator._kernel_compiler import CAN_WAIT, KernelCompiler
    except ImportError:  # a version that keeps its compiler elsewhere: kernels take longer to compile
        return {}
    return {"pipeline_class": KernelCompiler} if CAN_WAIT else {}


@contextmanager
def _numba_cache_at(settings: ModuleType, folder: Path) -> Iterator[None]:
    """Point Numba's cache at ``folder`` while one kernel is declared; a user's own kernels stay where they were."""
    before = {name: getattr(settings, name, "") for name in ("CACHE_DIR", "CACHE_LOCATOR_CLASSES")}
    vars(settings).update(CACHE_DIR=str(folder), CACHE_LOCATOR_CLASSES="")
    try:
        yield
    finally:
        vars(settings).update(before)
