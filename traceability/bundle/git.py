"""Facts from git about the tree: commit, changes, user. No other module calls git.

Nothing in a clone or in the environment may put other contents in place of a commit's: replacement objects and the
variables that lead git to another repository are ignored, and the objects of a compared commit are hashed again.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

_CONFIGURATION = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
"""The variables that git keeps: they name the user's configuration, not another repository."""


def commit(root: Path) -> str:
    """Return the commit that is checked out, "" outside of git."""
    return _output(root, "rev-parse", "HEAD") or ""


def resolve(root: Path, revision: str) -> str:
    """Return the commit that a name means in this repository, such as a tag; "" if it has no such commit."""
    return _output(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}") or ""


def is_before(root: Path, commit: str, later: str) -> bool:
    """Return whether a commit is in the history of a later one."""
    return _output(root, "merge-base", "--is-ancestor", commit, later) is not None


def is_checkout(root: Path) -> bool:
    """Return whether the folder is in a git repository."""
    return _output(root, "rev-parse", "--git-dir") is not None


def changed_names(root: Path) -> list[str] | None:
    """Return the files and folders that git reports as changed or untracked, None outside of git."""
    status = _bytes(root, "status", "--porcelain=v1", "-z", "--untracked-files=normal", "--no-renames")
    return None if status is None else [one[3:].decode(errors="replace") for one in status.split(b"\0") if one]


def user_name(root: Path) -> str:
    """Return the configured user name, "" if there is none."""
    return _output(root, "config", "user.name") or ""


def files_of(root: Path, commit: str, paths: Sequence[str]) -> list[tuple[str, bytes]] | None:
    """Return name and content of each plain file below `paths` in a commit.

    None if the checkout has no such commit, or an object of it is damaged.
    """
    # The commit may come from an archive: only a full hash is no option and no other expression of git.
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit):
        return None
    top = _output(root, "rev-parse", "--verify", "--quiet", f"{commit}^{{tree}}")
    # `--` alone leaves paths relative to the current folder.
    listed = _bytes(root, "ls-tree", "-r", "-t", "-z", "--full-tree", commit, "--", *paths)
    if not top or listed is None:
        return None
    entries = [entry.split(b"\t", 1) for entry in listed.split(b"\0") if entry]
    facts = [(*kind.decode().split(), name.decode(errors="replace")) for kind, name in entries]
    plain = [(name, one) for mode, _, one, name in facts if mode.startswith("100")]
    folders = [one for _, kind, one, _ in facts if kind == "tree"]
    bodies = _objects(root, [commit, top, *folders, *(one for _, one in plain)])
    return None if bodies is None else [(name, bodies[one]) for name, one in plain]


def _objects(root: Path, names: Sequence[str]) -> dict[str, bytes] | None:
    """Return the objects by their names, None if one is missing or is not what its name says.

    git reads an object by its name and does not hash it again: a changed file below .git would go unnoticed.
    """
    answer = _bytes(root, "cat-file", "--batch", given="".join(f"{one}\n" for one in names).encode())
    if answer is None:
        return None
    found, place = {}, 0
    for name in names:
        # Each object: a line "<hash> <type> <size>", the content, a line feed.
        end = answer.index(b"\n", place)
        kind, size = answer[place:end].split()[1:] if answer[place:end].count(b" ") == 2 else (b"missing", b"0")
        place = end + 1 + int(size)
        body = answer[end + 1 : place]
        # SHA-1 is git's name for an object, no choice of this project.
        algorithm = "sha1" if len(name) == 40 else "sha256"
        if hashlib.new(algorithm, b"%s %s\0%s" % (kind, size, body)).hexdigest() != name:
            return None
        found[name], place = body, place + 1
    return found


def _output(root: Path, *arguments: str) -> str | None:
    found = _bytes(root, *arguments)
    return None if found is None else found.decode(errors="replace").strip()


def _bytes(root: Path, *arguments: str, given: bytes = b"") -> bytes | None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _CONFIGURATION}
    try:
        return subprocess.run(  # noqa: S603  # our own command, no shell
            # A file-system monitor of the repository could hide changes.
            ["git", "--no-replace-objects", "-c", "core.fsmonitor=false", *arguments],  # noqa: S607  # from the PATH
            cwd=root,
            env=kept,
            check=True,
            capture_output=True,
            input=given,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
