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

TWO_CALLERS = """
from simulator import _jit, _kernel_compiler
{before}
made = []
build = _kernel_compiler._OverloadFunctionTemplate._build_impl

def count(template, *arguments):
    made.append(template._overload_func(0).__name__)
    return build(template, *arguments)

_kernel_compiler._OverloadFunctionTemplate._build_impl = count

@_jit.kernel(inlined=True)
def folded(count):
    return count + 1

@_jit.kernel(inlined=True)
def folded_caller(count):
    return 2 * folded(count)

@_jit.kernel(borrows=True)
def caller(count):
    return 3 * folded(count)

@_jit.kernel
def outer(count):
    return folded_caller(count) + caller(count) + folded(count)

print(outer(2), made.count("folded"))
"""


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


@pytest.mark.parametrize(("before", "printed"), [("", "18 1"), ("_kernel_compiler.CAN_SHARE = False", "18 3")])
def test_a_kernel_that_is_folded_in_is_compiled_once_for_all_kinds_of_callers(before, printed, run_python):
    done = run_python("-c", TWO_CALLERS.format(before=before), NUMBA_DISABLE_JIT=None)
    assert done.stdout.strip() == printed, done.stderr


def test_garbage_is_looked_for_as_before_once_a_kernel_is_compiled(run_python):
    code = (
        "import gc; gc.set_threshold(701, 9, 8)\n"
        "from simulator import _jit, _kernel_compiler\n"
        "seen = []\n"
        "look = _kernel_compiler.CalledCode._finalize_final_module\n"
        "def looking(library): seen.append(gc.get_threshold()[0]); return look(library)\n"
        "_kernel_compiler.CalledCode._finalize_final_module = looking\n"
        "@_jit.kernel\ndef inner(count): return count + 1\n"
        "@_jit.kernel\ndef outer(count): return inner(count)\n"
        "print(outer(1), gc.get_threshold(), min(seen) > 100_000)"
    )
    done = run_python("-c", code, NUMBA_DISABLE_JIT=None)
    assert done.stdout.strip() == "2 (701, 9, 8) True", done.stderr


def test_this_numba_has_the_steps():
    assert _kernel_compiler.CAN_WAIT
    assert _kernel_compiler.CAN_KEEP
    assert _kernel_compiler.CAN_SHARE


def test_a_kernel_has_a_symbol_for_each_kind_of_arguments_however_many_fields_they_have(run_python):
    code = (
        "import numpy as np\n"
        "from simulator._jit import kernel\n"
        "def rows(kind, *names): return np.zeros(2, [(name, kind) for name in names]).view(np.recarray)\n"
        "@kernel\ndef first(rows):\n    return rows[0].a + 1\n"
        "@kernel\ndef outer(rows):\n    return first(rows)\n"
        "many = [f'a_field_with_a_long_name_{i}' for i in range(99)]\n"
        "few = rows('i8', 'a'), rows('f8', 'a'), rows('i8', 'b', 'a')\n"
        "for one in (*few, rows('i8', 'a', *many)): print(outer(one))\n"
        "compiled = vars(outer)['compiled']()\n"
        "names = [compiled.overloads[kind].fndesc.mangled_name for kind in compiled.signatures]\n"
        "print(len(set(names)), max(map(len, names)) < 200, all(name.startswith('_ZN') for name in names))\n"
    )
    done = run_python("-c", code, NUMBA_DISABLE_JIT=None)
    assert done.stdout.split() == ["1", "1.0", "1", "1", "4", "True", "True"], done.stderr


def test_symbols_differ_by_the_types_also_where_numba_counts_anew():
    from numba.core.types import Array, Record, float64, int64

    def rows(name, layout="C"):
        return Array(Record([(name, {"type": int64, "offset": 0})], 8, aligned=False), 1, layout)

    kinds = [(int64,), (float64,), (int64, int64), (rows("a"),), (rows("b"),), (rows("a", "A"),)]
    assert len({_kernel_compiler.short_name("f", kind, uid=1) for kind in kinds}) == len(kinds)
