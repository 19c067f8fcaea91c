"""Writes and checks docs/least-privilege.md: each right, its reason, and the scenario that fails without it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from features.targets.moto import STACK_NAME
from tests.least_privilege.mutations import Mutation, listed
from tests.least_privilege.replay import MutationResult
from tests.least_privilege.trials import TOLERATED, Trial, candidates

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "least-privilege.md"
REASONS = Path(__file__).parent / "reasons.yaml"
_SERVICES = "https://docs.aws.amazon.com/service-authorization/latest/reference"
_SOURCE = f"[service authorization reference]({_SERVICES}/list_awselasticdisasterrecovery.html)"
_INTRODUCTION = f"""# Least privilege

This page lists the rights of the engine's roles, and for each right a scenario that needs it. `make privileges` writes
it from `infra/template.yaml`, `tests/least_privilege/reasons.yaml` and the accesses that an acceptance run recorded.
`make test` fails when the page is out of date, when a right is used by no scenario, or when the removal of a right has
no effect. Who deploys the engine needs other rights: [Rights to deploy](operators.md#rights-to-deploy). That
CloudFormation always needs the rights to read among them is a guess of the simulator.

How it is proven:

- The simulator evaluates every call with the roles' own policies. That includes the EC2 calls that DRS makes on behalf
  of the caller. Every scenario records the accesses that were granted. Each allowed access is used.
- Each action is removed, each resource is moved to another ARN, and each principal is replaced, one at a time. The
  simulator evaluates all recorded accesses again; at least one must be denied.
- Each condition is removed. An access of the suite with that one fact changed must be denied before the removal and
  granted after it.
- For each action of the engine's own roles, the shortest scenario that uses it runs without the action and must fail.
  The last column names it. The engine tolerates the denial of `dynamodb:Query`, so that row names a scenario that uses
  it. A target account's role (`infra/target_account.yaml`) holds the same statements from `Look` on.

The calls that DRS makes on behalf of the caller come from the {_SOURCE}
(dependent actions of StartRecovery and TerminateRecoveryInstances). The phase in which DRS makes each call is a guess
of the simulator; only real AWS can confirm it. The actions are limited by resource type and `aws:ViaAWSService`, not by
the tag that AWS's own console policy requires: launch templates made by hand lack the tag, and their servers would not
start.

Launch settings of single servers need the rights of four statements:

- `LaunchWithOptionsThroughDrs` is always there. It lets a launch template name a key pair, a placement group, capacity
  reservations or a license configuration. A network interface is allowed by `LaunchThroughDrs`.
- `PassProfileRolesThroughDrs` is there only if the parameter `InstanceProfileRoleArns` names roles.
- `UseKeysThroughDrs` and `GrantKeysThroughDrs` are there only if the parameter `EncryptionKeyArns` names KMS keys. The
  policy of a key must allow the account or the role as well.

Not covered: post-launch actions (AWS's managed policy for them is `AWSElasticDisasterRecoveryLaunchActionsPolicy`),
EC2 Fleet for instance requirements, dedicated hosts, and the creation of network interfaces and security groups by DRS,
which AWS's console policy allows and AWS's reference does not list as dependent actions of StartRecovery.
"""


class OutdatedPage(Exception):
    """The page or the reasons differ from the template; `problems` has one line for each difference."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class PageRow:
    """A right: one action of one statement. `scenario` is "" if no trial was run."""

    role: str
    sid: str
    action: str
    resource: str
    condition: str
    why: str
    scenario: str = ""

    def cells(self) -> tuple[str, ...]:
        return (self.role, self.sid, f"`{self.action}`", self.resource, self.condition, self.why, self.scenario)


def reasons() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = yaml.safe_load(REASONS.read_text(encoding="utf-8"))
    return found


def rows(findings: Sequence[MutationResult], trials: Sequence[Trial] = ()) -> list[PageRow]:
    """Return a row for each action of the engine's own policies. Raises OutdatedPage if the reasons do not match."""
    known = reasons()
    removed = [one for one in findings if one.mutation.kind == "action" and one.mutation.place.role != "target account"]
    allowed = {(one.mutation.sid, one.mutation.subject) for one in removed}
    explained = {(sid, action) for sid, actions in known.items() for action in actions}
    problems = [f"{REASONS.name}: {sid}, {action}: no reason is given" for sid, action in allowed - explained]
    problems += [
        f"{REASONS.name}: {sid}, {action}: the template has no such right" for sid, action in explained - allowed
    ]
    if problems:
        raise OutdatedPage(sorted(problems))
    failed = {trial.finding.mutation.title: trial.red.scenario for trial in trials if trial.red}
    if trials:
        tolerated = [one for one in removed if one.mutation.subject in TOLERATED and one.denied]
        failed |= {one.mutation.title: candidates(one)[0].scenario for one in tolerated}
    return [_row(one.mutation, known, _title(failed.get(one.mutation.title, ""))) for one in removed]


def _row(mutation: Mutation, known: Mapping[str, Mapping[str, str]], scenario: str) -> PageRow:
    sid, action, statement = mutation.sid, mutation.subject, mutation.statement
    role = mutation.place.role
    return PageRow(role, sid, action, _resource(statement), _condition(statement), known[sid][action], scenario)


def _title(scenario: str) -> str:
    """Return a scenario's name without the number of its outline row."""
    return re.sub(r" -- @[0-9.]+ *$", "", scenario)


def _resource(statement: Mapping[str, Any]) -> str:
    if "Principal" in statement:
        ((kind, name),) = statement["Principal"].items()
        return _general(f"by {kind} `{name}`")
    return "<br>".join(_general(f"`{one}`") for one in listed(statement["Resource"]))


def _condition(statement: Mapping[str, Any]) -> str:
    return "<br>".join(
        _general(f"`{operator} {key} = {json.dumps(value) if isinstance(value, list) else value}`")
        for operator, keys in statement.get("Condition", {}).items()
        for key, value in keys.items()
    )


def _general(text: str) -> str:
    """Replace the suite's own account, Region and stack by placeholders."""
    return text.replace("111122223333", "ACCOUNT").replace("us-east-1", "REGION").replace(STACK_NAME, "STACK")


def text(table: Sequence[PageRow], findings: Sequence[MutationResult]) -> str:
    kinds = Counter(one.mutation.kind for one in findings)
    counts = ", ".join(f"{count} of {kind}s" for kind, count in kinds.items())
    head = ("Role", "Statement", "Action", "Resource", "Condition", "Why", "Scenario that fails without it")
    lines = [" | ".join(head), " | ".join("---" for _ in head), *(" | ".join(row.cells()) for row in table)]
    body = "\n".join(f"| {line} |" for line in lines)
    return f"{_INTRODUCTION}\nMutations evaluated: {len(findings)} ({counts}), all noticed.\n\n{body}\n"


def require_current(findings: Sequence[MutationResult]) -> None:
    """Raise OutdatedPage unless the page lists exactly the template's rights, each with a scenario that needs it."""
    wanted = {row.cells()[:-1] for row in rows(findings)}
    written = dict(_written())
    problems = [f"{PAGE.name} lacks {', '.join(cells[:3])}" for cells in wanted - written.keys()]
    problems += [
        f"{PAGE.name} lists {', '.join(cells[:3])}, which no longer exists" for cells in written.keys() - wanted
    ]
    needed = {
        (one.mutation.place.role, one.mutation.subject, one.mutation.statement.get("Sid", one.mutation.place.name)): {
            _title(grant.scenario) for grant in one.denied
        }
        for one in findings
        if one.mutation.kind == "action"
    }
    for cells, scenario in written.items():
        role, sid, action = cells[0], cells[1], cells[2].strip("`")
        users = needed.get((role, action, sid), needed.get((role, action, ""), set()))
        if cells in wanted and sid != "trust" and scenario not in users:
            problems.append(f"{PAGE.name}: {sid}, {action}: the scenario {scenario!r} does not need it")
    if problems:
        raise OutdatedPage([f"{one}; run `make privileges`" for one in sorted(problems)])


def _written() -> Iterator[tuple[tuple[str, ...], str]]:
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if (
            line.startswith("| ")
            and len(cells) == len(PageRow.__dataclass_fields__)
            and cells[0] not in ("Role", "---")
        ):
            yield tuple(cells[:-1]), cells[-1]
