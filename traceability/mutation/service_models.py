"""Preloads AWS's service models, which botocore and moto read: a fifth of the processor time of a short run.

The parent reads them once for many forked children. A reader may change the model that it gets (moto does), so each
read gets its own copy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from botocore.loaders import JSONFileLoader

_preloaded: dict[str, list[Any]] = {}
read: list[str] = []
_load_file = JSONFileLoader.load_file


def preload(paths: Iterable[str]) -> None:
    """Hold as many copies of each file as `paths` names it; read only the copies that are not held yet."""
    wanted = list(paths)
    for path in set(wanted):
        held = _preloaded.setdefault(path, [])
        while len(held) < wanted.count(path):
            held.append(_load_file(JSONFileLoader(), path))


def serve_preloaded() -> None:
    """Let botocore take the preloaded copies first, and note in `read` each path that is read."""
    read.clear()

    def load_file(loader: JSONFileLoader, path: str) -> Any:
        read.append(path)
        held = _preloaded.get(path)
        return held.pop() if held else _load_file(loader, path)

    JSONFileLoader.load_file = load_file
