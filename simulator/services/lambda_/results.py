"""The results of an invocation in Lambda's form: a value, an error of the function, or the death of the runtime."""

from __future__ import annotations

import json
import re
import traceback
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.moto_api._internal import mock_random

PAYLOAD_LIMIT = 6 * 1024 * 1024
_UNPACKED = re.compile(r'"[^"]*/lambda-[^/"]+/')


@dataclass(frozen=True)
class InvocationResult:
    """The result of an invocation; `function_error` is Lambda's header, None if the function returned."""

    payload: bytes
    function_error: str | None = None
    request_id: str = ""


def returned(result: Any, request_id: str) -> InvocationResult:
    try:
        payload = json.dumps(result).encode()
    except (TypeError, ValueError) as error:
        return failed("Runtime.MarshalError", f"Unable to marshal response: {error}", request_id, None)
    if len(payload) > PAYLOAD_LIMIT:
        text = f"Response payload size exceeded maximum allowed payload size ({PAYLOAD_LIMIT} bytes)."
        return failed("Function.ResponseSizeTooLarge", text, request_id, None)
    return InvocationResult(payload, None, request_id)


def failed(kind: str, text: str, request_id: str, error: BaseException | None) -> InvocationResult:
    document: dict[str, Any] = {"errorMessage": text, "errorType": kind, "requestId": request_id}
    if error is not None:
        lines = traceback.format_tb(error.__traceback__)
        # The path of the code is Lambda's, not the folder of this machine that holds it.
        frames = [_UNPACKED.sub('"/var/task/', line) for line in lines if "/simulator/" not in line]
        document["stackTrace"] = frames
    return InvocationResult(json.dumps(document).encode(), "Unhandled", request_id)


def killed(error: BaseException, request_id: str, *, timed_out: bool) -> InvocationResult:
    if timed_out:
        return failed("Sandbox.Timedout", f"RequestId: {request_id} Error: {error}", request_id, None)
    text = f"RequestId: {request_id} Error: Runtime exited with error: signal: killed"
    return failed("Runtime.ExitError", text, request_id, None)


def runtime_died() -> InvocationResult:
    request_id = str(mock_random.uuid4())
    text = f"RequestId: {request_id} Error: Runtime exited with error: exit status 1"
    return failed("Runtime.ExitError", text, request_id, None)


def destination_record(
    function: Any, event: Any, outcome: InvocationResult, attempts: int, now: datetime
) -> dict[str, Any]:
    condition = "RetriesExhausted" if outcome.function_error else "Success"
    return {
        "version": "1.0",
        "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": outcome.request_id,
            "functionArn": f"{function.function_arn}:$LATEST",
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": outcome.function_error},
        "responsePayload": json.loads(outcome.payload),
    }
