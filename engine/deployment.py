"""Putting the engine into an AWS account, and taking it out again: `infra/template.yaml` and the function's package."""

from __future__ import annotations

import contextlib
import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, WaiterError

ENGINE = Path(__file__).parent
TEMPLATE = ENGINE.parent / "infra" / "template.yaml"

# What the function needs of this package; the command line, the client and this module stay at home.
_LEFT_OUT = {"cli", "__main__.py", "client.py", "deployment.py", "sweep.py"}
_CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
# A zip entry without a time of its own, so that the same code always gives the same package.
_EPOCH = (1980, 1, 1, 0, 0, 0)


class DeploymentFailed(Exception):
    """CloudFormation could not create, update or delete the stack; the message holds the events that say why."""


@dataclass(frozen=True)
class Stack:
    """A deployed engine: the stack's name and its outputs."""

    name: str
    outputs: Mapping[str, str]


def package(dependencies: Path | None = None) -> bytes:
    """The function's code as a zip, byte-identical for identical code.

    `dependencies` is a folder with the third-party libraries the function needs (boto3 comes with Lambda).
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted([*_engine_files(), *_dependency_files(dependencies)]):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def _engine_files() -> Iterator[tuple[str, bytes]]:
    for path in ENGINE.rglob("*"):
        if path.suffix in {".py", ".json"} and _LEFT_OUT.isdisjoint(path.relative_to(ENGINE).parts):
            yield path.relative_to(ENGINE.parent).as_posix(), path.read_bytes()


def _dependency_files(folder: Path | None) -> Iterator[tuple[str, bytes]]:
    if folder is None:
        return
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def deploy(
    session: Any,
    stack_name: str,
    *,
    parameters: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    code: bytes | None = None,
) -> Stack:
    """Create the stack, or update it; waits until it is done. Raises DeploymentFailed.

    `session` is a boto3 session; `parameters` are those of the template but for the code's, `code` a package.
    """
    bucket, key = _upload(session, stack_name, code or package(), tags or {})
    values = {**(parameters or {}), "CodeBucket": bucket, "CodeKey": key}
    request = {
        "StackName": stack_name,
        "TemplateBody": TEMPLATE.read_text(encoding="utf-8"),
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
        "Capabilities": _CAPABILITIES,
        "Tags": _tag_list(tags or {}),
    }
    formation = session.client("cloudformation")
    if _exists(formation, stack_name):
        _update(formation, request)
    else:
        formation.create_stack(**request, OnFailure="DELETE")
        _wait(formation, "stack_create_complete", stack_name)
    return describe(session, stack_name)


def describe(session: Any, stack_name: str) -> Stack:
    """The deployed stack. Raises DeploymentFailed when there is none."""
    try:
        stack = session.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
    except ClientError as error:
        raise DeploymentFailed(f"there is no stack {stack_name}: {error.response['Error']['Message']}") from error
    return Stack(stack_name, {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])})


def destroy(session: Any, stack_name: str) -> None:
    """Delete the stack and the package; tables stay when they were deployed with KeepData=yes."""
    formation = session.client("cloudformation")
    formation.delete_stack(StackName=stack_name)
    _wait(formation, "stack_delete_complete", stack_name)
    delete_bucket(session, _bucket_name(session, stack_name))


def _bucket_name(session: Any, stack_name: str) -> str:
    account = session.client("sts").get_caller_identity()["Account"]
    return f"{stack_name.lower()}-code-{account}-{session.region_name}"[:63]


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]


def _upload(session: Any, stack_name: str, code: bytes, tags: Mapping[str, str]) -> tuple[str, str]:
    """Put the package where CloudFormation finds it: bucket and key (named after the content)."""
    s3 = session.client("s3")
    bucket = _bucket_name(session, stack_name)
    location = {} if session.region_name == "us-east-1" else {"LocationConstraint": session.region_name}
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": location} if location else {}))
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        ),
    )
    if tags:
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": _tag_list(tags)})
    key = f"engine-{hashlib.sha256(code).hexdigest()[:16]}.zip"
    s3.put_object(Bucket=bucket, Key=key, Body=code)
    return bucket, key


def delete_bucket(session: Any, bucket: str) -> None:
    """Delete the bucket of a package with what is in it; nothing happens when there is none."""
    s3 = session.client("s3")
    try:
        objects = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    except s3.exceptions.NoSuchBucket:
        return
    for item in objects:
        s3.delete_object(Bucket=bucket, Key=item["Key"])
    s3.delete_bucket(Bucket=bucket)


def _exists(formation: Any, stack_name: str) -> bool:
    try:
        formation.describe_stacks(StackName=stack_name)
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return False
        raise
    return True


def _update(formation: Any, request: dict[str, Any]) -> None:
    try:
        formation.update_stack(**request)
    except ClientError as error:
        if "No updates are to be performed" in error.response["Error"]["Message"]:
            return
        raise
    _wait(formation, "stack_update_complete", request["StackName"])


def _wait(formation: Any, waiter: str, stack_name: str) -> None:
    try:
        formation.get_waiter(waiter).wait(StackName=stack_name, WaiterConfig={"Delay": 5, "MaxAttempts": 360})
    except WaiterError as error:
        events = formation.describe_stack_events(StackName=stack_name)["StackEvents"]
        raise DeploymentFailed(f"stack {stack_name}: {'; '.join(_failures(events)) or error}") from error


def _failures(events: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for event in events:
        if event["ResourceStatus"].endswith("FAILED") and "cancelled" not in event.get("ResourceStatusReason", ""):
            yield f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', event['ResourceStatus'])}"
