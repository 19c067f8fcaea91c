"""AWS's managed policies, from moto's own copy, in each account that needs one.

moto creates all 1,582 policies for each account or none. Here an account gets them at the first look at one of them,
with the same identifiers in each simulator.
"""

from __future__ import annotations

import functools
import json
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend
from moto.moto_api._internal import mock_random

from simulator.patches.patching import Patch

_OWNED_BY_AWS = ":iam::aws:policy/"


@functools.cache
def _descriptions() -> dict[str, Any]:
    return dict(json.loads(aws_managed_policies_data))


class ManagedPolicies(dict[str, Any]):
    """The policies of one account by ARN: moto's dictionary, which AWS's policies join when a caller needs them."""

    def __init__(self, backend: Any) -> None:
        super().__init__()
        self._backend = backend
        self._complete = False

    def __contains__(self, arn: object) -> bool:
        if _OWNED_BY_AWS in str(arn):
            self.complete()
        return super().__contains__(arn)

    def __getitem__(self, arn: str) -> Any:
        if _OWNED_BY_AWS in arn:
            self.complete()
        return super().__getitem__(arn)

    def values(self) -> Any:
        self.complete()
        return super().values()

    def complete(self) -> None:
        if self._complete:
            return
        self._complete = True
        backend = self._backend
        # The identifiers of new policies are random numbers; the random numbers of later resources stay as they are.
        state = mock_random.getstate()
        for name, description in _descriptions().items():
            policy = AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, description)
            self[policy.arn] = policy
            backend.aws_managed_policies.append(policy)
        mock_random.setstate(state)


_authorization_details = IAMBackend.get_account_authorization_details


def _details(backend: Any, policy_filter: list[str]) -> Any:
    backend.managed_policies.complete()
    return _authorization_details(backend, policy_filter)


def patches() -> list[Patch]:
    return [
        Patch(
            IAMBackend,
            "_init_managed_policies",
            lambda backend: ManagedPolicies(backend),
            "moto has none of AWS's managed policies",
        ),
        Patch(
            IAMBackend, "get_account_authorization_details", _details, "it reads the list of AWS's policies directly"
        ),
    ]
