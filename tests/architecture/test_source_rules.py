"""The sizes and bans of CONTRIBUTING.md that no linter counts the way the house does."""

import ast

import pytest

from tests.architecture.source_tree import SOURCES, Function, functions, is_kernel, relative, syntax_tree

LONGEST_FILE_LINES = 400
LONGEST_FUNCTION_LINES = 40
LONGEST_KERNEL_LINES = 60
VAGUE_NAMES = {"util", "utils", "helper", "helpers", "manager", "misc", "data", "tmp", "old", "new", "common"}


def code_lines(function: Function) -> int:
    """Count a function's lines without its docstring: length is for reading, and a docstring is read apart."""
    last = function.end_lineno or function.lineno
    docstring_lines = 0
    if ast.get_docstring(function, clean=False) is not None:
        docstring = function.body[0]
        docstring_lines = (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return last - function.lineno + 1 - docstring_lines


def test_length_excludes_the_docstring():
    parsed = ast.parse('def f():\n    """One.\n\n    Two.\n    """\n    return 1\n').body[0]
    assert isinstance(parsed, ast.FunctionDef)
    assert code_lines(parsed) == 2


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_files_and_functions_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE_LINES
    too_long = {
        function.name: code_lines(function)
        for function in functions(path)
        if code_lines(function) > (LONGEST_KERNEL_LINES if is_kernel(function) else LONGEST_FUNCTION_LINES)
    }
    assert not too_long


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_nothing_prints(path):
    """The command line writes through its screen, which knows terminals, files and hostile names."""
    calls = [node for node in ast.walk(syntax_tree(path)) if isinstance(node, ast.Call)]
    prints = [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
    assert not prints


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_names_say_what_a_module_knows(path):
    assert path.stem.strip("_") not in VAGUE_NAMES
