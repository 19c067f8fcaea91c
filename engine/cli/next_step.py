"""The last line of `status`: how an operator continues a recovery that has failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.client import EngineClient, ExecutionNotFound

DEFAULT_STACK = "drs-execution-engine"


def next_step(engine: EngineClient, record: Mapping[str, Any], stack: str) -> str | None:
    """The exact command that resumes this execution, or the execution that resumes it; None: no next step."""
    if record["Status"] not in ("FAILED", "CANCELLED") or record["ExecutionType"] != "RECOVERY":
        return None
    if "ResumedBy" in record and _exists(engine, record["ResumedBy"]):
        return f"Resumed by execution {record['ResumedBy']}"
    named = "" if stack == DEFAULT_STACK else f" --stack {stack}"
    return f"To resume it: python -m engine resume {record['ExecutionId']}{named}"


def _exists(engine: EngineClient, execution_id: str) -> bool:
    """A resumption that was refused while it took its servers has left no record."""
    try:
        engine.get(execution_id)
    except ExecutionNotFound:
        return False
    return True
