"""A deployed package as Lambda's Python sees it: its own modules, boto3 with its dependencies, the standard library.

No other library of this process can be imported by the function. Two libraries are this process's all the same: boto3
with its dependencies, because the simulator answers the calls of that one, and compiled libraries of the package, which
were built for Lambda's Python and not for this one.
"""

from __future__ import annotations

import atexit
import builtins
import compileall
import copy
import functools
import importlib
import io
import os
import shutil
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

# What Lambda's Python runtimes have beside the standard library: boto3 and its dependencies.
# https://docs.aws.amazon.com/lambda/latest/dg/python-package.html#python-package-dependencies
RUNTIME = frozenset({"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"})
_COMPILED = {".so", ".pyd"}
_LIBRARIES = Path(sysconfig.get_path("platlib"))
# In a virtual environment, sysconfig gives the compiled modules the environment's folder, where there are none.
_COMPILED_MODULES = sysconfig.get_path("platstdlib", vars={"platbase": sys.base_exec_prefix})
_STANDARD_LIBRARY = [sysconfig.get_path("stdlib"), str(Path(_COMPILED_MODULES, "lib-dynload"))]

_unpacked: dict[str, FunctionCode] = {}


def unpack(code_sha256: str, package: bytes) -> FunctionCode:
    """The code of a package; unpacked once a process for each package."""
    if code_sha256 not in _unpacked:
        folder = Path(tempfile.mkdtemp(prefix="lambda-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            archive.extractall(folder)
        shared = _leave_to_the_process(folder)
        for module in folder.iterdir():
            if module.is_dir() and not _is_installed(module.name):
                compileall.compile_dir(module, quiet=2)  # each cold start imports the function's own modules anew
        _unpacked[code_sha256] = FunctionCode(folder, shared)
    return _unpacked[code_sha256]


def _leave_to_the_process(folder: Path) -> frozenset[str]:
    """Remove the package's copies of the runtime's and of compiled libraries; returns the names of the compiled."""
    compiled = set()
    for library in [entry for entry in folder.iterdir() if entry.is_dir()]:
        name = library.name
        if _is_installed(name) and any(file.suffix in _COMPILED for file in library.rglob("*")):
            importlib.import_module(name)  # within the function's code it cannot be found any more
            compiled.add(name)
        if name in RUNTIME | compiled:
            shutil.rmtree(library)
    return frozenset(compiled)


def _is_installed(name: str) -> bool:
    return (_LIBRARIES / name).exists() or (_LIBRARIES / f"{name}.py").exists()


class _Loader(SourceFileLoader):
    """Gives a module built-in functions of its own, in which `import` finds what Lambda would find."""

    def __init__(self, name: str, path: str, functions: Mapping[str, Any]) -> None:
        super().__init__(name, path)
        self._functions = functions

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = self._functions
        super().exec_module(module)

    @functools.cache  # noqa: B019 - the loader lives as long as its package
    def get_code(self, fullname: str) -> CodeType | None:
        """The compiled module; each cold start executes it anew, but reads it no more."""
        return super().get_code(fullname)


class FunctionCode:
    """An unpacked package: the finder of its modules (for `sys.meta_path`) and the limits of their imports.

    `libraries` are the modules of those parts of the package that are installed in this environment, too, as the first
    cold start has imported them: every cold start of this package shares them, because their import takes 150 ms.
    """

    def __init__(self, folder: Path, shared: frozenset[str] = frozenset()) -> None:
        self.roots = frozenset(entry.name.split(".")[0] for entry in folder.iterdir() if entry.name != "__pycache__")
        self.path = [str(folder), *_STANDARD_LIBRARY]
        self.libraries: dict[str, ModuleType] = {}
        self._folder = str(folder) + os.sep
        self._library_roots = frozenset(name for name in self.roots if _is_installed(name))
        self._known = self.roots | shared | RUNTIME | sys.stdlib_module_names
        # The files of a package never change, so each cold start finds the same modules.
        self._specs: dict[tuple[str, tuple[str, ...] | None], ModuleSpec | None] = {}
        self._functions = {**vars(builtins), "__import__": self._import}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        place = None if path is None else tuple(path)
        if (name, place) not in self._specs:
            self._specs[name, place] = self._find(name, place)
        spec = copy.copy(self._specs[name, place])
        # The import system notes the state of a module in its spec, and a package may change its search path.
        if spec is not None and spec.submodule_search_locations is not None:
            spec.submodule_search_locations = list(spec.submodule_search_locations)
        return spec

    def _find(self, name: str, path: Sequence[str] | None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, [self._folder] if path is None else path)
        if spec is None or not (spec.origin or "").startswith(self._folder):
            return None
        if isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path, self._functions)
        return spec

    def import_module(self, name: str, package: str | None = None) -> ModuleType:
        """`importlib.import_module` for the function's code."""
        if not name.startswith("."):
            self._require_known(name)
        return _import_module(name, package)

    def keep_libraries(self) -> None:
        """Remember the libraries that were imported; call it after a cold start's imports have succeeded."""
        for name, module in sys.modules.items():
            if name.partition(".")[0] in self._library_roots:
                self.libraries.setdefault(name, module)

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> ModuleType:
        if level == 0:
            self._require_known(name)
        return builtins.__import__(name, globals, locals, fromlist, level)

    def _require_known(self, name: str) -> None:
        root = name.partition(".")[0]
        if root not in self._known:
            raise ModuleNotFoundError(f"No module named {root!r}", name=root)


_import_module = importlib.import_module
