"""docs/least-privilege.md: what is allowed, why, and which scenario fails without it."""

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
from tests.least_privilege.mutations import listed
from tests.least_privilege.replay import MutationResult
from tests.least_privilege.trials import TOLERATED, Trial, candidates

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "least-privilege.md"
REASONS = Path(__file__).parent / "reasons.yaml"
_SERVICES = "https://docs.aws.amazon.com/service-authorization/latest/reference"
_SOURCE = f"[service authorization reference]({_SERVICES}/list_awselasticdisasterrecovery.html)"
_INTRODUCTION = f"""# Least privilege

What the engine's roles may do, and what shows that they need it. Made by `make privileges` from
`infra/template.yaml`, `tests/least_privilege/reasons.yaml` and the notes of an acceptance run; `make test` fails when
it is not current, when something is allowed that no scenario uses, or when a right could be taken away unnoticed.

How it is proven:

- The simulator judges every call with the roles' own policies, EC2 calls that DRS makes in the caller's name included,
  and every scenario notes what was granted. Allowed minus used is empty.
- Each action is removed, each resource moved to another ARN, each principal replaced, one at a time, and everything
  that the suite was granted is judged again by the simulator's own judge: something must be refused.
- Each condition is removed: an access of the suite with that one fact changed must have been refused before, and must
  now be let in.
- For each action of the engine's own roles the shortest scenario that uses it is really run without it, and fails: the
  last column; the engine bears the loss of `dynamodb:Query`, so there it is one that
  uses it. A target account's role (`infra/target_account.yaml`) holds the same statements from `Look` on.

What DRS does in the caller's name is taken from AWS's {_SOURCE} (dependent actions of StartRecovery and
TerminateRecoveryInstances). In which phase it uses which is the simulator's guess, and real AWS has the last word.
The actions are scoped by kind of resource and `aws:ViaAWSService`, not by DRS's tag as in AWS's own console policy:
launch templates made by hand lack the tag, and their servers would not start.
"""


class OutdatedPage(Exception):
    """The page, or the reasons, do not say what the template says; `problems` has one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class PageRow:
    """A right: one action of one statement. `scenario` is "" where none was tried."""

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
    """A row for each action of the engine's own policies. Raises OutdatedPage where the reasons do not fit."""
    red = {trial.finding.mutation.title: _title(trial.red.scenario) for trial in trials if trial.red}
    known, found, problems = reasons(), [], []
    for finding in findings:
        mutation = finding.mutation
        if mutation.kind != "action" or mutation.place.role == "target account":
            continue
        statement = mutation.statement
        sid = mutation.place.name if mutation.place.name == "trust" else statement["Sid"]
        why = known.get(sid, {}).get(mutation.what)
        if why is None:
            problems.append(f"{REASONS.name}: {sid}, {mutation.what}: no reason is given")
        scenario = red.get(mutation.title, "")
        if mutation.what in TOLERATED and trials and finding.missed:
            scenario = _title(candidates(finding)[0].scenario)
        role = mutation.place.role
        found.append(
            PageRow(role, sid, mutation.what, _resource(statement), _condition(statement), why or "", scenario)
        )
    allowed = {(row.sid, row.action) for row in found}
    problems += [
        f"{REASONS.name}: {sid}, {action}: the template allows no such thing"
        for sid, actions in known.items()
        for action in actions
        if (sid, action) not in allowed
    ]
    if problems:
        raise OutdatedPage(problems)
    return found


def _title(scenario: str) -> str:
    """A scenario's name without the number of its row."""
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
    """Without the names of the suite's own account, Region and stack."""
    return text.replace("111122223333", "ACCOUNT").replace("us-east-1", "REGION").replace(STACK_NAME, "STACK")


def text(table: Sequence[PageRow], findings: Sequence[MutationResult]) -> str:
    kinds = Counter(one.mutation.kind for one in findings)
    counts = ", ".join(f"{count} of {kind}s" for kind, count in kinds.items())
    head = ("Role", "Statement", "Action", "Resource", "Condition", "Why", "Scenario that fails without it")
    lines = [" | ".join(head), " | ".join("---" for _ in head), *(" | ".join(row.cells()) for row in table)]
    body = "\n".join(f"| {line} |" for line in lines)
    return f"{_INTRODUCTION}\nChanges judged: {len(findings)} ({counts}), every one noticed.\n\n{body}\n"


def require_current(findings: Sequence[MutationResult]) -> None:
    """Raises OutdatedPage unless the page holds exactly the template's rights, each with a scenario that needs it."""
    wanted = {row.cells()[:-1] for row in rows(findings)}
    written = dict(_written())
    problems = [f"{PAGE.name} lacks {', '.join(cells[:3])}" for cells in wanted - written.keys()]
    problems += [f"{PAGE.name} has {', '.join(cells[:3])}, which is gone" for cells in written.keys() - wanted]
    needed = {
        (one.mutation.place.role, one.mutation.what, one.mutation.statement.get("Sid", one.mutation.place.name)): {
            _title(grant.scenario) for grant in one.missed
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
