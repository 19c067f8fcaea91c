"""The readiness check of 1,000 servers at the command line: its calls, and its virtual time against one by one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from engine.client import EngineClient
from engine.deploy import deployment
from tests.serving import SimulatorServer, serving

STACK = "engine-bench"
ACCOUNT = "111122223333"
SIZES = (6, 100, 1_000)
# Questions of which each concerns one server.
SINGLE = {"DescribeRecoverySnapshots", "GetLaunchConfiguration"}
WAVE = {"WaveNumber": 1, "WaveName": "All", "ExecutionType": "PARALLEL"}


def bench_check() -> None:
    table = Table(title="check PLAN of healthy servers, 0.08 s a call", title_justify="left")
    for column in ("servers", "batched calls", "single calls", "virtual s", "one by one s", "ratio", "real s"):
        table.add_column(column, justify="right")
    with serving("--virtual") as server:
        client = _deployed(server)
        for size in SIZES:
            table.add_row(*_row(server, client, size))
    print()
    Console(width=100).print(table)


def _deployed(server: SimulatorServer) -> EngineClient:
    os.environ |= server.variables
    session = server.session()
    stack = deployment.deploy(session, STACK, parameters={"KeepData": "no"}, sleep=lambda seconds: None)
    return EngineClient(session, stack.outputs)


def _row(server: SimulatorServer, client: EngineClient, size: int) -> list[str]:
    place = {"AccountId": ACCOUNT, "Region": server.facts["region"]}
    servers = [f"s-{number:017x}" for number in range(size)]
    server.control.add_environment({**place, "SourceServers": [{"SourceServerId": one} for one in servers]})
    group = f"group-{size}"
    client.put_group({"GroupId": group, "GroupName": group, "SourceServerIds": servers, **place})
    client.put_plan({"PlanId": "bench", "PlanName": "Bench", "Waves": [WAVE | {"ProtectionGroupId": group}]})
    before, begun = len(server.control.journal()), time.perf_counter()
    command = [sys.executable, "-m", "engine", "check", "bench", "--stack", STACK]
    subprocess.run(command, env=os.environ | server.variables, capture_output=True, check=True)
    real = time.perf_counter() - begun
    calls = server.control.journal()[before:]
    counts = Counter(call["operation"] for call in calls)
    single = sum(counts[operation] for operation in SINGLE)
    virtual, alone = _virtual_seconds(calls), sum(map(_seconds, (one for one in calls if one["operation"] != "Invoke")))
    numbers = (size, len(calls) - single, single)
    return [*map(str, numbers), f"{virtual:.1f}", f"{alone:.1f}", f"{virtual / alone:.2f}", f"{real:.1f}"]


def _virtual_seconds(calls: list[dict[str, Any]]) -> float:
    moments = [datetime.fromisoformat(call[end]) for call in calls for end in ("started", "ended")]
    return (max(moments) - min(moments)).total_seconds()


def _seconds(call: dict[str, Any]) -> float:
    return (datetime.fromisoformat(call["ended"]) - datetime.fromisoformat(call["started"])).total_seconds()
