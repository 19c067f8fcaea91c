"""A day: plans, a world and what goes wrong in it. Plain data, so that a day can be kept, shrunk and read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

Document = dict[str, Any]

OWN_ACCOUNT = "111122223333"
OTHER_ACCOUNT = "444455556666"
REGION = "us-east-1"
ROLE = "drs-execution-engine-target"
EXTERNAL_ID = "simulated-external-id"
GROUP = "everything"


def server_id(number: int) -> str:
    return f"s-{number:017d}"


def snapshot_id(number: int) -> str:
    return f"pit-{number:017d}"


@dataclass(frozen=True)
class Day:
    """One day, times in seconds after its beginning.

    - `plans`: {name, type, waves: [{order, servers, depends_on?, wait, health?: {timeout, interval}, pinned}],
      timeout, keeps_instances, topic}; waves are numbered from 1, `servers` and `pinned` are numbers of servers;
    - `servers`: by number (a text): {launch, fails?, boot, becomes, replicates, snapshot, terminate_fails?}, what DRS
      and EC2 do with it at every launch;
    - `people`: {at, do: start | cancel | abort | foreign_job, plan?, servers?, for_real?}, in the order of `at`;
      what is started for real is a recovery, whatever the plan is for;
    - `faults`: faults of the simulator in their JSON form.
    """

    seed: int
    plans: list[Document]
    servers: dict[str, Document]
    people: list[Document]
    faults: list[Document] = field(default_factory=list)
    quotas: Document = field(default_factory=dict)
    other_account: bool = False
    # Whether moto's interpreter runs the state machine; else a thin loop does.
    interpreter: bool = False
    # After how many ticks a run of the state machine hands over to the next; 0: as the engine has it.
    ticks_per_run: int = 0

    def to_dict(self) -> Document:
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Document) -> Day:
        known = {f.name for f in fields(cls)}
        return cls(**{name: value for name, value in document.items() if name in known})

    @classmethod
    def read(cls, path: Path) -> Day:
        return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))

    @property
    def account(self) -> str:
        """Where the day's plans recover to."""
        return OTHER_ACCOUNT if self.other_account else OWN_ACCOUNT


def plan_id(index: int) -> str:
    return f"plan-{index + 1}"


def kind_of(day: Day, start: Document) -> str:
    """DRILL or RECOVERY: what this start asks for."""
    return "RECOVERY" if start.get("for_real") else str(day.plans[start["plan"]]["type"])


def plan_document(day: Day, index: int, topic_arn: str) -> Document:
    """The recovery plan as an operator would write it."""
    plan = day.plans[index]
    document: Document = {
        "PlanId": plan_id(index),
        "PlanName": plan["name"],
        "Waves": [_wave(number, wave) for number, wave in enumerate(plan["waves"], start=1)],
        "TimeoutSeconds": plan["timeout"],
        "TerminateDrillInstances": not plan["keeps_instances"],
    }
    if plan["topic"]:
        document["NotificationTopicArn"] = topic_arn
    if day.other_account:
        document |= {
            "TargetAccountId": OTHER_ACCOUNT,
            "TargetRegion": REGION,
            "CrossAccountRoleName": ROLE,
            "ExternalId": EXTERNAL_ID,
        }
    return document


def _wave(number: int, wave: Document) -> Document:
    health = wave.get("health")
    document = {
        "WaveNumber": number,
        "WaveName": f"Tier {number}",
        "ProtectionGroupId": GROUP,
        "ExecutionType": wave["order"],
        "ExecutionOrder": [server_id(server) for server in wave["servers"]],
        "WaitTimeSeconds": wave["wait"],
        "HealthCheck": {"Enabled": True, "TimeoutSeconds": health["timeout"], "IntervalSeconds": health["interval"]}
        if health
        else {"Enabled": False},
    }
    if "depends_on" in wave:
        document["DependsOn"] = wave["depends_on"]
    if wave["pinned"]:
        document["RecoverySnapshots"] = {server_id(server): snapshot_id(server) for server in wave["pinned"]}
    return document


def group_document(day: Day) -> Document:
    return {
        "GroupId": GROUP,
        "GroupName": "Every server of the day",
        "SourceServerIds": [server_id(int(number)) for number in day.servers],
        "Region": REGION,
        "AccountId": day.account,
    }
