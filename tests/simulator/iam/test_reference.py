"""The tables of actions and resources against AWS's Service Authorization Reference, which cfn-lint brings along."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import botocore.session

from simulator.iam.action_table import SERVICES
from simulator.iam.overrides import SPECIAL
from tests.simulator.iam.test_actions import ACCOUNT, CALLS, REGION, needed

# Operations without an IAM action of their name: this simulator grants them by a wildcard only. It does not simulate
# PartiQL, S3's configuration of analytics and the like.
UNSUPPORTED = {
    "cloudformation": re.compile(r"SetAlias|RemoveAlias"),
    "cloudwatch": re.compile(r".*(Dataset|MetricDataQueryDefinition|AlarmContributors).*"),
    "dynamodb": re.compile(r".*(Statement|ExecuteTransaction|Bulk).*"),
    "iam": re.compile(r"AcquireRole|UpdateDelegationRequest"),
    "lambda": re.compile(r".*(DurableExecution|LayerVersionByArn)"),
    "logs": re.compile(r"GetLogObject"),
    "s3": re.compile(
        r".*(Analytics|Inventory|IntelligentTiering|Metrics|Metadata|Accelerate).*|CreateSession|RenameObject"
        r"|SelectObjectContent|UploadPartCopy|WriteGetObjectResponse|ListDirectoryBuckets|.*BucketLifecycle"
        r"|.*ObjectLockConfiguration"
    ),
}
# The reference has since given metrics a resource type, datasets, that policies for metrics do not use.
WITHOUT_RESOURCE_HERE = {"cloudwatch:PutMetricData", "cloudwatch:GetMetricData", "cloudwatch:ListMetrics"}


@cache
def reference() -> Any:
    return json.loads(files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json").read_text())


def known(action: str) -> dict[str, Any] | None:
    service, _, name = action.partition(":")
    found: dict[str, Any] | None = reference()[service]["Actions"].get(name.lower())
    return found


def operations() -> Iterator[tuple[str, str]]:
    session = botocore.session.get_session()
    for service in SERVICES:
        for name in session.get_service_model(service).operation_names:
            pattern = UNSUPPORTED.get(service)
            if not (pattern and pattern.fullmatch(name)):
                yield service, name


def table_calls() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """For each operation that the tables alone decide, a call with each parameter that names a resource."""
    session = botocore.session.get_session()
    for service, name in operations():
        if (service, name) in SPECIAL or (service, "*") in SPECIAL:
            continue
        shape = session.get_service_model(service).operation_model(name).input_shape
        rules = SERVICES[service]
        for parameter, _ in rules.by_parameter:
            if name in rules.everything or not shape or parameter not in shape.members:
                continue
            given = {one: end for one, end in rules.by_parameter if one in shape.required_members or one == parameter}
            if "{}" not in given.values():  # these take whole ARNs
                yield service, name, dict.fromkeys(given, "x")


def test_every_operation_has_an_action_that_aws_knows() -> None:
    unknown = []
    for service, name in operations():
        rules = SERVICES[service]
        action = f"{rules.prefix}:{rules.names.get(name, name)}"
        if known(action) is None and (service, name) not in SPECIAL and service != "sqs":
            unknown.append(f"{service} {name}: {action}")
    assert unknown == []


def test_the_hand_written_rows_name_actions_that_aws_knows() -> None:
    for service, _, _, expected in CALLS:
        for action, _ in expected:
            if service in SERVICES:
                assert known(action) is not None, action


def test_operations_without_resource_are_those_of_aws() -> None:
    for rules in SERVICES.values():
        for name in rules.everything:
            action = f"{rules.prefix}:{rules.names.get(name, name)}"
            found = known(action)
            assert found is not None, action
            assert action in WITHOUT_RESOURCE_HERE or not found.get("Resources"), action


def test_resources_are_of_a_type_that_the_action_has() -> None:
    wrong = []
    for service, name, parameters in table_calls():
        for action, resource in needed(service, name, parameters):
            types = (known(action) or {}).get("Resources", [])
            if resource not in (None, "*") and not any(_fits(action, one, str(resource)) for one in types):
                wrong.append(f"{service} {name}: {resource} is none of {types}")
    assert wrong == []


def _fits(action: str, resource_type: str, resource: str) -> bool:
    formats = reference()[action.partition(":")[0]]["Resources"].get(resource_type.lower(), {}).get("ARNFormats", [])
    filled = (
        one.replace("${Partition}", "aws").replace("${Region}", REGION).replace("${Account}", ACCOUNT)
        for one in formats
    )
    return any(re.fullmatch(one, resource) for one in filled)
