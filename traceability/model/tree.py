"""The part of the tree that a run of the suite reads, and its digest: a proof holds for the tree it was made on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from traceability.model import mutation_score, proofs

TREE = (
    *("engine", "infra", "simulator", "testdata", "features", "traceability"),
    *("behave.ini", "pyproject.toml", "requirements.lock"),
)
"""The files and folders that a defect may change or that its run uses."""


def digest(root: Path) -> str:
    """Return a hash of all files that a defect's run uses: a proof holds only for the tree of its run."""
    whole = hashlib.sha256()
    for path in _files(root):
        whole.update(f"{path.relative_to(root)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for name in TREE:
        paths: Iterable[Path] = (root / name).rglob("*") if (root / name).is_dir() else [root / name]
        yield from sorted(path for path in paths if _is_read(path))


def _is_read(path: Path) -> bool:
    """The list of proofs and the mutation score are written after a run and read by no scenario."""
    written = (proofs.FILE, mutation_score.FILE)
    return path.is_file() and "__pycache__" not in path.parts and path.name not in written
