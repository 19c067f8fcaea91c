"""`python -m tests.least_privilege.lint`: checks the deployed policies with a linter that knows all IAM actions.

It finds rights that escalate privileges or expose credentials or data, rights to manage permissions or change
infrastructure without a named resource, and wildcards for a whole service. A condition is no excuse, and no finding is
suppressed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from cloudsplaining.scan.policy_document import PolicyDocument

from tests.least_privilege.policies import Document
from tests.least_privilege.replay import deployed_for

_TARGET = ("444455556666", "drs-execution-engine-target")


def problems(document: Document) -> Iterator[str]:
    """Return the linter's findings about a policy, one line each."""
    found = PolicyDocument(document, flag_conditional_statements=True)
    yield from (f"escalates privileges: {one}" for one in found.allows_privilege_escalation)
    for risk, actions in {
        "manages permissions of any resource": found.permissions_management_without_constraints,
        "writes to any resource": found.write_actions_without_constraints,
        "changes any infrastructure": found.infrastructure_modification,
        "lets data out": found.allows_data_exfiltration_actions,
        "shows credentials": found.credentials_exposure,
        "all actions of a service": found.service_wildcard,
    }.items():
        yield from (f"{risk}: {action}" for action in actions)


def main() -> None:
    with deployed_for({_TARGET: "lint"}) as places:
        policies = [place for place in places if place.name != "trust"]
        found = [f"{one.role}, {one.name}: {problem}" for one in policies for problem in problems(one.document)]
    if found:
        sys.exit("\n".join(found))
    sys.stdout.write(f"{len(policies)} policies, no problem found\n")


if __name__ == "__main__":
    main()
