"""Facts from git about the tree: commit, changes, user. No other module calls git."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path


def commit(root: Path) -> str:
    """Return the commit that is checked out, "" outside of git."""
    return _output(root, "rev-parse", "HEAD") or ""


def is_checkout(root: Path) -> bool:
    """Return whether the folder is in a git repository."""
    return _output(root, "rev-parse", "--git-dir") is not None


def has_changes(root: Path) -> bool | None:
    """Return whether the tree differs from its commit, None outside of git."""
    status = _output(root, "status", "--porcelain")
    return None if status is None else bool(status)


def user_name(root: Path) -> str:
    """Return the configured user name, "" if there is none."""
    return _output(root, "config", "user.name") or ""


def files_of(root: Path, commit: str, paths: Sequence[str]) -> list[tuple[str, bytes]] | None:
    """Return name and content of each plain file below `paths` in a commit; None if the checkout has no such commit."""
    # The commit may come from an archive: only a full hash is no option and no other expression of git.
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit):
        return None
    # `--` alone leaves paths relative to the current folder.
    listed = _bytes(root, "ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths)
    if listed is None:
        return None
    entries = [entry.split(b"\t", 1) for entry in listed.split(b"\0") if entry]
    plain = [(name.decode(), facts.split()[2]) for facts, name in entries if facts.startswith(b"100")]
    bodies = _bytes(root, "cat-file", "--batch", given=b"".join(one + b"\n" for _, one in plain))
    if bodies is None:
        return None
    found, place = [], 0
    for name, _ in plain:
        # Each object: a line "<hash> blob <size>", the content, a line feed.
        end = bodies.index(b"\n", place)
        size = int(bodies[place:end].split()[2])
        found.append((name, bodies[end + 1 : end + 1 + size]))
        place = end + size + 2
    return found


def _output(root: Path, *arguments: str) -> str | None:
    found = _bytes(root, *arguments)
    return None if found is None else found.decode(errors="replace").strip()


def _bytes(root: Path, *arguments: str, given: bytes = b"") -> bytes | None:
    try:
        return subprocess.run(  # noqa: S603  # our own command, no shell
            ["git", *arguments],  # noqa: S607  # the git on the user's PATH
            cwd=root,
            check=True,
            capture_output=True,
            input=given,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
