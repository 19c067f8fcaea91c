"""Notes that the processes of a run leave: the endpoints they called, the account, and answers of AWS.

The target of a run is derived from these endpoints and from no other source.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from traceability.model import redaction

RUN_DIRECTORY = "TRACEABILITY_RUN_DIRECTORY"
"""Environment variable: the folder for the notes of a run that is evaluated. Unset: no note is written."""

ACCOUNT = "account.txt"
CHANGED_INPUTS = "changed-inputs.txt"


def record_endpoint(host: str, *, connected: bool) -> None:
    """Note that calls went to `host`; `connected` says whether a network connection left this process.

    The target of the run (moto, aws or aws-rehearsal) is derived from these notes alone.
    """
    directory = os.environ.get(RUN_DIRECTORY)
    if directory is None:
        return
    # Several processes may share a run: each keeps a file of its own.
    path = Path(directory) / f"endpoints-{os.getpid()}.json"
    known = {(item["host"], item["connected"]) for item in _read(path)}
    if (host, connected) not in known:
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = sorted({*known, (host, connected)})
        path.write_text(json.dumps([{"host": name, "connected": left} for name, left in rows]), encoding="utf-8")


def record_account(account: str) -> None:
    """Note in which account a run on AWS plays; the note keeps its last four digits."""
    directory = os.environ.get(RUN_DIRECTORY)
    if directory is not None:
        (Path(directory) / ACCOUNT).write_text(redaction.account(account), encoding="utf-8")


def record_answers(rows: Iterable[Mapping[str, Any]]) -> None:
    """Keep answers of AWS, redacted, one JSON document a line, for a comparison with the simulator."""
    directory = os.environ.get(RUN_DIRECTORY)
    if directory is not None:
        with (Path(directory) / f"answers-{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(redaction.document(row), default=str)}\n" for row in rows)


def record_changed_inputs(directory: Path, names: Sequence[str]) -> None:
    """Note the inputs that changed while the suite ran: its results belong to no tree."""
    if names:
        (directory / CHANGED_INPUTS).write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def changed_inputs(directory: Path) -> list[str]:
    """Return the inputs that changed while the suite ran."""
    path = directory / CHANGED_INPUTS
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def load_account(directory: Path) -> str:
    """Return the masked account of a run, "" when none was noted."""
    path = directory / ACCOUNT
    return path.read_text(encoding="utf-8") if path.exists() else ""


def load_endpoints(directory: Path) -> list[dict[str, Any]]:
    """Return `[{"host": str, "connected": bool}]` of all processes of a run, empty when they noted none."""
    return [item for path in sorted(directory.glob("endpoints-*.json")) for item in _read(path)]


def _read(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return rows


def target_of(endpoints: Iterable[Mapping[str, Any]]) -> str:
    """Return moto, aws-rehearsal or aws, whichever the endpoints prove; "" when they prove none or contradict."""
    found = {_endpoint_target(item["host"], connected=item["connected"]) for item in endpoints}
    return found.pop() if len(found) == 1 else ""


def _endpoint_target(host: str, *, connected: bool) -> str:
    name = host.rsplit(":", 1)[0].strip("[]").lower()
    if not connected:
        return "moto"
    if name == "localhost" or name == "::1" or name.startswith("127."):
        return "aws-rehearsal"
    return "aws" if name.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")) else ""
