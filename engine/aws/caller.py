"""Makes AWS calls: with retries by policy, one log line each, and one exception class for each decision of the caller.

The retries of botocore are off (`CLIENT_CONFIG`), so that the engine's policy applies and no launch is repeated without
a check.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
)
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from engine.aws.log import Log
from engine.core import policy

CLIENT_CONFIG = Config(
    retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20, user_agent_extra="drs-execution-engine"
)

_THROTTLING = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "ProvisionedThroughputExceededException",
    "TransactionConflictException",
    "TransactionInProgressException",
    "SlowDown",
}
# Reasons for which DynamoDB cancels a transaction that may be repeated, and the error codes of a single write for each.
_TRANSIENT_REASONS = {
    "ProvisionedThroughputExceeded": "ProvisionedThroughputExceededException",
    "ThrottlingError": "ThrottlingException",
    "TransactionConflict": "TransactionConflictException",
}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_SERVER_ERRORS = {"InternalServerException", "InternalServerError", "InternalFailure", "ServiceUnavailable"}

Result = TypeVar("Result")


class CallError(Exception):
    """An AWS call failed; `str()` has the operation, the error code and the message of AWS."""

    def __init__(self, operation: str, code: str, message: str, response: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{operation} failed with {code}: {message}")
        self.operation = operation
        self.code = code
        self.message = message
        self.response = response or {}


class Refused(CallError):
    """A repetition of the call cannot succeed: denied, invalid, conflicting, over a quota, unknown."""

    @property
    def denied(self) -> bool:
        """Whether AWS refused the caller itself: no right, or credentials that it does not accept."""
        return self.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in (401, 403)


class CredentialsExpired(Refused):
    """The credentials of the call have expired; the call can succeed with new ones."""


class Unavailable(CallError):
    """Throttled, a server error, or no answer; a repetition can succeed. `may_have_worked`: the effect is unknown."""

    def __init__(
        self, operation: str, code: str, message: str, *, may_have_worked: bool, retry_after: float = 0
    ) -> None:
        super().__init__(operation, code, message)
        self.may_have_worked = may_have_worked
        self.retry_after = retry_after


class AskedToWait(Unavailable):
    """AWS requested a longer pause (`retry_after`, seconds) than the engine's back-off: wait outside of Lambda."""


@dataclass(frozen=True)
class Caller:
    """Makes AWS calls. The Lambda function sleeps only in `sleep`, for at most 14 seconds in a call."""

    log: Log
    sleep: Callable[[float], None] = time.sleep

    def call(self, client: Any, operation: str, **parameters: Any) -> Any:
        """`client.<operation>(**parameters)`, at most 3 retries, 2, 4 and 8 seconds apart.

        Raises Refused, CredentialsExpired, AskedToWait, or Unavailable after the last retry.
        """
        return self.retry(lambda: self.once(client, operation, **parameters))

    def retry(self, attempt: Callable[[], Result]) -> Result:
        """The result of `attempt`, repeated by policy while it raises Unavailable."""
        return Retrying(
            retry=retry_if_exception_type(Unavailable),
            stop=stop_after_attempt(1 + policy.MAX_RETRIES),
            wait=self._pause,
            sleep=self.sleep,
            reraise=True,
        )(attempt)

    @staticmethod
    def _pause(state: RetryCallState) -> float:
        seconds = policy.backoff(state.attempt_number)
        failure = state.outcome.exception() if state.outcome is not None else None
        if isinstance(failure, Unavailable) and failure.retry_after > seconds:
            raise AskedToWait(
                failure.operation,
                failure.code,
                failure.message,
                may_have_worked=failure.may_have_worked,
                retry_after=failure.retry_after,
            ) from failure
        return seconds

    def once(self, client: Any, operation: str, **parameters: Any) -> Any:
        """One call without retry. Raises Refused, CredentialsExpired or Unavailable."""
        name = f"{client.meta.service_model.service_name}:{client.meta.method_to_api_mapping[operation]}"
        with self.log.aws_call(name, client.meta.region_name, parameters) as line:
            try:
                response = getattr(client, operation)(**parameters)
            except ClientError as error:
                failure = _classified(name, error)
                line.failed(failure.code, failure.message, error.response)
                raise failure from error
            except (ConnectionError, HTTPClientError) as error:
                # Without a connection AWS cannot have received the call.
                unsent = isinstance(error, ConnectTimeoutError | EndpointConnectionError)
                line.failed(type(error).__name__, str(error), {})
                raise Unavailable(name, type(error).__name__, str(error), may_have_worked=not unsent) from error
            line.succeeded(response)
            return response


def _classified(operation: str, error: ClientError) -> CallError:
    code = _code(error)
    message = error.response.get("Error", {}).get("Message", "")
    metadata = error.response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    if code in _THROTTLING or status == 429:
        return Unavailable(operation, code, message, may_have_worked=False, retry_after=_retry_after(error))
    if code in _SERVER_ERRORS or status >= 500:
        return Unavailable(operation, code, message, may_have_worked=True, retry_after=_retry_after(error))
    if code in _EXPIRED:
        return CredentialsExpired(operation, code, message, error.response)
    return Refused(operation, code, message, error.response)


def _code(error: ClientError) -> str:
    """The error code; for a cancelled transaction, the reason that decides whether a repetition can succeed."""
    code: str = error.response.get("Error", {}).get("Code", "Unknown")
    reasons = {reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])} - {"None"}
    transient = reasons & set(_TRANSIENT_REASONS)
    # A failed condition fails again, so the transaction is only transient if all its reasons are.
    return _TRANSIENT_REASONS[min(transient)] if reasons == transient and transient else code


def _retry_after(error: ClientError) -> float:
    header = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after", "0")
    return float(header) if header.replace(".", "", 1).isdigit() else 0.0
