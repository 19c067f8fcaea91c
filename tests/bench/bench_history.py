"""The costs of a history page at 1,000 and at 100,000 executions: one Query, whose bytes and units do not grow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.table import Table

from engine.client import EngineClient
from engine.deploy import deployment
from simulator import Simulator

COUNTS = (1_000, 100_000)
NEWEST = datetime(2026, 1, 1, tzinfo=UTC)


def bench_history_page() -> None:
    table = Table(title="The newest 25 executions of a plan, and with a status", title_justify="left")
    for column in ("executions", "list", "calls", "bytes read", "read units"):
        table.add_column(column, justify="right")
    for count in COUNTS:
        with Simulator() as aws:
            outputs = deployment.deploy(aws.session(), "bench", parameters={"KeepData": "no"}).outputs
            _seed(aws, outputs["ExecutionHistoryTable"], count)
            client = EngineClient(aws.session(), outputs)
            for name, read in (("plan", client.list_by_plan), ("status", client.list_by_status)):
                before = len(aws.journal)
                page = read("bench" if name == "plan" else "COMPLETED")
                assert len(page.items) == 25
                calls = aws.journal[before:]
                used = calls[0].consumed or {}
                table.add_row(f"{count:,}", name, str(len(calls)), f"{used['bytes']:,.0f}", f"{used['read_units']:.1f}")
    print()
    Console(width=100).print(table)


def _seed(aws: Simulator, name: str, count: int) -> None:
    """Headers as ended executions leave them, put below the API: 100,000 calls would take minutes."""
    aws.table(name).fill(_header(number) for number in range(count))


def _header(number: int) -> dict[str, dict[str, str]]:
    start = (NEWEST - timedelta(minutes=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    texts = {
        "ExecutionId": f"00000000-0000-4000-8000-{number:012x}",
        "ItemKey": "EXECUTION",
        "PlanId": "bench",
        "PlanName": "Bench",
        "ExecutionType": "DRILL",
        "Status": "COMPLETED",
        "StartTime": start,
        "EndTime": start,
        "InitiatedBy": "arn:aws:iam::111122223333:user/operator",
    }
    item = {key: {"S": text} for key, text in texts.items()}
    return item | {"ServerCount": {"N": "6"}, "DurationSeconds": {"N": "1800"}}
