"""The part of the tree that a run of the suite reads, and its digest: a proof holds for the tree it was made on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from traceability.model import mutation_score, proofs

TREE = (
    *("engine", "infra", "simulator", "testdata", "features", "traceability"),
    *("behave.ini", "pyproject.toml", "requirements.lock"),
)
"""The files and folders that a defect may change or that its run uses."""
FOLDERS = ("testdata", "engine", "infra", "simulator", "traceability")
FILES = ("behave.ini", "pyproject.toml", "requirements.lock", "package-lock.json")
INPUTS = ("features", *FOLDERS, *FILES)
"""The files and folders that decide a result, in the project and in an archive."""
_MODULES = (".py", ".pyc", ".so", ".pyd")


def digest(root: Path) -> str:
    """Return a hash of all files that a defect's run uses: a proof holds only for the tree of its run."""
    whole = hashlib.sha256()
    for name, hexdigest in digests(root).items():
        whole.update(f"{name}\0{hexdigest}\n".encode())
    return whole.hexdigest()


def changed_since(root: Path, before: Mapping[str, str]) -> list[str]:
    """Return the files that were added, removed or changed since `before`, which is an answer of `digests`."""
    now = digests(root)
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def digests(root: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of the tree, by its path from `root`."""
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in _files(root)}


def links(root: Path) -> list[str]:
    """Return the symbolic links of the tree. They run, but no list of inputs and no commit has their content."""
    return sorted(path.relative_to(root).as_posix() for path in _paths(root) if path.is_symlink())


def foreign_modules(root: Path) -> list[str]:
    """Return the modules beside the tree. They run in place of an installed library, but no list of inputs has them."""
    known = {*TREE, "tests"}
    modules = [*(path for end in _MODULES for path in root.glob(f"*{end}"))]
    packages = [path for path in root.glob("*/__init__.*") if path.parent.name not in known]
    return sorted(path.relative_to(root).as_posix() for path in [*modules, *packages])


def forget_bytecode(root: Path) -> None:
    """Delete the compiled modules of the tree: Python trusts them, but no list of inputs has them."""
    for path in list(_paths(root)):
        if path.suffix == ".pyc":
            path.unlink(missing_ok=True)


def _paths(root: Path) -> Iterator[Path]:
    for name in TREE:
        yield from (root / name).rglob("*") if (root / name).is_dir() else [root / name]


def _files(root: Path) -> Iterator[Path]:
    yield from sorted(path for path in _paths(root) if _is_read(path))


def _is_read(path: Path) -> bool:
    """The list of proofs and the mutation score are written after a run and read by no scenario."""
    written = (proofs.FILE, mutation_score.FILE)
    return path.is_file() and "__pycache__" not in path.parts and path.name not in written
