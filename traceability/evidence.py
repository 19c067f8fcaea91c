"""What a scenario leaves behind for a reader who distrusts it: record, calls, timeline, plan.

The suite calls these functions during a scenario or in its `after_scenario` hook. Each attaches to the Allure result of
the scenario that is running; without the formatter they do nothing. Everything passes the redaction first.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import allure

from traceability import redaction
from traceability.pages import render
from traceability.timeline import timeline_svg

RUN_DIRECTORY = "TRACEABILITY_RUN_DIRECTORY"
"""Environment variable: where a run that is to be judged keeps its own notes. Unset: nothing is noted."""


class Call(Protocol):
    """One AWS call of the journal, as it was seen at the boundary."""

    @property
    def service(self) -> str: ...
    @property
    def operation(self) -> str: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def response(self) -> Mapping[str, Any] | None: ...
    @property
    def error_code(self) -> str | None: ...
    @property
    def error_message(self) -> str | None: ...
    @property
    def started(self) -> datetime: ...
    @property
    def ended(self) -> datetime: ...
    @property
    def account(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def principal(self) -> str: ...
    @property
    def source(self) -> str: ...


def attach_record(document: Mapping[str, Any], name: str = "Execution record") -> None:
    """Attach one execution record, as the engine's public client returns it."""
    _attach_json(name, document)


def attach_plan(plan: Mapping[str, Any], name: str = "Recovery plan") -> None:
    """Attach the recovery plan that the scenario ran."""
    _attach_json(name, plan)


def attach_calls(calls: Sequence[Call], name: str = "AWS calls in order") -> None:
    """Attach the AWS calls, oldest first: a table to read and the same as JSON. No call at all is evidence, too."""
    rows = [redaction.document(_call_row(number, call)) for number, call in enumerate(calls, 1)]
    first = calls[0].started if calls else None
    _attach(name, render("calls.html", rows=rows, first=first and _iso(first)), allure.attachment_type.HTML)
    _attach_json(f"{name} (JSON)", rows)


def attach_timeline(record: Mapping[str, Any], calls: Sequence[Call], name: str = "Wave timeline") -> None:
    """Attach a picture of the waves, servers, waits, health checks and retries on the time axis of AWS."""
    _attach(name, timeline_svg(record, calls), allure.attachment_type.SVG)


def attach_text(name: str, text: str) -> None:
    """Attach plain text, such as the message a subscriber received."""
    _attach(name, text, allure.attachment_type.TEXT)


def record_endpoint(host: str, *, connected: bool) -> None:
    """Note that calls went to `host`; `connected` says whether a network connection left this process.

    The target of the run (moto, aws or aws-rehearsal) is derived from these notes and from nothing else.
    """
    directory = os.environ.get(RUN_DIRECTORY)
    if directory is None:
        return
    path = Path(directory) / "endpoints.json"
    known = {(item["host"], item["connected"]) for item in load_endpoints(path)}
    if (host, connected) not in known:
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = sorted({*known, (host, connected)})
        path.write_text(json.dumps([{"host": name, "connected": left} for name, left in rows]), encoding="utf-8")


def load_endpoints(path: Path) -> list[dict[str, Any]]:
    """Return `[{"host": str, "connected": bool}]`, empty when the run noted none."""
    if not path.exists():
        return []
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
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


def _call_row(number: int, call: Call) -> dict[str, Any]:
    return {
        "number": number,
        "time": _iso(call.started),
        "milliseconds": round((call.ended - call.started).total_seconds() * 1000),
        "service": call.service,
        "operation": call.operation,
        "source": call.source,
        "principal": call.principal,
        "account": call.account,
        "region": call.region,
        "parameters": call.parameters,
        "response": call.response,
        "error_code": call.error_code,
        "error_message": call.error_message,
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _attach_json(name: str, value: Any) -> None:
    # default=str: times and decimals of an AWS answer are written the way people read them.
    body = json.dumps(redaction.document(value), indent=2, ensure_ascii=False, default=str)
    _attach(name, body, allure.attachment_type.JSON)


def _attach(name: str, body: str, kind: allure.attachment_type) -> None:
    allure.attach(redaction.text(body), name=name, attachment_type=kind)
