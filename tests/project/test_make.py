"""make on a machine that lacks a tool: one line with the remedy, an exit code other than 0, no partial set-up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
# A make that was started by make speaks of its level and takes over its flags.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("Makefile", "requirements.lock", "requirements-setup.lock", "package-lock.json", "package.json"):
        shutil.copy(PROJECT / name, tmp_path)
    return tmp_path


def setup(clone: Path, python: str) -> tuple[int, list[str]]:
    command = ["make", "setup", f"PYTHON={python}"]
    ended = subprocess.run(command, cwd=clone, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    # make itself adds "*** Error"; the test reads the line before it.
    return ended.returncode, [line for line in ended.stderr.splitlines() if "***" not in line]


def fake_python(clone: Path, script: str) -> str:
    path = clone / "fake-python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_no_python_at_all(clone: Path) -> None:
    code, said = setup(clone, "")
    assert code != 0
    assert said == ["make: no Python 3.11 or newer found; install one, or name it: make PYTHON=/path/to/python3"]


def test_a_python_that_is_too_old(clone: Path) -> None:
    code, said = setup(clone, "false")
    assert code != 0
    assert said == ["make: false is not Python 3.11 or newer; name another: make PYTHON=/path/to/python3"]


def test_a_python_without_venv(clone: Path) -> None:
    python = fake_python(clone, f'case "$1" in -c) exec {sys.executable} "$@";; *) exit 1;; esac')
    code, said = setup(clone, python)
    assert code != 0
    assert len(said) == 1
    assert "cannot make a virtual environment; install its venv module" in said[0]
    assert not (clone / ".venv" / ".installed").exists()


def test_a_stamp_without_a_working_interpreter_does_not_count(clone: Path) -> None:
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / ".installed").touch()
    setup(clone, "false")
    assert not (clone / ".venv" / ".installed").exists()


def test_a_second_setup_does_nothing() -> None:
    # A dry run: a real one would reinstall the environment, which several working copies may share.
    command = ["make", "--dry-run", "setup"]
    ended = subprocess.run(command, cwd=PROJECT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.strip()) == (0, "make: Nothing to be done for 'setup'.")
