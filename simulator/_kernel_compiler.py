"""Part of the door to Numba: machine code once, for a kernel that Python enters together with all that it calls.

Numba by itself optimises a function and emits its machine code, then does both again in each function that calls it,
with the callee linked in, and again at every level above. Kernels here are five to ten levels deep: that was half of
the time of a first run. So a kernel that only kernels call is typed and lowered and left at that, until the one that
Python enters takes everything through the same passes together (docs/adr/0014).
"""

import gc
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import llvmlite.binding  # type: ignore[import-untyped]
from numba.core import itanium_mangler, types
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.codegen import JITCodeLibrary, JitEngine
from numba.core.compiler import Compiler
from numba.core.environment import lookup_environment
from numba.core.runtime.nrt import rtsys
from numba.core.targetconfig import ConfigStack
from numba.core.typing.templates import _OverloadFunctionTemplate, infer, infer_global, make_overload_template

_OBJECTS_BEFORE_LOOKING = 200_000
_CONSTANTS_OF_A_FUNCTION = "_ZN08NumbaEnv"  # how Numba names the variable that points to them


_STEPS = (
    "_optimize_final_module",
    "_finalize_final_module",
    "_finalize_dynamic_globals",
    "_verify_declare_only_symbols",
)
CAN_KEEP = all(hasattr(FunctionCache, name) for name in ("_load_overload", "_guard_against_spurious_io_errors")) and (
    hasattr(JitEngine, "is_symbol_defined") and hasattr(JitEngine, "_load_defined_symbols")
)
"""Whether this version of Numba has what :class:`EntryCache` leaves out, and what it keeps."""
CAN_SHARE = all(hasattr(_OverloadFunctionTemplate, name) for name in ("_get_impl", "_build_impl"))
"""Whether this version of Numba looks up what it compiled for callers in the step that :func:`make_known` replaces."""
CAN_WAIT = all(hasattr(JITCodeLibrary, step) for step in _STEPS)
"""Whether this version of Numba has the steps that :class:`CalledCode` leaves out, and those it keeps."""


class CalledCode(JITCodeLibrary):
    """The code of a kernel that only kernels call: to be linked into theirs, never run by itself."""

    def _optimize_final_module(self) -> None:
        """Leave it to the kernel that Python enters, where all of it is together."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def get_pointer_to_function(self, _name: str) -> int:
        """Return zero, as Numba does for a function without an entry of its own."""
        return 0

    @property
    def codegen(self) -> "_NoCode":
        """What Numba tells where a function's constants are, as soon as it has code."""
        return _NoCode()


class _NoCode:
    def set_env(self, _name: str, _constants: object) -> None:
        """Nothing is emitted yet that would look for them: ``_point_to_constants`` makes up for it."""


class KernelCompiler(Compiler):
    """Numba's own compiler; what becomes of a kernel that only kernels call is all that differs."""

    def compile_extra(self, func: Callable[..., Any]) -> Any:  # noqa: ANN401 - numba is untyped
        """Compile a function; called by Numba."""
        state = self.state
        state.targetctx.mangler = short_name  # of this compilation alone: each has a context of its own
        if state.library is None and state.flags.no_cpython_wrapper:
            state.library = CalledCode(state.targetctx.codegen(), func.__qualname__)
            return super().compile_extra(func)
        with _rare_garbage_collection():
            compiled = super().compile_extra(func)
        _point_to_constants(compiled.library)
        return compiled


