"""The instance profile of recovered servers, and the template parameters that allow it. Loads no simulator."""

from __future__ import annotations

import boto3

PROFILE_NAME = "recovered-server"
"""The instance profile, and its role, that launch settings of scenarios name."""


def launch_parameters(session: boto3.Session, key_arn: str) -> dict[str, str]:
    """The parameters of the engine's and the target account's template for launch settings, in a session's account."""
    account = session.client("sts").get_caller_identity()["Account"]
    return {
        "InstanceProfileRoleArns": f"arn:aws:iam::{account}:role/{PROFILE_NAME}",
        "EncryptionKeyArns": key_arn,
    }
