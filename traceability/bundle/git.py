"""Facts from git about the tree: commit, changes, user. No other module calls git."""

from __future__ import annotations

import subprocess
from pathlib import Path


def commit(root: Path) -> str:
    """Return the commit that is checked out, "" outside of git."""
    return _output(root, "rev-parse", "HEAD") or ""


def has_changes(root: Path) -> bool | None:
    """Return whether the tree differs from its commit, None outside of git."""
    status = _output(root, "status", "--porcelain")
    return None if status is None else bool(status)


def user_name(root: Path) -> str:
    """Return the configured user name, "" if there is none."""
    return _output(root, "config", "user.name") or ""


def _output(root: Path, *arguments: str) -> str | None:
    try:
        return subprocess.run(  # noqa: S603  # our own command, no shell
            ["git", *arguments],  # noqa: S607  # the git on the user's PATH
            cwd=root,
            check=True,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
