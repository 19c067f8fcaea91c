"""Recovery plans as values, read from the documents (PascalCase JSON) of a plan and its protection groups.

`engine.core.validation` checks the documents first, so the functions here assume valid ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Document = Mapping[str, Any]

DEFAULT_TIMEOUT_SECONDS = 4 * 3600

# Prefixes of Regions outside the partition `aws`: China, GovCloud, the isolated and the sovereign ones.
_PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
    "eusc-": "aws-eusc",
}


class ExecutionType(StrEnum):
    """Whether an execution rehearses a recovery or performs it; DRS's `isDrill`."""

    DRILL = "DRILL"
    RECOVERY = "RECOVERY"


class LaunchOrder(StrEnum):
    """A wave's ExecutionType: all servers in one recovery job, or one after the other."""

    PARALLEL = "PARALLEL"
    SEQUENTIAL = "SEQUENTIAL"


class Moment(StrEnum):
    """A moment that a plan can announce to its topic (NotifyOn)."""

    START = "START"
    WAVE = "WAVE"
    APPROVAL = "APPROVAL"
    END = "END"


@dataclass(frozen=True)
class Approval:
    """The approval that a wave needs: rejected without a decision within `timeout_seconds`; `message` is for people."""

    timeout_seconds: int
    message: str | None = None


@dataclass(frozen=True)
class HealthCheck:
    """Checks of a launched instance: at once, then every `interval_seconds`, for the last time at `timeout_seconds`."""

    timeout_seconds: int = 300
    interval_seconds: int = 30


@dataclass(frozen=True)
class Wave:
    """One wave: `servers` in launch order, the waves that it depends on, and its health check."""

    number: int
    name: str
    group_id: str
    launch_order: LaunchOrder
    servers: tuple[str, ...]
    depends_on: tuple[int, ...]
    wait_seconds: int
    health_check: HealthCheck | None
    snapshots: Mapping[str, str]
    approval: Approval | None = None
    # The tags that selected the servers, if the group selects by tag.
    server_tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RecoveryTarget:
    """The account and Region where DRS and EC2 are called; `role_name` absent: the engine's own account."""

    account_id: str
    region: str
    role_name: str | None = None
    external_id: str | None = None

    @property
    def role_arn(self) -> str | None:
        if self.role_name is None:
            return None
        # A role can only be assumed from its own partition, which is that of the target Region.
        return f"arn:{partition_of(self.region)}:iam::{self.account_id}:role/{self.role_name}"


@dataclass(frozen=True)
class Plan:
    """A validated recovery plan: its waves in WaveNumber order."""

    plan_id: str
    name: str
    waves: tuple[Wave, ...]
    target: RecoveryTarget
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS
    topic_arn: str | None = None
    terminate_drill_instances: bool = True
    # Servers whose failure is a warning only.
    optional_servers: frozenset[str] = frozenset()
    recovery_time_objective_seconds: int | None = None
    recovery_point_objective_seconds: int | None = None
    notify_on: tuple[Moment, ...] = (Moment.END,)

    @property
    def servers(self) -> tuple[str, ...]:
        return tuple(server for wave in self.waves for server in wave.servers)


def partition_of(region: str) -> str:
    """The partition in the ARNs of a Region's resources: `aws`, in GovCloud `aws-us-gov`, and so on."""
    return next((name for prefix, name in _PARTITIONS.items() if region.startswith(prefix)), "aws")


def resolve_target(plan: Document, *, account_id: str, region: str) -> RecoveryTarget:
    """The target of the plan; `account_id` and `region` of the engine are the defaults of the plan's fields."""
    return RecoveryTarget(
        account_id=plan.get("TargetAccountId", account_id),
        region=plan.get("TargetRegion", region),
        role_name=plan.get("CrossAccountRoleName") if "TargetAccountId" in plan else None,
        external_id=plan.get("ExternalId"),
    )


def wave_servers(wave: Document, groups: Mapping[str, Document]) -> tuple[str, ...]:
    """The wave's servers in launch order: ExecutionOrder, or the whole group in the group's order.

    A group that selects by tag has servers only after `engine.core.server_tags` has resolved it.
    """
    group = groups.get(wave["ProtectionGroupId"], {})
    return tuple(wave.get("ExecutionOrder", group.get("SourceServerIds", ())))


def wave_dependencies(wave: Document, earlier: tuple[int, ...]) -> tuple[int, ...]:
    """DependsOn; its default is the previous wave (`earlier`: the lower wave numbers, ascending)."""
    return tuple(sorted(wave["DependsOn"])) if "DependsOn" in wave else earlier[-1:]


def parse_plan(plan: Document, groups: Mapping[str, Document], target: RecoveryTarget) -> Plan:
    """Read a validated plan document; `groups` maps GroupId to the protection group's document."""
    documents = sorted(plan["Waves"], key=lambda wave: wave["WaveNumber"])
    numbers = tuple(document["WaveNumber"] for document in documents)
    return Plan(
        plan_id=plan["PlanId"],
        name=plan["PlanName"],
        waves=tuple(_parse_wave(document, numbers[:index], groups) for index, document in enumerate(documents)),
        target=target,
        timeout_seconds=plan.get("TimeoutSeconds", DEFAULT_TIMEOUT_SECONDS),
        topic_arn=plan.get("NotificationTopicArn"),
        terminate_drill_instances=plan.get("TerminateDrillInstances", True),
        optional_servers=frozenset(plan.get("OptionalServers", ())),
        recovery_time_objective_seconds=plan.get("RecoveryTimeObjectiveSeconds"),
        recovery_point_objective_seconds=plan.get("RecoveryPointObjectiveSeconds"),
        notify_on=tuple(Moment(word) for word in plan.get("NotifyOn", [Moment.END])),
    )


def _parse_wave(wave: Document, earlier: tuple[int, ...], groups: Mapping[str, Document]) -> Wave:
    return Wave(
        number=wave["WaveNumber"],
        name=wave["WaveName"],
        group_id=wave["ProtectionGroupId"],
        launch_order=LaunchOrder(wave.get("ExecutionType", LaunchOrder.PARALLEL)),
        servers=wave_servers(wave, groups),
        depends_on=wave_dependencies(wave, earlier),
        wait_seconds=wave.get("WaitTimeSeconds", 0),
        health_check=_parse_health_check(wave.get("HealthCheck", {})),
        snapshots=wave.get("RecoverySnapshots", {}),
        approval=_parse_approval(wave.get("Approval", {})),
        server_tags=groups.get(wave["ProtectionGroupId"], {}).get("ServerTags", {}),
    )


def _parse_approval(document: Document) -> Approval | None:
    if not document.get("Required", False):
        return None
    return Approval(document["TimeoutSeconds"], document.get("Message"))


def _parse_health_check(document: Document) -> HealthCheck | None:
    if not document.get("Enabled", True):
        return None
    return HealthCheck(
        timeout_seconds=document.get("TimeoutSeconds", HealthCheck.timeout_seconds),
        interval_seconds=document.get("IntervalSeconds", HealthCheck.interval_seconds),
    )
