"""Judges what the suite was granted once more, with a changed policy: the simulator's own judge, no scenario is run.

An action, resource or principal that is taken away has to make an access that some scenario needed fail. A condition
that is taken away has to let something in that it kept out: an access of the suite, with that one fact of it changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace

from engine.deploy.deployment import deploy
from features.steps.accounts import TEMPLATE as TARGET_TEMPLATE
from features.targets.granted_accesses import Grant
from features.targets.moto import STACK_NAME
from simulator import Simulator
from simulator.iam import Access, judge
from simulator.simulator import DEFAULT_ACCOUNT
from tests.least_privilege.mutations import Mutation, mutations
from tests.least_privilege.policies import PolicyLocation, places

_STRANGER = "999988887777"
# Who deploys in `deployed_for`: may do everything in the engine's account.
_ADMINISTRATOR = "suite"


@dataclass(frozen=True)
class MutationResult:
    """What came of a mutation: the grants that it refuses (`missed`), or what it lets in (`intruder`)."""

    mutation: Mutation
    missed: tuple[Grant, ...]
    intruder: Access | None = None

    @property
    def noticed(self) -> bool:
        return bool(self.missed) or self.intruder is not None


class NotReproduced(Exception):
    """The deployed policies do not grant what the suite was granted: its notes are of another tree."""


def deployed(grants: Sequence[Grant]) -> AbstractContextManager[list[PolicyLocation]]:
    """`deployed_for` the target accounts and roles that the suite recovered with."""
    return deployed_for(_targets(grants))


@contextmanager
def deployed_for(targets: Mapping[tuple[str, str], str]) -> Iterator[list[PolicyLocation]]:
    """A simulated AWS with the engine's stack and the roles of all target accounts of the suite; the policies in it."""
    with Simulator(seed=0) as aws:
        deploy(aws.session(), STACK_NAME, parameters={"KeepData": "no"})
        for (account, role), external_id in targets.items():
            values = {
                "EngineRoleArn": f"arn:aws:iam::{aws.account}:role/{STACK_NAME}-engine",
                "ExternalId": external_id,
                "RoleName": role,
            }
            aws.session(account=account).client("cloudformation").create_stack(
                StackName=f"target-{role}",
                TemplateBody=TARGET_TEMPLATE.read_text(encoding="utf-8"),
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
                Capabilities=["CAPABILITY_NAMED_IAM"],
            )
        yield places(aws.account, STACK_NAME, next(iter(targets)))


def _targets(grants: Sequence[Grant]) -> dict[tuple[str, str], str]:
    """Account and name of each role that was assumed in another account, with the ExternalId that opened it."""
    assumed = [
        one.access
        for one in grants
        if one.access.action == "sts:AssumeRole" and "assumed-role" in one.access.principal_arn
    ]
    found: dict[tuple[str, str], str] = {}
    for access in assumed:
        account, role = str(access.resource).split(":")[4], str(access.resource).rpartition("/")[2]
        if account != DEFAULT_ACCOUNT and "sts:ExternalId" in access.context:
            found[account, role] = access.context["sts:ExternalId"][0]
    if not found:
        raise LookupError("no scenario of the run recovered into another account; run all of them")
    return found


def require_reproduced(grants: Sequence[Grant]) -> None:
    """Raises NotReproduced unless everything the suite was granted is granted here, too."""
    for grant in grants:
        denied = judge(grant.access)
        if denied is not None:
            raise NotReproduced(f"{grant.scenario}: {denied.message}; run `make acceptance` on this tree first")


def findings(policies: Sequence[PolicyLocation], grants: Sequence[Grant]) -> list[MutationResult]:
    """Every mutation of every policy, with what it makes of the suite's grants."""
    by_action: dict[str, list[Grant]] = {}
    for grant in grants:
        by_action.setdefault(grant.access.action, []).append(grant)
    return [_judge(one, by_action) for place in policies for one in mutations(place)]


def _judge(mutation: Mutation, by_action: dict[str, list[Grant]]) -> MutationResult:
    concerned = [grant for action in mutation.actions for grant in by_action.get(action, [])]
    if mutation.kind == "condition":
        return MutationResult(mutation, (), _intruder(mutation, concerned))
    with mutation.place.changed(mutation.document):
        return MutationResult(mutation, tuple(grant for grant in concerned if judge(grant.access) is not None))


def _intruder(mutation: Mutation, concerned: Sequence[Grant]) -> Access | None:
    """An access that only this condition keeps out."""
    for grant in concerned:
        contrary = _contrary(grant.access, mutation.what)
        if judge(contrary) is None:
            continue
        with mutation.place.changed(mutation.document):
            if judge(contrary) is None:
                return contrary
    return None


def _contrary(access: Access, key: str) -> Access:
    """The access with what `key` says about it changed: by nobody's order, of somebody else's, with other words."""
    if key == "aws:ViaAWSService":
        return replace(access, via_service=None)
    if key == "aws:PrincipalArn":
        return replace(access, principal_arn=f"arn:aws:iam::{DEFAULT_ACCOUNT}:user/{_ADMINISTRATOR}")
    if key in ("aws:SourceAccount", "AWS:SourceAccount", "aws:SourceArn", "AWS:SourceArn"):
        parts = (access.source_arn or "").split(":")
        return replace(access, source_arn=":".join([*parts[:4], _STRANGER, *parts[5:]]) if len(parts) > 4 else None)
    return replace(access, context={**access.context, key: ("another",)})
