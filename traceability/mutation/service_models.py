"""The files of AWS's models, which botocore and moto read for each service: a fifth of a short run's processor time.

They are read ahead, once for many forked children. Whoever reads a file may change what it got (moto does), so each
reading is answered with a copy of its own, never with one that somebody else holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from botocore.loaders import JSONFileLoader

_preloaded: dict[str, list[Any]] = {}
_load_file = JSONFileLoader.load_file


def preload(paths: Iterable[str]) -> None:
    """Read each file as often as it is named; more is read only where the stock holds less."""
    wanted = list(paths)
    for path in set(wanted):
        held = _preloaded.setdefault(path, [])
        while len(held) < wanted.count(path):
            held.append(_load_file(JSONFileLoader(), path))


def serve_preloaded() -> list[str]:
    """From now on, botocore reads from the stock as long as it lasts. Returns what was read, a list that grows."""
    read: list[str] = []

    def load_file(loader: JSONFileLoader, path: str) -> Any:
        read.append(path)
        held = _preloaded.get(path)
        return held.pop() if held else _load_file(loader, path)

    JSONFileLoader.load_file = load_file
    return read
