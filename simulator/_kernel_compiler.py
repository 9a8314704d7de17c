"""Part of the door to Numba: machine code once, for a kernel that Python enters together with all that it calls.

Numba by itself optimises a function and emits its machine code, then does both again in each function that calls it,
with the callee linked in, and again at every level above. Kernels here are five to ten levels deep: that was half of
the time of a first run. So a kernel that only kernels call is typed and lowered and left at that, until the one that
Python enters takes everything through the same passes together (docs/adr/0014).
"""

from collections.abc import Callable
from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.environment import lookup_environment

_CONSTANTS_OF_A_FUNCTION = "_ZN08NumbaEnv"  # how Numba names the variable that points to them


_STEPS = (
    "_optimize_final_module",
    "_finalize_final_module",
    "_finalize_dynamic_globals",
    "_verify_declare_only_symbols",
)
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
        if state.library is None and state.flags.no_cpython_wrapper:
            state.library = CalledCode(state.targetctx.codegen(), func.__qualname__)
            return super().compile_extra(func)
        compiled = super().compile_extra(func)
        _point_to_constants(compiled.library)
        return compiled


def _point_to_constants(library: Any) -> None:  # noqa: ANN401 - numba is untyped
    """Tell the code just emitted where the constants of the kernels linked into it are, as for code that was kept."""
    for variable in library._final_module.global_variables:  # noqa: SLF001 - numba looks there too
        if variable.name.startswith(_CONSTANTS_OF_A_FUNCTION):
            constants = lookup_environment(variable.name)
            if constants is not None:
                library.codegen.set_env(variable.name, constants)
