"""The structured log: one line for each AWS call and each decision, as evidence of the engine's behaviour.

Log lines contain no secrets: credentials and external ids are redacted at any depth.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools import Logger

_SECRET = {
    "accesskeyid",
    "secretaccesskey",
    "sessiontoken",
    "externalid",
    "authorization",
    "password",
    "nexttoken",
}
_LONGEST_LIST = 10
_LONGEST_TEXT = 300
_DEEPEST = 6


def redacted(value: Any, depth: int = 0) -> Any:
    """`value` for a log line: without secrets, and with long lists and texts cut."""
    if depth > _DEEPEST:
        return "..."
    if isinstance(value, Mapping):
        return {
            str(key): "(redacted)" if str(key).lower() in _SECRET else redacted(item, depth + 1)
            for key, item in value.items()
            if key != "ResponseMetadata"
        }
    if isinstance(value, list | tuple | set | frozenset):
        items = [redacted(item, depth + 1) for item in list(value)[:_LONGEST_LIST]]
        return items if len(value) <= _LONGEST_LIST else [*items, f"and {len(value) - _LONGEST_LIST} more"]
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_TEXT else value[:_LONGEST_TEXT] + "..."
    return value if isinstance(value, int | float | bool) or value is None else str(value)[:_LONGEST_TEXT]


class CallLine:
    """Collects the fields of the log line of one AWS call."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.error = False

    def succeeded(self, response: Mapping[str, Any]) -> None:
        self._answer("OK", response)
        self.fields["Answer"] = redacted(response)
        whole = {name: value for name, value in response.items() if name != "ResponseMetadata"}
        if self.fields["Answer"] != whole:
            # Readers that evaluate the answer must know that it is incomplete.
            self.fields["AnswerIsShortened"] = True

    def failed(self, code: str, message: str, response: Mapping[str, Any]) -> None:
        self.error = True
        self._answer(code, response)
        self.fields["ErrorMessage"] = message

    def _answer(self, result: str, response: Mapping[str, Any]) -> None:
        self.fields["Result"] = result
        if request_id := response.get("ResponseMetadata", {}).get("RequestId"):
            self.fields["AwsRequestId"] = request_id


class Log:
    """The engine's log, one JSON object on each line; `bind` adds fields to all later lines."""

    def __init__(self, logger: Logger | None = None) -> None:
        self._logger = logger or Logger(service="drs-execution-engine", utc=True)

    def bind(self, **fields: Any) -> None:
        self._logger.append_keys(**fields)

    @contextmanager
    def aws_call(self, operation: str, region: str, parameters: Mapping[str, Any]) -> Iterator[CallLine]:
        line = CallLine()
        started = time.time()
        try:
            yield line
        finally:
            write = self._logger.warning if line.error else self._logger.info
            milliseconds = round((time.time() - started) * 1000)
            write(
                "AWS call",
                extra={
                    "Operation": operation,
                    "Region": region,
                    "Parameters": redacted(parameters),
                    "Milliseconds": milliseconds,
                    **line.fields,
                },
            )

    def decision(self, action: str, **facts: Any) -> None:
        self._logger.info("Decision", extra={"Action": action, **redacted(facts)})

    def event(self, message: str, **facts: Any) -> None:
        self._logger.info(message, extra=redacted(facts))

    def failure(self, message: str, **facts: Any) -> None:
        """Log the current exception with its traceback."""
        self._logger.exception(message, extra=redacted(facts))

    def alarm(self, metric: str, message: str, **facts: Any) -> None:
        """Log an error that needs an operator: the template counts lines with this `Alarm` and raises an alarm."""
        self._logger.error(message, extra={"Alarm": metric, **redacted(facts)})
