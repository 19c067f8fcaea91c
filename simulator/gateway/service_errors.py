"""The error codes of each service for errors that all services have, and their form in each AWS protocol."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape


@dataclass(frozen=True)
class ErrorCodes:
    """Error codes of one service with their HTTP statuses: (code, status)."""

    throttled: tuple[str, int] = ("ThrottlingException", 400)
    server_error: tuple[str, int] = ("InternalServerException", 500)
    expired_token: tuple[str, int] = ("ExpiredTokenException", 400)
    access_denied: tuple[str, int] = ("AccessDeniedException", 400)
    invalid: tuple[str, int] = ("ValidationException", 400)
    unknown_key: tuple[str, int] = ("UnrecognizedClientException", 400)
    bad_signature: tuple[str, int] = ("InvalidSignatureException", 400)


_REST = ErrorCodes(
    throttled=("ThrottlingException", 429),
    expired_token=("ExpiredTokenException", 403),
    access_denied=("AccessDeniedException", 403),
    unknown_key=("UnrecognizedClientException", 403),
    bad_signature=("InvalidSignatureException", 403),
)
_QUERY = ErrorCodes(
    throttled=("Throttling", 400),
    server_error=("InternalFailure", 500),
    expired_token=("ExpiredToken", 403),
    access_denied=("AccessDenied", 403),
    invalid=("ValidationError", 400),
    unknown_key=("InvalidClientTokenId", 403),
    bad_signature=("SignatureDoesNotMatch", 403),
)
_ERROR_CODES = {
    "drs": _REST,
    "dynamodb": ErrorCodes(server_error=("InternalServerError", 500)),
    "stepfunctions": ErrorCodes(),
    "logs": ErrorCodes(server_error=("ServiceUnavailableException", 503), invalid=("InvalidParameterException", 400)),
    "events": ErrorCodes(server_error=("InternalException", 500)),
    "lambda": ErrorCodes(
        throttled=("TooManyRequestsException", 429),
        server_error=("ServiceException", 500),
        expired_token=("ExpiredTokenException", 403),
        access_denied=("AccessDeniedException", 403),
        unknown_key=("UnrecognizedClientException", 403),
        bad_signature=("InvalidSignatureException", 403),
    ),
    "ec2": ErrorCodes(
        throttled=("RequestLimitExceeded", 503),
        server_error=("InternalError", 500),
        expired_token=("RequestExpired", 400),
        access_denied=("UnauthorizedOperation", 403),
        invalid=("InvalidParameterValue", 400),
        unknown_key=("AuthFailure", 401),
        bad_signature=("AuthFailure", 401),
    ),
    "sns": ErrorCodes(
        throttled=("Throttled", 429),
        server_error=("InternalError", 500),
        expired_token=("ExpiredToken", 403),
        access_denied=("AuthorizationError", 403),
        invalid=("InvalidParameter", 400),
        unknown_key=("InvalidClientTokenId", 403),
        bad_signature=("SignatureDoesNotMatch", 403),
    ),
    "sqs": ErrorCodes(
        throttled=("RequestThrottled", 400),
        server_error=("InternalFailure", 500),
        expired_token=("ExpiredToken", 403),
        access_denied=("AccessDenied", 403),
        invalid=("InvalidParameterValue", 400),
        unknown_key=("InvalidClientTokenId", 403),
        bad_signature=("SignatureDoesNotMatch", 403),
    ),
    "s3": ErrorCodes(
        throttled=("SlowDown", 503),
        server_error=("InternalError", 500),
        expired_token=("ExpiredToken", 400),
        access_denied=("AccessDenied", 403),
        invalid=("InvalidArgument", 400),
        unknown_key=("InvalidAccessKeyId", 403),
        bad_signature=("SignatureDoesNotMatch", 403),
    ),
    "sts": _QUERY,
    "iam": _QUERY,
    "cloudformation": _QUERY,
    "cloudwatch": _QUERY,
}


def error_codes(service: str) -> ErrorCodes:
    return _ERROR_CODES.get(service, _REST)


@dataclass(frozen=True)
class AwsError(Exception):
    """An error of a service, not yet encoded in its protocol."""

    code: str
    message: str
    status: int
    retry_after: int | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def status_of(operation_model: Any, code: str, default: int) -> int:
    """The HTTP status of this error in the service's model; `default` if the model does not have it."""
    for shape in operation_model.service_model.error_shapes:
        if shape.name == code or shape.metadata.get("error", {}).get("code") == code:
            return int(shape.metadata.get("error", {}).get("httpStatusCode", default))
    return default


def encode(error: AwsError, protocol: str, request_id: str) -> tuple[int, dict[str, str], bytes]:
    """(status, headers, body) of the error in one of AWS's protocols."""
    headers = {"x-amzn-requestid": request_id}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if protocol in ("json", "rest-json"):
        headers |= {"content-type": "application/json", "x-amzn-errortype": error.code}
        body = {"__type": error.code, "message": error.message} | _cancellation_reasons(error)
        return error.status, headers, json.dumps(body).encode()
    headers["content-type"] = "text/xml"
    return error.status, headers, _xml(error, protocol, request_id).encode()


def _cancellation_reasons(error: AwsError) -> dict[str, object]:
    """DynamoDB gives the reasons of a cancelled transaction twice: in the message's brackets, and as a list."""
    named = re.search(r"\[([\w, ]+)\]$", error.message)
    if error.code != "TransactionCanceledException" or named is None:
        return {}
    return {"CancellationReasons": [{"Code": reason} for reason in named[1].split(", ")]}


def _xml(error: AwsError, protocol: str, request_id: str) -> str:
    code, message = escape(error.code), escape(error.message)
    if protocol == "ec2":
        return (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
    if protocol == "rest-xml":
        return f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
    fault = "Sender" if error.status < 500 else "Receiver"
    return (
        f"<ErrorResponse><Error><Type>{fault}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    )
