"""The rights that DRS uses on behalf of its caller: it has no rights of its own to launch or terminate.

Source of the actions: AWS's Service Authorization Reference, "Actions defined by AWS Elastic Disaster Recovery", all
dependent actions of StartRecovery and of TerminateRecoveryInstances. Source of resources and conditions: the AWS
managed policy AWSElasticDisasterRecoveryConsoleFullAccess_v2, which grants them only through a service
(aws:ViaAWSService) and only for resources with the tag AWSElasticDisasterRecoveryManaged. AWS does not document the
phase in which DRS uses a right. In field reports a missing right fails the launch, the job log contains, for example,
"UnauthorizedOperation when calling CreateLaunchTemplateVersion operation", and StartRecovery itself succeeds.

drs:TagResource on the recovery instance is no dependent action in that reference. AWS demands it for the creation of
resources with tags, on its page about tags in DRS, and DRS copies the tags of a source server to its recovery instance
as the caller. That a server without tags needs no such right is a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from simulator.drs.launch_templates import MANAGED, Demand, demands, key_demands
from simulator.drs.resources import SourceServer
from simulator.iam import Access, Denied, authorise_access

VIA = "drs.amazonaws.com"
# How a right's resource carries DRS's tag: it exists and has it, or is created with it.
EXISTS, CREATED = "aws:ResourceTag", "aws:RequestTag"


@dataclass(frozen=True)
class Right:
    """An action on resources of these types. `tagged` is the way they carry DRS's tag, "" for no condition on it."""

    action: str
    types: tuple[str, ...] = ()
    tagged: str = ""
    create_action: str = ""

    def accesses(self, principal: str, server: SourceServer) -> Iterable[Access]:
        _, partition, _, region, account, _ = server.arn.split(":")
        context: dict[str, tuple[str, ...]] = {}
        if self.tagged:
            context[f"{self.tagged}/{MANAGED}"] = (VIA,)
        if self.tagged == EXISTS:
            context[f"ec2:ResourceTag/{MANAGED}"] = (VIA,)
        if self.tagged == CREATED:
            context["aws:TagKeys"] = (MANAGED,)
        if self.create_action:
            context["ec2:CreateAction"] = (self.create_action,)
        if self.action == "iam:PassRole":
            context["iam:PassedToService"] = ("ec2.amazonaws.com",)
        if self.action == "drs:TagResource":
            if not server.tags:
                return
            context |= {f"aws:RequestTag/{key}": (value,) for key, value in server.tags.items()}
            context["aws:TagKeys"] = tuple(server.tags)
        for resource in self._resources(f"arn:{partition}", account, region, server):
            yield Access(principal, self.action, resource, account, region, via_service=VIA, context=context)

    def _resources(self, prefix: str, account: str, region: str, server: SourceServer) -> Iterable[str]:
        service = self.action.partition(":")[0]
        for kind in self.types:
            if service == "iam":
                yield f"{prefix}:iam::{account}:role/service-role/{kind}"
            elif kind == "source-server":
                yield server.arn
            elif service == "drs":
                yield f"{prefix}:drs:{region}:{account}:{kind}/*"
            else:
                yield f"{prefix}:ec2:{region}:{'' if kind == 'image' else account}:{kind}/*"
        if not self.types:
            yield "*"


def _look(*names: str) -> tuple[Right, ...]:
    return tuple(Right(f"ec2:{name}") for name in names)


def _existing(kind: str, *names: str) -> tuple[Right, ...]:
    return tuple(Right(f"ec2:{name}", (kind,), EXISTS) for name in names)


_RUN = (
    Right("ec2:RunInstances", ("instance",), CREATED),
    Right("ec2:RunInstances", ("security-group", "volume", "subnet", "image", "network-interface", "launch-template")),
    Right("ec2:CreateTags", ("instance", "volume", "network-interface"), CREATED, "RunInstances"),
)
_DELETE_MACHINE = _existing("instance", "TerminateInstances") + _existing("volume", "DeleteVolume")

