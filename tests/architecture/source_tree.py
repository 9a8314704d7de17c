"""The source tree as the architecture tests see it: files, modules, functions."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = PROJECT / "simulator"
SOURCES = sorted(PACKAGE.rglob("*.py"))

Function = ast.FunctionDef | ast.AsyncFunctionDef


def relative(path: Path) -> str:
    """Return a file's path inside the project."""
    return path.relative_to(PROJECT).as_posix()


def module_name(path: Path) -> str:
    """Return the dotted name under which a source file is imported."""
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def syntax_tree(path: Path) -> ast.Module:
    """Parse a source file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(path: Path) -> Iterator[Function]:
    """Yield every function and method of a file, nested ones included."""
    return (node for node in ast.walk(syntax_tree(path)) if isinstance(node, Function))


def is_kernel(function: Function) -> bool:
    """Tell whether a function is compiled: decorated with ``@kernel``."""
    return any(ast.unparse(decorator).split("(")[0].split(".")[-1] == "kernel" for decorator in function.decorator_list)


def imported_modules(path: Path) -> set[str]:
    """Return the dotted name of everything a file imports, wherever in the file it does."""
    names: set[str] = set()
    for node in ast.walk(syntax_tree(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names
