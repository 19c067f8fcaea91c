"""Puts changed source into a process that has imported the original, and into all that it imports later.

A file can be loaded several times in a process: by the steps, and by each cold start of a simulated function, which
imports the code of its package from another folder. So a file is known by the end of its path.
"""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterable, Iterator
from importlib.machinery import SourceFileLoader
from types import CodeType, FunctionType

_get_code = SourceFileLoader.get_code


class RunsAtImport(Exception):
    """The change is in code that ran when the file was imported; only a process that imports it anew shows it."""


def runs_at_import(source: str, line: int) -> bool:
    """Return whether importing the file runs the line: it is in no body of a function."""
    functions = (one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.FunctionDef))
    return not any(one.body[0].lineno <= line <= (one.end_lineno or 0) for one in functions)


def is_python(source: str) -> bool:
    """Return whether the source compiles."""
    try:
        compile(source, "changed", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def functions_below(folder: str) -> list[FunctionType]:
    """Return all functions of this process whose code comes from a folder of that name."""
    # Frozen objects are hidden from the garbage collector's list; a child shares the memory of those that stay frozen.
    gc.unfreeze()
    # isinstance would follow a weak proxy to an object that is gone.
    found: list[FunctionType] = [one for one in gc.get_objects() if type(one) is FunctionType]
    gc.collect()
    gc.freeze()
    return [one for one in found if f"/{folder}/" in f"/{one.__code__.co_filename}"]


def put(file: str, changed: str, functions: Iterable[FunctionType]) -> None:
    """Let `functions`, and each later import of the file, run the changed source. Raises RunsAtImport."""
    swapped = {_id(one): one for one in _codes(compile(changed, file, "exec", dont_inherit=True))}
    for one in functions:
        # behave compiles a step file under its relative path.
        if f"/{one.__code__.co_filename}".endswith(f"/{file}") and _id(one.__code__) in swapped:
            try:
                one.__code__ = swapped[_id(one.__code__)]
            except ValueError as problem:  # The changed function uses other variables of the function around it.
                raise RunsAtImport(str(problem)) from problem

    def get_code(loader: SourceFileLoader, name: str) -> CodeType | None:
        if loader.path.endswith(f"/{file}"):
            return compile(changed, loader.path, "exec", dont_inherit=True)
        return _get_code(loader, name)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign, assignment]  # as `import` calls it
    for loader in SourceFileLoader.__subclasses__():
        # A loader that keeps what it has read would go on with the original.
        forget = getattr(loader.get_code, "cache_clear", None)
        if forget is not None:
            forget()


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _codes(one)


def _id(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno
