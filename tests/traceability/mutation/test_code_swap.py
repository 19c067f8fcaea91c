"""A changed source reaches what a process has imported, and each later import, even by a loader with a memory."""

from __future__ import annotations

import functools
import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from traceability.mutation import code_swap

ORIGINAL = "def found():\n    return 2\n"
CHANGED = "def found():\n    return 3\n"


class Keeping(SourceFileLoader):
    """Reads a file once, as the loader of a simulated function's package does."""

    @functools.cache  # noqa: B019 - a loader of one test
    def get_code(self, fullname: str) -> CodeType | None:
        return super().get_code(fullname)


def loaded(loader: SourceFileLoader) -> ModuleType:
    spec = importlib.util.spec_from_loader("engine_part", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("kind", [SourceFileLoader, Keeping])
def test_later_imports_and_known_functions_run_the_changed_source(
    kind: type[SourceFileLoader], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SourceFileLoader, "get_code", SourceFileLoader.get_code)
    file = tmp_path / "engine" / "part.py"
    file.parent.mkdir()
    file.write_text(ORIGINAL, encoding="utf-8")
    loader = kind("engine_part", str(file))
    known = loaded(loader)
    assert known.found() == 2
    code_swap.put("engine/part.py", CHANGED, [known.found])
    assert known.found() == 3
    assert loaded(loader).found() == 3
