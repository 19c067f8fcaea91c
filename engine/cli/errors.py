"""Describes errors of AWS and botocore in one line that contains the way out.

The lines contain no credentials: messages of AWS name principals and resources, never keys.
"""

from __future__ import annotations

from difflib import get_close_matches

import botocore.session
from botocore import exceptions as aws
from botocore.exceptions import BotoCoreError, ClientError

from engine.cli.options import region_name
from engine.client import EngineError, ExecutionNotFound
from engine.deploy.deployment import DeploymentFailed
from engine.deploy.packaging import PackagingFailed

_SIGN_IN = "sign in again (aws sso login, or new keys in the environment)"
_BY_CODE = {
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "RequestExpired"), f"the AWS credentials have expired; {_SIGN_IN}"
    ),
    **dict.fromkeys(
        ("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure"),
        f"AWS does not know these credentials, or the Region is not enabled in their account; {_SIGN_IN}",
    ),
    **dict.fromkeys(
        ("SignatureDoesNotMatch", "InvalidSignatureException"),
        "the AWS secret key does not belong to the access key; set both anew",
    ),
    "UninitializedAccountException": (
        "AWS Elastic Disaster Recovery is not initialised in this account and Region; "
        "run: aws drs initialize-service, and set up replication"
    ),
}
# The parts of the stack that the client calls by their names, by operation.
_PARTS = {
    **dict.fromkeys(("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan"), "table"),
    "Invoke": "function",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}
_NO_CREDENTIALS = (
    "no AWS credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run: aws sso login"
)
_NO_CONNECTION = (
    aws.EndpointConnectionError,
    aws.ConnectTimeoutError,
    aws.ReadTimeoutError,
    aws.ConnectionClosedError,
    aws.ProxyConnectionError,
)
_SIGNED_OUT = (
    aws.TokenRetrievalError,
    aws.SSOTokenLoadError,
    aws.UnauthorizedSSOTokenError,
    aws.CredentialRetrievalError,
)


def refusal(error: ClientError) -> str:
    """One line for an error response of AWS."""
    answer = error.response.get("Error", {})
    code, message = answer.get("Code", "Unknown"), answer.get("Message") or str(error)
    if "scoped to a valid Region" in message and (unknown := _unknown_region()):
        return unknown
    if code in _BY_CODE:
        return _BY_CODE[code]
    if _is_missing(error):
        return (
            f"the engine's {_PARTS[error.operation_name]} does not exist ({error.operation_name}: {message}): "
            "its stack was deleted or is being deleted"
        )
    if code in _DENIED:
        return f"AWS refused {error.operation_name}: {message}. Use credentials that may do this"
    return f"AWS refused {error.operation_name}: {message}"


def _is_missing(error: Exception) -> bool:
    if not isinstance(error, ClientError) or error.operation_name not in _PARTS:
        return False
    return bool(error.response.get("Error", {}).get("Code") == "ResourceNotFoundException")


def ends_the_work(error: Exception) -> bool:
    """Whether the error means that there is no execution to continue: its record or the engine is gone."""
    return isinstance(error, ExecutionNotFound) or _is_missing(error)


def local_failure(error: BotoCoreError) -> str:
    """One line for an error without a response: no credentials, no Region, no connection."""
    if isinstance(error, aws.NoCredentialsError | aws.PartialCredentialsError):
        return _NO_CREDENTIALS
    if isinstance(error, aws.ProfileNotFound):
        return f"{error}; AWS_PROFILE must name a profile of ~/.aws/config"
    if isinstance(error, _SIGNED_OUT):
        return f"the AWS sign-in has expired; {_SIGN_IN}"
    if isinstance(error, _NO_CONNECTION):
        if unknown := _unknown_region():
            return f"no connection to AWS: {unknown}"
        return f"no connection to AWS ({error}); check network, proxy and Region, then run the command again"
    return f"{error}; check credentials, Region (AWS_REGION) and network"


def _unknown_region() -> str:
    """Advice if botocore does not know the Region of the environment; empty if it does.

    Only called after an error, because the installed botocore may not know a new Region.
    """
    region, core = region_name() or "", botocore.session.Session()
    partitions = core.get_available_partitions()
    known = {one for partition in partitions for one in core.get_available_regions("ec2", partition)}
    if region in known:
        return ""
    near = sorted(get_close_matches(region, sorted(known), n=2, cutoff=0.75))
    return (
        f"{region} is not known to be an AWS Region"
        + (f"; did you mean {' or '.join(near)}? Set" if near else "; set")
        + " AWS_REGION to the Region you recover to"
    )


def describe(error: Exception) -> str | None:
    """One line for an error of AWS or of the engine; None for a defect, which shows its traceback."""
    if isinstance(error, EngineError | DeploymentFailed | PackagingFailed):
        return str(error)
    if isinstance(error, ClientError):
        return refusal(error)
    if isinstance(error, BotoCoreError):
        return local_failure(error)
    # botocore refuses a malformed endpoint of ~/.aws/config with a plain ValueError.
    if isinstance(error, ValueError) and str(error).startswith("Invalid endpoint"):
        return f"{error}; an endpoint is a URL like http://127.0.0.1:4599"
    return None
