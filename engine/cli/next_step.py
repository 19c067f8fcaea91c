"""The last lines of `status`: how an operator resumes a failed execution, and terminates what a drill left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from engine.cli.times import moment
from engine.client import EngineClient, ExecutionNotFound, StartRefused

DEFAULT_STACK = "drs-execution-engine"
_LEFT_OUT = 3


def next_step(engine: EngineClient, record: Mapping[str, Any], stack: str) -> str | None:
    """The exact commands that go on from this execution, or the execution that resumes it; None: no next step."""
    kept = engine.keeps_instances(record)
    # A drill can be resumed only if its plan keeps its instances.
    lasts = record["ExecutionType"] == "RECOVERY" or (kept and record["CleanUp"]["Status"] == "SKIPPED")
    failed = lasts and record["Status"] in ("FAILED", "CANCELLED")
    if not (kept or failed):
        return None
    if "ResumedBy" in record and _exists(engine, record["ResumedBy"]):
        return f"Resumed by execution {record['ResumedBy']}"
    named = record["ExecutionId"] + ("" if stack == DEFAULT_STACK else f" --stack {stack}")
    resume = [f"To resume it: python -m engine resume {named}"] if failed else []
    if failed and (without := _failed_again(record)):
        resume.append(f"To leave out the servers that failed again: python -m engine resume {named}{without}")
    clean_up = [f"To terminate its instances: python -m engine cleanup {named}"] if kept else []
    return "\n".join([*resume, *clean_up])


def _failed_again(record: Mapping[str, Any]) -> str:
    """The options that leave out what a resumption could not launch either; empty if the list is long."""
    servers = [server for wave in record["Waves"] for server in wave["ServerResults"] if server["Status"] == "FAILED"]
    if "ResumedFrom" not in record or len(servers) > _LEFT_OUT:
        return ""
    return "".join(f" --skip-server {server['SourceServerId']}" for server in servers)


@contextmanager
def offering_resumption(engine: EngineClient, plan_id: str) -> Iterator[None]:
    """Add to the refusal of a recovery the command that continues the failed one, where there is one."""
    try:
        yield
    except StartRefused as refusal:
        if refusal.existing and (command := _resumption(engine, plan_id)):
            raise StartRefused([*refusal.problems, command], refusal.existing) from None
        raise


def _resumption(engine: EngineClient, plan_id: str) -> str | None:
    """The command that continues the newest recovery of the plan, if it has failed.

    It keeps all instances in the way, whichever execution has launched them.
    """
    executions = engine.list_by_plan(plan_id, limit=100).items
    newest = next((one for one in executions if one["ExecutionType"] == "RECOVERY"), None)
    if newest is None or newest["Status"] not in ("FAILED", "CANCELLED"):
        return None
    since = moment(newest["StartTime"], seconds=False)
    return (
        f"execution {newest['ExecutionId']}\n"
        f"({newest['Status']}, started {since} UTC) can be resumed with these instances:\n"
        f"  python -m engine resume {newest['ExecutionId']}"
    )


def _exists(engine: EngineClient, execution_id: str) -> bool:
    """A resumption that was refused while it took its servers has left no record."""
    try:
        engine.get(execution_id)
    except ExecutionNotFound:
        return False
    return True