# The rights of each phase, by the job log event of its failure.
LAUNCH_RIGHTS: dict[str, tuple[Right, ...]] = {
    "CLEANUP_FAIL": _look("DescribeInstances", "DescribeVolumes") + _DELETE_MACHINE,
    "SNAPSHOT_FAIL": (
        *_look("DescribeSnapshots", "DescribeVolumes"),
        *_existing("volume", "CreateSnapshot"),
        Right("ec2:CreateSnapshot", ("snapshot",), CREATED),
        Right("ec2:CreateTags", ("snapshot",), CREATED, "CreateSnapshot"),
    ),
    "CONVERSION_FAIL": (
        *_look(
            "DescribeAccountAttributes",
            "DescribeAvailabilityZones",
            "DescribeImages",
            "DescribeInstanceTypes",
            "DescribeSecurityGroups",
            "DescribeSubnets",
        ),
        *_existing(
            "security-group",
            "AuthorizeSecurityGroupEgress",
            "AuthorizeSecurityGroupIngress",
            "RevokeSecurityGroupEgress",
        ),
        Right("iam:PassRole", ("AWSElasticDisasterRecoveryConversionServerRole",)),
        *_RUN,
        Right("ec2:CreateVolume", ("volume",), CREATED),
        Right("ec2:CreateTags", ("volume",), CREATED, "CreateVolume"),
        *_existing("instance", "AttachVolume"),
        *_existing("volume", "AttachVolume"),
        *_look("DescribeInstances", "DescribeInstanceAttribute", "DescribeInstanceStatus"),
        *_existing("instance", "ModifyInstanceAttribute", "StopInstances", "DetachVolume"),
        *_existing("volume", "DetachVolume"),
        *_DELETE_MACHINE,
        *_existing("snapshot", "DeleteSnapshot"),
    ),
    "LAUNCH_FAILED": (
        Right("drs:ListTagsForResource"),
        *_look("DescribeLaunchTemplates", "DescribeLaunchTemplateVersions"),
        Right("ec2:CreateLaunchTemplate", ("launch-template",), CREATED),
        Right("ec2:CreateTags", ("launch-template",), CREATED, "CreateLaunchTemplate"),
        *_existing(
            "launch-template", "CreateLaunchTemplateVersion", "ModifyLaunchTemplate", "DeleteLaunchTemplateVersions"
        ),
        Right("iam:PassRole", ("AWSElasticDisasterRecoveryRecoveryInstanceRole",)),
        *_RUN,
        *_existing("instance", "AttachVolume", "StartInstances"),
        Right("drs:CreateRecoveryInstanceForDrs", ("source-server",)),
        Right("drs:TagResource", ("recovery-instance",)),
    ),
}
TERMINATE_RIGHTS: tuple[Right, ...] = (
    Right("drs:DescribeSourceServers"),
    *_look("DescribeInstances", "DescribeVolumes"),
    *_DELETE_MACHINE,
)


# What single servers demand beyond these. That the conversion needs the key as the launch does is a guess [U].
Demands = Callable[[SourceServer], Iterable[Demand]]
_DEMANDS: dict[str, tuple[Demands, ...]] = {
    "CONVERSION_FAIL": (key_demands,),
    "LAUNCH_FAILED": (demands, key_demands),
}


class _Judging:
    """Whether callers' rights are judged: one switch a process, like the clock."""

    enabled = False


def judge_callers(enabled: bool) -> None:
    """Let launches and terminations depend on the caller's rights, or (the default) not."""
    _Judging.enabled = enabled


def missing_launch_right(phase: str, principal: str | None, server: SourceServer) -> str | None:
    """`missing_right` for a phase of a launch, with what the server's launch template and key demand of it."""
    return _missing(LAUNCH_RIGHTS[phase], _DEMANDS.get(phase, ()), principal, server)


def missing_right(rights: Iterable[Right], principal: str | None, server: SourceServer) -> str | None:
    """The raw error of the first right that the caller lacks, in the form of DRS's job log; None if none is missing.

    A job without a caller belongs to the environment of the test and is not judged.
    """
    return _missing(rights, (), principal, server)


def _missing(
    rights: Iterable[Right], further: Iterable[Demands], principal: str | None, server: SourceServer
) -> str | None:
    if principal is None or not _Judging.enabled:
        return None
    accesses = chain(
        (access for right in rights for access in right.accesses(principal, server)),
        (access for demanded in further for access in _accesses(demanded(server), principal, server)),
    )
    denied = next(filter(None, map(authorise_access, accesses)), None)
    return _raw_error(denied) if denied else None


def _accesses(demanded: Iterable[Demand], principal: str, server: SourceServer) -> Iterator[Access]:
    for one in demanded:
        yield Access(
            principal,
            one.action,
            one.resource,
            server.account,
            server.region,
            via_service=VIA,
            context=dict(one.context),
        )


def _raw_error(denied: Denied) -> str:
    operation = denied.access.action.partition(":")[2]
    return f"An error occurred ({denied.code}) when calling the {operation} operation: {denied.message}"