def short_name(name: str, argument_types: tuple[Any, ...], **tags: Any) -> str:  # noqa: ANN401 - numba is untyped
    """Return the symbol of a function of these types, as Numba names it, with a digest in place of the types.

    Numba spells the types out, every field of every record: 5 kB a symbol, at each place that mentions it. What is kept
    was three times as large, loading it took a fifth longer and compiling 3 to 5 % longer.

    Examples
    --------
    >>> from numba.core.types import int64
    >>> len(short_name("module.function", (int64,) * 1000))
    55
    """
    digest = hashlib.blake2b(repr(argument_types).encode(), digest_size=16).hexdigest()
    return str(itanium_mangler.mangle(name, (), **{**tags, "abi_tags": (*tags.get("abi_tags", ()), digest)}))


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """Look for cycles of garbage a few times only while a kernel is compiled: what a compiler makes, it mostly keeps.

    A tenth to a fifth of the time went into looking; peak memory grows by a tenth.
    """
    before = gc.get_threshold()
    if before[0]:  # whoever switched it off wants it off
        gc.set_threshold(max(before[0], _OBJECTS_BEFORE_LOOKING), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _point_to_constants(library: Any) -> None:  # noqa: ANN401 - numba is untyped
    """Tell the code just emitted where the constants of the kernels linked into it are, as for code that was kept."""
    for variable in library._final_module.global_variables:  # noqa: SLF001 - numba looks there too
        if variable.name.startswith(_CONSTANTS_OF_A_FUNCTION):
            constants = lookup_environment(variable.name)
            if constants is not None:
                library.codegen.set_env(variable.name, constants)


def make_known(entry: Callable[..., Any], implementation: Callable[..., Any], options: dict[str, Any]) -> None:
    """Let kernels call ``entry``, as ``numba.extending.overload`` does, but compile it once for all kinds of callers.

    Numba keeps what it compiled by the options of the caller too, because some are handed down to what it calls.
    What a kernel says itself (whether it is folded in, whether it counts references) it is not handed down, and a
    caller's wrapper never: it was compiled for callers that are folded in and for others, with all that it calls.
    """
    said = {"forceinline": "forceinline", "_nrt": "nrt"}
    decided = {"no_cpython_wrapper": True} | {flag: options[name] for name, flag in said.items() if name in options}
    template = make_overload_template(
        entry, implementation, {"no_cpython_wrapper": True, "nopython": True, **options}, strict=False, inline="never"
    )

    def _get_impl(self: Any, args: Any, keywords: Any) -> Any:  # noqa: ANN401 - numba is untyped
        handed_down = ConfigStack.top_or_none()
        if handed_down is not None:
            handed_down = handed_down.copy()
            for name, value in decided.items():
                setattr(handed_down, name, value)
        key = (self.context, tuple(args), tuple(keywords.items()), handed_down)
        if key in self._impl_cache:
            return self._impl_cache[key]
        return self._build_impl(key, args, keywords)

    template._get_impl = _get_impl  # noqa: SLF001 - the step that looks up what was compiled
    infer(template)
    infer_global(entry, types.Function(template))


class EntryCode(CompileResultCacheImpl):
    """What is kept of a kernel that Python enters: its machine code and its name, and no text to link it elsewhere.

    No other code is linked with it (kernels call each other's functions, not each other's entries), and reading the
    text that Numba keeps for that took five times as long as loading the machine code.
    """

    def reduce(self, compiled: Any) -> Any:  # noqa: ANN401 - numba is untyped
        """Return what is written; called by Numba."""
        library, description, *others = super().reduce(compiled)
        name, kind, code = library
        if kind == "object":
            machine_code, _text = code
            library = (name, kind, (machine_code, llvmlite.binding.parse_assembly("").as_bitcode()))
        return (library, description, *others)

    def rebuild(self, target_context: Any, payload: Any) -> Any:  # noqa: ANN401 - numba is untyped
        """Return the kernel from what was written; called by Numba."""
        description = payload[1]
        engine = target_context.codegen()._engine  # noqa: SLF001 - its names are those of the text left out
        engine._defined_symbols |= {description.llvm_func_name, description.llvm_cpython_wrapper_name}  # noqa: SLF001
        return super().rebuild(target_context, payload)


class EntryCache(FunctionCache):
    """Numba's cache of a kernel's machine code, which loads without what only compiling needs."""

    _impl_class = EntryCode

    def load_overload(self, sig: Any, target_context: Any) -> Any:  # noqa: ANN401 - numba is untyped
        """Return the kernel from the cache, or None; called by Numba.

        Numba would first load everything it can type and lower, 0.2 s; what a compilation needs of that, the compiler
        loads. Machine code only asks for the functions that count references.
        """
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)


def keep_for_python_alone(dispatcher: Any) -> None:  # noqa: ANN401 - numba is untyped
    """Give a kernel that Python enters, and nothing else links, the leaner cache; called where caches are declared."""
    if CAN_KEEP:
        dispatcher._cache = EntryCache(dispatcher.py_func)  # noqa: SLF001 - what enable_caching sets
