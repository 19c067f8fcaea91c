"""Replays the accesses of the suite against mutated policies: policy evaluation only, no scenario is run.

A removed action, resource or principal must deny an access that a scenario needed. A removed condition must admit an
access that it denied before: an access of the suite with that one fact changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from moto.kms.models import kms_backends

from features.targets.granted_accesses import Grant
from features.targets.launch_parameters import launch_parameters
from features.targets.moto import STACK_NAME, deploy_engine
from simulator import Simulator
from simulator.iam import Access, judge
from simulator.simulator import DEFAULT_ACCOUNT
from tests.least_privilege.mutations import Mutation, mutations
from tests.least_privilege.policies import PolicyLocation, places

TARGET_TEMPLATE = Path(__file__).parents[2] / "infra" / "target_account.yaml"
_OTHER_ACCOUNT = "999988887777"
# The user that deploys in `deployed_for`; it has all rights in the engine's account.
_ADMINISTRATOR = "suite"
_ANY_KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@dataclass(frozen=True)
class MutationResult:
    """The effect of a mutation: the grants that it denies (`denied`), or an access that it admits (`admitted`)."""

    mutation: Mutation
    denied: tuple[Grant, ...]
    admitted: Access | None = None

    @property
    def noticed(self) -> bool:
        return bool(self.denied) or self.admitted is not None


class NotReproduced(Exception):
    """The deployed policies deny a recorded access: the records were made on another tree."""


def deployed(grants: Sequence[Grant]) -> AbstractContextManager[list[PolicyLocation]]:
    """Return `deployed_for` with the target accounts and roles of the recorded accesses."""
    return deployed_for(_targets(grants), _keys(grants))


@contextmanager
def deployed_for(targets: Mapping[tuple[str, str], str], keys: Iterable[str] = ()) -> Iterator[list[PolicyLocation]]:
    """Simulate AWS with the engine's stack and the roles of the target accounts; yield the policies in it.

    `keys` has the ARNs of the customer's KMS keys that launches use.
    """
    with Simulator(seed=0) as aws:
        for key in keys:
            _provide_key(aws, key)
        deploy_engine(aws.session(), _of_account(keys, aws.account))
        for (account, role), external_id in targets.items():
            values = {
                "EngineRoleArn": f"arn:aws:iam::{aws.account}:role/{STACK_NAME}-engine",
                "ExternalId": external_id,
                "RoleName": role,
                **launch_parameters(aws.session(account=account), _of_account(keys, account)),
            }
            aws.session(account=account).client("cloudformation").create_stack(
                StackName=f"target-{role}",
                TemplateBody=TARGET_TEMPLATE.read_text(encoding="utf-8"),
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
                Capabilities=["CAPABILITY_NAMED_IAM"],
            )
        yield places(aws.account, STACK_NAME, next(iter(targets)))


def _targets(grants: Sequence[Grant]) -> dict[tuple[str, str], str]:
    """Return {(account, role name): ExternalId} of the roles that were assumed in another account."""
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


def _keys(grants: Sequence[Grant]) -> list[str]:
    """Return the ARNs of the KMS keys that launches used."""
    return sorted({str(one.access.resource) for one in grants if one.access.action.startswith("kms:")})


def _of_account(keys: Iterable[str], account: str) -> str:
    return ",".join(one for one in keys if one.split(":")[4] == account) or _ANY_KEY


def _provide_key(aws: Simulator, arn: str) -> None:
    """Create the key with this ARN: its policy decides too."""
    _, _, _, region, account, resource = arn.split(":", 5)
    made = aws.session(account=account, region=region).client("kms").create_key()["KeyMetadata"]["KeyId"]
    keys = kms_backends[account][region].keys
    keys[resource.removeprefix("key/")] = keys.pop(made)


def require_reproduced(grants: Sequence[Grant]) -> None:
    """Raise NotReproduced unless the deployed policies grant every recorded access."""
    for grant in grants:
        denied = judge(grant.access)
        if denied is not None:
            raise NotReproduced(f"{grant.scenario}: {denied.message}; run `make acceptance` on this tree first")


def findings(policies: Sequence[PolicyLocation], grants: Sequence[Grant]) -> list[MutationResult]:
    """Return the result of each mutation of each policy."""
    by_action: dict[str, list[Grant]] = {}
    for grant in grants:
        by_action.setdefault(grant.access.action, []).append(grant)
    return [_evaluate(one, by_action) for place in policies for one in mutations(place)]


def _evaluate(mutation: Mutation, by_action: dict[str, list[Grant]]) -> MutationResult:
    concerned = [grant for action in mutation.actions for grant in by_action.get(action, [])]
    if mutation.kind == "condition":
        return MutationResult(mutation, (), _admitted(mutation, concerned))
    with mutation.place.changed(mutation.document):
        return MutationResult(mutation, tuple(grant for grant in concerned if judge(grant.access) is not None))


def _admitted(mutation: Mutation, concerned: Sequence[Grant]) -> Access | None:
    """Return an access that only this condition denies."""
    for grant in concerned:
        altered = _altered(grant.access, mutation.subject)
        if judge(altered) is None:
            continue
        with mutation.place.changed(mutation.document):
            if judge(altered) is None:
                return altered
    return None


def _altered(access: Access, key: str) -> Access:
    """Return the access with the fact changed that the condition key `key` tests: caller, account or value."""
    if key == "aws:ViaAWSService":
        return replace(access, via_service=None)
    if key == "aws:PrincipalArn":
        return replace(access, principal_arn=f"arn:aws:iam::{DEFAULT_ACCOUNT}:user/{_ADMINISTRATOR}")
    if key in ("aws:SourceAccount", "AWS:SourceAccount", "aws:SourceArn", "AWS:SourceArn"):
        parts = (access.source_arn or "").split(":")
        return replace(
            access, source_arn=":".join([*parts[:4], _OTHER_ACCOUNT, *parts[5:]]) if len(parts) > 4 else None
        )
    return replace(access, context={**access.context, key: ("another",)})
