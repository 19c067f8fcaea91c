"""The private bucket with the function's package, from which CloudFormation takes it; one for each stack."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from typing import Any

_NAME_LIMIT = 63


def bucket_name(session: Any, stack_name: str) -> str:
    ending = _ending(session)
    name = stack_name.lower()
    if len(name) + len(ending) > _NAME_LIMIT:
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        name = f"{name[: _NAME_LIMIT - len(ending) - 9]}-{digest}"
    return name + ending


def stack_of(session: Any, bucket: str) -> str | None:
    """The stack name in the name of a bucket of this account and Region; None if it has another form.

    The name of a long stack name is shortened, and the result differs from it.
    """
    ending = _ending(session)
    return bucket.removesuffix(ending) if bucket.endswith(ending) else None


def _ending(session: Any) -> str:
    account = session.client("sts").get_caller_identity()["Account"]
    return f"-code-{account}-{session.region_name}"


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]


def upload(session: Any, stack_name: str, code: bytes, tags: Mapping[str, str]) -> tuple[str, str]:
    """Upload the package; returns bucket and key. The key contains the hash of the package."""
    s3 = session.client("s3")
    bucket = bucket_name(session, stack_name)
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
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tag_list(tags)})
    key = f"engine-{hashlib.sha256(code).hexdigest()[:16]}.zip"
    s3.put_object(Bucket=bucket, Key=key, Body=code)
    return bucket, key


def delete_bucket(session: Any, bucket: str) -> None:
    """Delete the bucket of a package and its objects; no effect if the bucket does not exist."""
    s3 = session.client("s3")
    try:
        objects = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    except s3.exceptions.NoSuchBucket:
        return
    for item in objects:
        s3.delete_object(Bucket=bucket, Key=item["Key"])
    s3.delete_bucket(Bucket=bucket)
