"""A case: plans, servers, actions of operators and faults, as plain data that can be stored and reduced."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Document = dict[str, Any]

OWN_ACCOUNT = "111122223333"
OTHER_ACCOUNT = "444455556666"
REGION = "us-east-1"
ROLE = "drs-execution-engine-target"
EXTERNAL_ID = "simulated-external-id"
# These names are part of the call journal of a seed: another name would change its digest.
GROUP, GROUP_NAME = "everything", "Every server of the day"


def server_id(number: int) -> str:
    return f"s-{number:017d}"


def snapshot_id(number: int) -> str:
    return f"pit-{number:017d}"


@dataclass(frozen=True)
class Case:
    """One case. Times are seconds after the start of the case.

    - `plans`: {name, type, waves: [{order, servers, depends_on?, wait, health?: {timeout, interval}, pinned}],
      timeout, keeps_instances, topic}; waves are numbered from 1, `servers` and `pinned` are numbers of servers;
    - `servers`: by number (a string): {launch, fails?, boot, becomes, replicates, snapshot, terminate_fails?}, the
      behaviour of DRS and EC2 at every launch of the server;
    - `actions` in the order of `at`: {at, do: start | cancel | abort | foreign_job | resume, plan?, servers?,
      recovery?, keep?, cancel_drills?, take_over?, patient?, heal?}; `recovery` starts a RECOVERY even if the plan is
      of type DRILL; `keep` keeps the instances of earlier recoveries; `cancel_drills` cancels the drills that hold its
      servers; `take_over` names all running executions; `resume` resumes the newest execution of the plan; a `patient`
      operator first waits until all executions are over; `heal` first lets all servers be launched;
    - `faults`: faults of the simulator in their JSON form.
    """

    seed: int
    plans: list[Document]
    servers: dict[str, Document]
    actions: list[Document]
    faults: list[Document] = field(default_factory=list)
    quotas: Document = field(default_factory=dict)
    other_account: bool = False
    # True: moto's interpreter runs the state machine. False: the thin loop runs it.
    interpreter: bool = False
    # Ticks after which a run of the state machine hands over to the next; 0: the engine's own number.
    ticks_per_run: int = 0

    def to_dict(self) -> Document:
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Document) -> Case:
        return cls(**document)

    @classmethod
    def read(cls, path: Path) -> Case:
        return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))

    @property
    def account(self) -> str:
        """The account to which the plans of the case recover."""
        return OTHER_ACCOUNT if self.other_account else OWN_ACCOUNT


def plan_id(index: int) -> str:
    return f"plan-{index + 1}"


def execution_type(case: Case, start: Document) -> str:
    """DRILL or RECOVERY: the type that this start requests."""
    return "RECOVERY" if start.get("recovery") else str(case.plans[start["plan"]]["type"])


def plan_document(case: Case, index: int, topic_arn: str) -> Document:
    """The recovery plan in the form that operators write."""
    plan = case.plans[index]
    document: Document = {
        "PlanId": plan_id(index),
        "PlanName": plan["name"],
        "Waves": [_wave(number, wave) for number, wave in enumerate(plan["waves"], start=1)],
        "TimeoutSeconds": plan["timeout"],
        "TerminateDrillInstances": not plan["keeps_instances"],
    }
    if plan["topic"]:
        document["NotificationTopicArn"] = topic_arn
    if case.other_account:
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


def group_document(case: Case) -> Document:
    return {
        "GroupId": GROUP,
        "GroupName": GROUP_NAME,
        "SourceServerIds": [server_id(int(number)) for number in case.servers],
        "Region": REGION,
        "AccountId": case.account,
    }
