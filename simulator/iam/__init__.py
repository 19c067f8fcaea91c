"""IAM for the simulator: judges each call as AWS does, by the policies in moto's IAM.

    from simulator.iam import AwsRequest, authorise
    denied = authorise(AwsRequest("drs", "StartRecovery", {...}, account, region, principal_arn))
    if denied: print(denied.code, denied.message)

moto's own check is not enough: it sees every resource as "*" and ignores conditions. This package judges identity
policies (inline, managed, groups), permissions boundaries, session policies, resource policies and trust policies. An
unknown condition key, operator or resource of an action raises SimulatorDefect. `used()` returns the exercised rights.
Start with `access.py`, the way of one call; `evaluate.py` decides about its policies.
"""

from __future__ import annotations

from simulator.iam.access import Access, AwsRequest, Denied
from simulator.iam.actions import accesses
from simulator.iam.evaluate import judge
from simulator.iam.principals import principal_of
from simulator.iam.usage import Used, forget_usage, granted_accesses, note_use, used

__all__ = [
    "Access",
    "AwsRequest",
    "Denied",
    "Used",
    "authorise",
    "authorise_access",
    "forget_usage",
    "granted_accesses",
    "judge",
    "principal_of",
    "used",
]


def authorise(request: AwsRequest) -> Denied | None:
    """None when every access that the call needs is allowed, else the first that is not."""
    for access in accesses(request):
        denied = authorise_access(access)
        if denied is not None:
            return denied
    return None


def authorise_access(access: Access) -> Denied | None:
    """Judge one action on one resource, and note its use when it is allowed."""
    denied = judge(access)
    if denied is None:
        note_use(access)
    return denied
