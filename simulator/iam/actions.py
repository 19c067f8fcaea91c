"""Which IAM actions an API call needs, on which resources.

Most calls need the action of their own name on the resource that one parameter names; the tables in `action_table.py`
say which. Others have a function in `overrides.py`. Source of names and resource types: AWS's Service Authorization
Reference.
"""

from __future__ import annotations

from simulator.iam.access import Access, AwsRequest
from simulator.iam.default_mapping import by_table, tag_context
from simulator.iam.overrides import SPECIAL


def accesses(request: AwsRequest) -> list[Access]:
    """Every action on every resource that the call needs; all must be allowed."""
    special = SPECIAL.get((request.service, request.operation)) or SPECIAL.get((request.service, "*"))
    needed = (special or by_table)(request)
    shared = tag_context(request.parameters)
    return [
        Access(
            principal_arn=request.principal_arn,
            action=action,
            resource=resource,
            account=request.account,
            region=request.region,
            resource_account=request.resource_account,
            via_service=request.via_service,
            source_arn=request.source_arn,
            context={**shared, **context},
        )
        for action, resource, context in needed
    ]
