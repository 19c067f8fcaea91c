"""IAM for the simulator: judges each call as AWS would, from the policies that moto's IAM holds.

    from simulator.iam import AwsRequest, authorise
    denied = authorise(AwsRequest("drs", "StartRecovery", {...}, account, region, principal_arn))
    if denied: print(denied.code, denied.message)

moto's own check cannot do this: it sees every resource as "*" and ignores conditions. Identity policies (inline,
managed, groups), permissions boundaries, session policies, resource policies and trust policies are judged; what this
package does not know (a condition key, an operator, an action's resource that a policy asks for) raises
SimulatorDefect. `used()` says which rights were really exercised.
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
