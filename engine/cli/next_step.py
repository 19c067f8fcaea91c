"""The last lines of `status`: how an operator resumes a failed execution, and ends a kept drill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.client import EngineClient, ExecutionNotFound

DEFAULT_STACK = "drs-execution-engine"


def next_step(engine: EngineClient, record: Mapping[str, Any], stack: str) -> str | None:
    """The exact commands that go on from this execution, or the execution that resumes it; None: no next step."""
    failed, kept = record["Status"] in ("FAILED", "CANCELLED"), _keeps_instances(record)
    if not (kept or (failed and record["ExecutionType"] == "RECOVERY")):
        return None
    if "ResumedBy" in record and _exists(engine, record["ResumedBy"]):
        return f"Resumed by execution {record['ResumedBy']}"
    named = record["ExecutionId"] + ("" if stack == DEFAULT_STACK else f" --stack {stack}")
    resume = [f"To resume it: python -m engine resume {named}"] if failed else []
    clean_up = [f"To terminate its instances: python -m engine cleanup {named}"] if kept else []
    return "\n".join([*resume, *clean_up])


def _keeps_instances(record: Mapping[str, Any]) -> bool:
    """A drill whose plan keeps its instances, and that has launched or inherited one."""
    if record["ExecutionType"] != "DRILL" or record.get("CleanUp", {}).get("Status") != "SKIPPED":
        return False
    names = {"RecoveryInstanceId", "ExistingInstanceId"}
    return any(names & server.keys() for wave in record["Waves"] for server in wave["ServerResults"])


def _exists(engine: EngineClient, execution_id: str) -> bool:
    """A resumption that was refused while it took its servers has left no record."""
    try:
        engine.get(execution_id)
    except ExecutionNotFound:
        return False
    return True
