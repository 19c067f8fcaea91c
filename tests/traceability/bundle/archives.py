"""Clones with one commit, and archives of a bundle that were changed after it was written."""

from __future__ import annotations

import hashlib
import json
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.traceability.command_line import Ended, run_command
from traceability.bundle import archive as zips
from traceability.bundle import manifest
from traceability.evaluation.coverage import files as coverage_files
from traceability.evaluation.coverage import totals_of
from traceability.model import catalogue


def commit(root: Path) -> None:
    """Make the folder a clone of a project, with one commit."""
    (root / ".gitignore").write_text("reports\n__pycache__\n")
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=QA", "-c", "user.email=qa@example.com", "commit", "-qm", "All"],
    ):
        subprocess.run(["git", *command], cwd=root, check=True)


def git_in(root: Path, *arguments: str, given: str | None = None) -> str:
    command = ["git", "-c", "user.name=QA", "-c", "user.email=qa@example.com", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True, input=given).stdout.strip()


def rewritten(archive: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """Write a copy of the archive after `change` edited its files."""
    with zipfile.ZipFile(archive) as old:
        files = {name: old.read(name) for name in old.namelist()}
    change(files)
    path = archive.with_name("forged.zip")
    with zipfile.ZipFile(path, "w") as new:
        for name, body in files.items():
            new.writestr(name, body)
    return path


def verify(*arguments: object) -> Ended:
    return run_command("verify", *arguments, "--checkout", Path(str(arguments[0])).parent.parent)


def forged(archive: Path, coverage: Callable[[dict[str, Any]], object], **files: bytes) -> Path:
    """Write a copy of the archive with another coverage, other files, and a manifest that fits them."""

    def forge(inside: dict[str, bytes]) -> None:
        content = json.loads(inside["reports/coverage.json"])
        coverage(content)
        for section in filter(None, (content, content.get("extensions"))):
            section["totals"] = totals_of(section["criteria"])
        inside |= {f"reports/{name}": body for name, body in coverage_files(content, catalogue.load()).items()}
        inside |= files
        described = json.loads(inside[zips.MANIFEST])
        described |= manifest.from_coverage(content)
        described["files"] |= {
            name: {"sha256": hashlib.sha256(body).hexdigest()} for name, body in inside.items() if name != zips.MANIFEST
        }
        inside[zips.MANIFEST] = json.dumps(described).encode()

    return rewritten(archive, forge)


def all_proven(content: dict[str, Any]) -> None:
    for one in content["criteria"]:
        one.update(state="proven", proven_on=[content["target"]])
