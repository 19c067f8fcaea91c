"""The failures in a stack's events, one line each; a line about a missing right names the right and its resource."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_ADVICE = 'infra/deployer_role.yaml has all rights that a deployment needs: docs/operators.md, "Rights to deploy".'

# CloudFormation wraps the message of a service, which may end in details of the request in brackets.
_WRAPPED = re.compile(
    r'Resource handler returned message: "(?P<text>.*?)(?: \(Service: [^()]*\))?" \(RequestToken: .*\)', re.DOTALL
)
_DENIED = re.compile(
    r"User: (?P<user>\S+) is not authorized to perform: (?P<right>[\w-]+:\w+)(?: on resource: (?P<resource>\S+))?"
    r"(?: (?:because )?(?P<why>.+))?",
    re.DOTALL,
)


def failures(events: Iterable[Mapping[str, Any]], stack_id: str) -> Iterator[str]:
    """A line for each failed resource in the order of the events: the first one is the cause. Then advice, if any."""
    lacks_right = False
    for event in events:
        reason = event.get("ResourceStatusReason", event["ResourceStatus"])
        of_stack = event.get("PhysicalResourceId") == stack_id
        if event["ResourceStatus"].endswith("FAILED") and "cancelled" not in reason and not of_stack:
            wrapped = _WRAPPED.fullmatch(reason)
            text = wrapped["text"] if wrapped else reason
            denied = _DENIED.search(text)
            lacks_right = lacks_right or denied is not None
            yield f"{event['LogicalResourceId']} ({event['ResourceType']}): {_missing(denied) if denied else text}"
    if lacks_right:
        yield _ADVICE


def _missing(denied: re.Match[str]) -> str:
    where = f" on {denied['resource']}" if denied["resource"] else ""
    why = f": {denied['why']}" if denied["why"] else ""
    return f"the right {denied['right']}{where} is missing for {denied['user']}{why}"
