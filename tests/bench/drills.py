"""Drills of the deployed engine for the benchmarks: plans of any size, times drawn to the second, all counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from engine.client import EngineClient
from engine.deploy import deployment
from simulator import Simulator
from simulator.gateway.journal import JournalEntry

STACK = "engine-bench"
LAUNCH_SECONDS = (420, 600)
BOOT_SECONDS = (20, 60)
GROUP = "all"


@dataclass(frozen=True)
class Drill:
    """Figures of one execution. Seconds are virtual; `critical` is the time of DRS and EC2, wave after wave."""

    seconds: int
    critical: int
    calls: list[JournalEntry]
    transitions: int
    largest_payload: int
    largest_item: int
    status: str

    def count(self, *operations: str) -> int:
        return sum(call.operation in operations for call in self.calls)

    @property
    def operations(self) -> Counter[str]:
        return Counter(f"{call.service}:{call.operation}" for call in self.calls)

    @property
    def share(self) -> float:
        """The time that the engine adds to the critical path, in per cent of it."""
        return 100 * (self.seconds - self.critical) / self.critical

    @property
    def lambda_seconds(self) -> float:
        """Virtual seconds that functions ran: with the simulator's latency of each call, not their own computing."""
        spans = [call for call in self.calls if call.operation == "Invoke" and call.ended]
        return sum((call.ended - call.started).total_seconds() for call in spans if call.ended)

    def units(self, kind: str) -> float:
        return sum((call.consumed or {}).get(kind, 0.0) for call in self.calls)


def run(waves: int, servers_a_wave: int, seed: int = 0, kind: str = "RECOVERY") -> Drill:
    """Run a plan of so many PARALLEL waves with default health checks to its end, clean-up included."""
    rng = Random(seed)  # noqa: S311 - repeatable on purpose
    with Simulator(seed=seed) as aws:
        aws.drs.initialize()
        outputs = deployment.deploy(aws.session(), STACK, parameters={"KeepData": "no"}).outputs
        client = EngineClient(aws.session(), outputs)
        servers = [f"s-{number:017x}" for number in range(waves * servers_a_wave)]
        critical = 0
        documents = []
        for number in range(waves):
            chosen = servers[number * servers_a_wave : (number + 1) * servers_a_wave]
            critical += max(_add(aws, server, rng) for server in chosen)
            documents.append(wave(number + 1, chosen))
        group = {"GroupId": GROUP, "GroupName": GROUP, "Region": aws.region, "AccountId": aws.account}
        client.put_group(group | {"SourceServerIds": servers})
        client.put_plan({"PlanId": "bench", "PlanName": "Bench", "TimeoutSeconds": 86400, "Waves": documents})
        before = len(aws.journal)
        execution = client.start("bench", kind)
        aws.wait_until(lambda: _is_over(aws, outputs, execution), 30 * 3600, settle=30)
        return _drill(aws, outputs, client.get(execution), critical, before)


def _is_over(aws: Simulator, outputs: Mapping[str, str], execution_id: str) -> bool:
    """Read the header only: the record of 1,000 servers takes longer to read than the engine takes for a step."""
    key = {"ExecutionId": {"S": execution_id}, "ItemKey": {"S": "EXECUTION"}}
    item = aws.session().client("dynamodb").get_item(TableName=outputs["ExecutionHistoryTable"], Key=key)["Item"]
    return item.get("CleanUp", {}).get("M", {}).get("Status", {}).get("S") in ("COMPLETED", "FAILED", "SKIPPED")


def _drill(
    aws: Simulator, outputs: Mapping[str, str], record: Mapping[str, Any], critical: int, first_call: int
) -> Drill:
    states = aws.session().client("stepfunctions")
    (machine,) = states.list_executions(stateMachineArn=outputs["StateMachineArn"])["executions"]
    pages = states.get_paginator("get_execution_history").paginate(executionArn=machine["executionArn"])
    entered = [event for page in pages for event in page["events"] if event["type"].endswith("StateEntered")]
    pages = aws.session().client("dynamodb").get_paginator("scan").paginate(TableName=outputs["ExecutionHistoryTable"])
    return Drill(
        seconds=record["DurationSeconds"],
        critical=critical,
        calls=[call for call in aws.journal[first_call:] if call.source != "suite"],
        transitions=len(entered),
        largest_payload=max(len(event["stateEnteredEventDetails"].get("input", "")) for event in entered),
        largest_item=max(len(json.dumps(item)) for page in pages for item in page["Items"]),
        status=record["Status"],
    )


def _add(aws: Simulator, server: str, rng: Random) -> int:
    """Let DRS replicate the server; the seconds that it takes to launch and boot."""
    launch, boot = rng.randint(*LAUNCH_SECONDS), rng.randint(*BOOT_SECONDS)
    aws.drs.add_source_server(server)
    aws.drs.set_launch(server, launch_seconds=launch, boot_seconds=boot)
    return launch + boot


def wave(number: int, servers: list[str]) -> dict[str, Any]:
    return {
        "WaveNumber": number,
        "WaveName": f"Wave {number}",
        "ProtectionGroupId": GROUP,
        "ExecutionType": "PARALLEL",
        "ExecutionOrder": servers,
    }
