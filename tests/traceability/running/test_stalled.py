"""A stalled run is ended, and its log shows the stacks of its threads."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from traceability.running import processes

PROGRAM = "import time\n\ndef waits_for_ever():\n    time.sleep(600)\n\nprint('begun', flush=True)\nwaits_for_ever()\n"
DEAF = f"import signal; signal.signal(signal.SIGABRT, signal.SIG_IGN)\n{PROGRAM}"


def stalled(tmp_path: Path, program: str, *options: str) -> tuple[int, str]:
    """Return the exit code and the output of a process that was watched until it counted as stalled."""
    (tmp_path / "program.py").write_text(program)
    log = tmp_path / "behave.log"
    with (
        log.open("w") as written,
        subprocess.Popen(
            [sys.executable, *options, tmp_path / "program.py"], stdout=subprocess.PIPE, stderr=written
        ) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        (code,) = processes._watch([process], tmp_path, lambda done: None, 0.3)
    return code, log.read_text()


def test_the_log_of_a_stalled_run_shows_its_stack(tmp_path):
    code, log = stalled(tmp_path, PROGRAM, "-X", "faulthandler")
    assert code == -signal.SIGABRT
    assert "in waits_for_ever" in log


def test_a_process_that_ignores_the_signal_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "_STACK_DUMP_SECONDS", 0.5)
    assert stalled(tmp_path, DEAF)[0] == -signal.SIGKILL
