"""The commands for authors of scenarios load no simulator: its import takes longer than the whole check."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from traceability.__main__ import entry
try:
    entry()
except SystemExit as ended:
    assert not ended.code, ended.code
print("LOADED", sorted({"simulator", "moto"} & set(sys.modules)))
"""


@pytest.mark.parametrize("words", [("check",), ("phrases", "--check"), ("phrases", "throttle")])
def test_a_command_for_authors_loads_no_simulator(words: tuple[str, ...]) -> None:
    command = [sys.executable, "-c", PROGRAM, *words]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert ended.stdout.splitlines()[-1:] == ["LOADED []"], ended.stdout + ended.stderr
