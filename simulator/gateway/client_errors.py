"""Typed errors for malformed requests of clients in other processes, where moto fails with an error of Python.

`check` refuses, in AWS's words, identifiers and documents that are malformed. `of_failure` gives the error of a service
for any other request that moto's code cannot read. The second is a guess of the error code, so the gateway notes it as
a difference from AWS.
"""

from __future__ import annotations

import json
import re
from typing import Any
from xml.parsers.expat import ExpatError

from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator

from simulator.gateway.requests import IdentifiedCall
from simulator.gateway.service_errors import AwsError, error_codes, status_of

# What moto's code raises for a name, number or document that it does not expect.
UNREADABLE = (LookupError, ValueError, TypeError, AttributeError, StopIteration, UnboundLocalError, ExpatError)

# AWS also takes the name of a queue of the caller, as moto's tests that were verified against AWS do.
_QUEUE_URL = re.compile(r"https?://.+|(?:\d{12}|queue)/[\w.-]+|[\w-]{1,80}(?:\.fifo)?")
_ROLE_ARN = re.compile(r"arn:[\w-]+:iam::\d{12}:role/.+")
_ARN_PARTS = 6
# The attributes of messages in the documentation of ReceiveMessage, which are not in the model's enumeration.
_MESSAGE_ATTRIBUTES = (
    "SenderId",
    "SentTimestamp",
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
    "SequenceNumber",
    "MessageDeduplicationId",
    "MessageGroupId",
    "AWSTraceHeader",
    "DeadLetterQueueSourceArn",
)
_TRUST = {"CreateRole": "AssumeRolePolicyDocument", "UpdateAssumeRolePolicy": "PolicyDocument"}
# The error of an operation where moto fails, with the message of AWS.
_KNOWN: dict[tuple[str, str], tuple[str, str]] = {
    ("cloudformation", "CreateStack"): ("ValidationError", "Template format error: unreadable template."),
    ("cloudformation", "CreateChangeSet"): ("ValidationError", "Template format error: unreadable template."),
    ("cloudformation", "GetTemplateSummary"): ("ValidationError", "Template format error: unreadable template."),
    ("cloudformation", "DeleteChangeSet"): ("ChangeSetNotFound", "The change set does not exist."),
    ("cloudformation", "ExecuteChangeSet"): ("ChangeSetNotFound", "The change set does not exist."),
    ("dynamodb", "CreateTable"): ("ValidationException", "One or more parameter values were invalid: no KeySchema"),
    ("sns", "Publish"): ("InvalidParameter", "Invalid parameter: TopicArn or TargetArn Reason: no value"),
}
_NOT_FOUND = re.compile(r"(NotFound|NotFoundException|NoSuchEntity|DoesNotExist)(Exception|Fault)?$")


def check(call: IdentifiedCall) -> None:
    """Raises AwsError for an identifier or a document that no service reads."""
    if call.service == "sqs":
        _check_queue(call)
    elif call.service == "sns":
        _check_topics(call)
    elif call.service == "iam" and call.operation in _TRUST:
        _check_trust(call, _TRUST[call.operation])
    elif call.service == "stepfunctions":
        _check_role(call)


def _check_queue(call: IdentifiedCall) -> None:
    url = call.parameters.get("QueueUrl")
    if url is not None and not _QUEUE_URL.fullmatch(str(url)):
        status = status_of(call.operation_model, "InvalidAddress", 400)
        raise AwsError("InvalidAddress", f"The address {url} is not valid for this endpoint.", status)

    shape = call.operation_model.input_shape.members.get("AttributeNames") if call.operation_model.input_shape else None
    known = {*shape.member.enum, *_MESSAGE_ATTRIBUTES} if shape is not None else set()
    for name in call.parameters.get("AttributeNames") or ():
        if name not in known:
            raise AwsError("InvalidAttributeName", f"Unknown Attribute {name}.", 400)


def _check_topics(call: IdentifiedCall) -> None:
    for name in ("TopicArn", "TargetArn", "SubscriptionArn"):
        arn = call.parameters.get(name)
        if arn is not None and (count := len(str(arn).split(":"))) < _ARN_PARTS:
            text = f"Invalid parameter: {name} Reason: An ARN must have at least {_ARN_PARTS} elements, not {count}"
            raise AwsError("InvalidParameter", text, 400)


def _check_trust(call: IdentifiedCall, parameter: str) -> None:
    text = str(call.parameters.get(parameter, ""))
    try:
        document = json.loads(text)
    except ValueError as problem:
        raise AwsError("MalformedPolicyDocument", "This policy contains invalid Json", 400) from problem
    if isinstance(document, dict):
        # moto's check demands a version, which AWS does not: its default is the older one.
        text = json.dumps({"Version": "2012-10-17", **document})
    try:
        IAMTrustPolicyDocumentValidator(text).validate()
    except MalformedPolicyDocument as problem:
        raise AwsError("MalformedPolicyDocument", str(problem.message), 400) from problem


def _check_role(call: IdentifiedCall) -> None:
    role = call.parameters.get("roleArn")
    if role is not None and not _ROLE_ARN.fullmatch(str(role)):
        raise AwsError("InvalidArn", f"Invalid Role Arn: '{role}'", 400)


def of_failure(call: IdentifiedCall, failure: BaseException) -> AwsError:
    """The service's error for a request at which moto failed: an unknown resource, or else an invalid request."""
    known = _KNOWN.get((call.service, call.operation))
    missing = _missing(call, failure)
    if known is not None:
        code, text = known
    elif missing is not None and (named := _not_found(call)) is not None:
        code, text = named, f"{missing} does not exist"
    else:
        code = error_codes(call.service).invalid[0]
        text = f"The simulator cannot read the request: {type(failure).__name__}: {failure}"
    return AwsError(code, text, status_of(call.operation_model, code, error_codes(call.service).invalid[1]))


def _missing(call: IdentifiedCall, failure: BaseException) -> str | None:
    """The value of a parameter that moto looked up in vain."""
    key = failure.args[0] if isinstance(failure, KeyError) and failure.args else None
    return key if isinstance(key, str) and key in map(str, call.parameters.values()) else None


def _not_found(call: IdentifiedCall) -> str | None:
    errors: list[Any] = call.operation_model.error_shapes
    return next((shape.error_code for shape in errors if _NOT_FOUND.search(shape.name)), None)
