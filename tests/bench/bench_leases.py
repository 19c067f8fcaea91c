"""What the leases of servers cost in DynamoDB: at a start, at a take-over of all its servers, and when they close."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from engine.client import EngineClient
from engine.core.chunks import chunks
from engine.deploy import deployment
from simulator import Simulator
from simulator.gateway.journal import JournalEntry
from tests.bench.drills import GROUP, STACK, wave

T = TypeVar("T")

SIZES = (6, 100, 1000)
SERVERS_A_WAVE = 100
LEASE, WRITES = "SERVER#", ("Put", "Delete", "Update")


def bench_leases() -> None:
    table = Table(title="Leases in DynamoDB, and all writes of the same calls", title_justify="left")
    for column in ("servers", "", "lease writes", "transactions", "lease units", "reads", "all write units"):
        table.add_column(column, justify="right")
    for size in SIZES:
        for name, calls in _situations(size).items():
            table.add_row(f"{size:,}", name, *_figures(calls))
    print()
    Console(width=110).print(table)


def _situations(size: int) -> dict[str, list[JournalEntry]]:
    """The calls of the engine in each situation of a recovery of so many servers."""
    with Simulator() as aws:
        client = _deployed(aws, size)
        execution, start = _calls(aws, lambda: client.start("first", "RECOVERY"))
        close = _closing(aws, client, execution)
    with Simulator() as aws:
        client = _deployed(aws, size)
        before = client.start("first", "RECOVERY")
        execution, take_over = _calls(aws, lambda: client.start("second", "RECOVERY", take_over=[before]))
        both = _closing(aws, client, before, execution)
    return {"start": start, "close": close, "take-over": take_over, "close of both": both}


def _deployed(aws: Simulator, size: int) -> EngineClient:
    aws.drs.initialize()
    outputs = deployment.deploy(aws.session(), STACK, parameters={"KeepData": "no"}).outputs
    client = EngineClient(aws.session(), outputs)
    servers = [aws.drs.add_source_server(f"s-{number:017x}") for number in range(size)]
    group = {"GroupId": GROUP, "GroupName": GROUP, "Region": aws.region, "AccountId": aws.account}
    client.put_group(group | {"SourceServerIds": servers})
    waves = [wave(number, some) for number, some in enumerate(chunks(servers, SERVERS_A_WAVE), start=1)]
    for plan in ("first", "second"):
        client.put_plan({"PlanId": plan, "PlanName": plan, "TimeoutSeconds": 86400, "Waves": waves})
    return client


def _closing(aws: Simulator, client: EngineClient, *executions: str) -> list[JournalEntry]:
    client.cancel(executions[-1])
    _, calls = _calls(aws, lambda: aws.advance(1800))
    assert all(client.get(one)["Status"] == "CANCELLED" for one in executions)
    return calls


def _calls(aws: Simulator, act: Callable[[], T]) -> tuple[T, list[JournalEntry]]:
    before = len(aws.journal)
    result = act()
    return result, [call for call in aws.journal[before:] if call.source == "lambda"]


def _figures(calls: list[JournalEntry]) -> tuple[str, ...]:
    """Writes of lease items, their transactions, the units of these transactions, lease items read, all write units."""
    transactions = [call for call in calls if _lease_writes(call)]
    read = [call for call in calls if call.operation == "BatchGetItem" and LEASE in str(call.parameters)]
    return (
        f"{sum(map(_lease_writes, transactions)):,}",
        f"{len(transactions):,}",
        f"{sum(map(_units, transactions)):,.0f}",
        f"{len(read):,}",
        f"{sum(map(_units, calls)):,.0f}",
    )


def _lease_writes(call: JournalEntry) -> int:
    writes = call.parameters.get("TransactItems", ()) if call.operation == "TransactWriteItems" else ()
    return sum(LEASE in str(write[kind]) for write in writes for kind in WRITES if kind in write)


def _units(call: JournalEntry) -> float:
    return float((call.consumed or {}).get("write_units", 0))
