"""Machine code is emitted once, for a kernel with all it calls, and does what Numba's own does."""

import pytest

from simulator import _kernel_compiler

THREE_DEEP = """
from numba.core.codegen import JITCPUCodegen
from simulator import _kernel_compiler

{before}
emitted, add = [], JITCPUCodegen._add_module

def count(codegen, module):
    emitted.append(module.name)
    return add(codegen, module)

JITCPUCodegen._add_module = count
from simulator._jit import kernel

@kernel
def innermost(count):
    if count > 3:
        raise ValueError("too many", count)
    return count + 1

@kernel
def middle(count):
    return 2 * innermost(count)

@kernel
def outer(count):
    return middle(count) + 1

print(outer(2), sorted(set(emitted) & {{"innermost", "middle", "outer"}}))
try:
    outer(7)
except ValueError as error:
    print(error.args)
print(middle(3), innermost(3))
"""
WITHOUT_THE_STEPS = "_kernel_compiler.CAN_WAIT = False"
ELSEWHERE = "import sys; sys.modules['simulator._kernel_compiler'] = None"
WITHOUT_CONSTANTS = "_kernel_compiler._point_to_constants = lambda library: None"


@pytest.fixture
def three_deep(run_python):
    """Run three kernels, one calling the other, in a fresh interpreter; return the lines printed, or the error."""

    def run(before=""):
        done = run_python("-c", THREE_DEEP.format(before=before), NUMBA_DISABLE_JIT=None)
        return done.stdout.splitlines() if done.returncode == 0 else done.stderr

    return run


def test_only_the_kernel_that_python_enters_gets_machine_code(three_deep):
    assert three_deep() == ["7 ['outer']", "('too many', 7)", "8 4"]


@pytest.mark.parametrize("before", [WITHOUT_THE_STEPS, ELSEWHERE])
def test_a_numba_without_these_steps_compiles_every_level_and_gives_the_same(three_deep, before):
    assert three_deep(before) == ["7 ['innermost', 'middle', 'outer']", "('too many', 7)", "8 4"]


def test_a_called_kernel_that_is_not_pointed_to_its_constants_cannot_say_what_is_wrong(three_deep):
    assert "runtime exception arguments" in three_deep(WITHOUT_CONSTANTS)


def test_this_numba_has_the_steps():
    assert _kernel_compiler.CAN_WAIT
