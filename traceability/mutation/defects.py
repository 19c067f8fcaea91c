"""Seeded defects: plausible mistakes in the code, each of which a scenario must notice.

A defect is a YAML file, `features/defects/<tag>_<mistake>.yaml`, with the keys criterion, mistake, belief (the
wrong idea behind the mistake), file, old and new. It is applied to a copy of the tree, never to the checked-out files.
"""

from __future__ import annotations

import difflib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml

from traceability.model import yaml_text
from traceability.model.catalogue import Catalogue, tag_of
from traceability.model.problems import UserProblem
from traceability.model.tree import TREE

FOLDER = "defects"
MAX_LINES = 3
_KEYS = ("criterion", "mistake", "belief", "file", "old", "new")


class BadDefect(UserProblem):
    """A defect cannot be applied; the message names its file and the problem."""


@dataclass(frozen=True)
class Defect:
    """`old` occurs exactly once in `file` and is replaced by `new`."""

    source: str
    criterion: str
    mistake: str
    belief: str
    file: str
    old: str
    new: str

    @property
    def name(self) -> str:
        return Path(self.source).stem


def load(root: Path, features: str, catalogue: Catalogue) -> list[Defect]:
    """Read all defects. Raises BadDefect, which names each malformed defect and each that no longer fits its file."""
    found, problems = [], []
    for path in sorted((root / features / FOLDER).glob("*.yaml")):
        try:
            found.append(_read(path, root, catalogue))
        except BadDefect as problem:
            problems.append(str(problem))
    if problems:
        raise BadDefect("\n".join(problems))
    return found


def overlay(defect: Defect | None, root: Path, place: Path) -> None:
    """Copy the tree to `place` and apply the defect; unchanged files are hard links."""
    for name in TREE:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, place / name, copy_function=_link)
        elif source.exists():
            place.mkdir(parents=True, exist_ok=True)
            _link(source, place / name)
    if defect is not None:
        changed = place / defect.file
        rewrite(changed, changed.read_text(encoding="utf-8").replace(defect.old, defect.new))


def rewrite(path: Path, text: str) -> None:
    """Replace a file of a copy: a write through its link would change the checked-out file."""
    path.unlink()
    path.write_text(text, encoding="utf-8")
    # Python matches bytecode by time and size, so it could run the bytecode of the old text.
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
        compiled.unlink()


def _read(path: Path, root: Path, catalogue: Catalogue) -> Defect:
    source = path.relative_to(root).as_posix()
    try:
        content = yaml_text.load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as problem:
        raise BadDefect(f"{source}: not valid YAML: {' '.join(str(problem).split())}") from problem
    if not isinstance(content, dict) or set(content) != set(_KEYS):
        raise BadDefect(f"{source}: a defect has exactly the keys {', '.join(_KEYS)}")
    defect = Defect(source, **{key: str(content[key]) for key in _KEYS})
    if text := _problem(defect, root, catalogue):
        raise BadDefect(f"{source}: {text}")
    return defect


def _problem(defect: Defect, root: Path, catalogue: Catalogue) -> str:
    if defect.criterion not in catalogue.criteria:
        return f'there is no criterion {defect.criterion!r}; quote it, as in criterion: "1.1"'
    if not defect.name.startswith(f"{tag_of(defect.criterion)}_"):
        return f"name the file {tag_of(defect.criterion)}_<mistake>.yaml"
    target = root / defect.file
    if Path(defect.file).parts[0] not in TREE or not target.is_file():
        return f"{defect.file} is not a file of {', '.join(TREE[:5])}"
    count = target.read_text(encoding="utf-8").count(defect.old)
    if not defect.old or count != 1:
        return f"the old text occurs {count} times in {defect.file}; it must occur exactly once"
    changed = _changed_lines(defect)
    if not 1 <= changed <= MAX_LINES:
        return f"it changes {changed} lines; a defect changes 1 to {MAX_LINES}"
    return ""


def _changed_lines(defect: Defect) -> int:
    matcher = difflib.SequenceMatcher(None, defect.old.splitlines(), defect.new.splitlines(), autojunk=False)
    return sum(max(b - a, d - c) for kind, a, b, c, d in matcher.get_opcodes() if kind != "equal")


def _link(source: str | Path, target: str | Path) -> str | Path:
    try:
        os.link(source, target)
    except OSError:  # A different file system: copy instead.
        shutil.copy2(source, target)
    return target
