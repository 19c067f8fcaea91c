"""EventBridge: delivers the status events of Step Functions to rules and their targets.

moto neither sends these events nor delivers events to Lambda or Step Functions. It serves the other targets itself.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from moto.events.models import events_backends
from moto.moto_api._internal import mock_random

from simulator.gateway.permissions import Permissions
from simulator.gateway.service_errors import AwsError
from simulator.services.lambda_.functions import Functions, function_of
from simulator.time.clock import VirtualClock

DELIVERY_SECONDS = 0.5
# EventBridge retries for 24 hours, 185 times, with growing pauses; AWS does not document their growth.
DELIVERY_ATTEMPTS = 185
LONGEST_DELIVERY_PAUSE = 480
_ONCE = Config(retries={"total_max_attempts": 1})
_VARIABLE = re.compile(r'"<(?P<quoted>[^<>]+)>"|<(?P<bare>[^<>]+)>')


class EventBus:
    def __init__(self, clock: VirtualClock, functions: Functions, permissions: Permissions) -> None:
        self._clock = clock
        self._permissions = permissions
        self._functions = functions

    def execution_changed(self, execution: Any) -> None:
        """Publishes "Step Functions Execution Status Change" in the form of Step Functions."""
        self._clock.change_count += 1
        self.publish(
            execution.account_id,
            execution.region_name,
            "aws.states",
            "Step Functions Execution Status Change",
            _detail(execution),
            [execution.execution_arn],
        )

    def publish(
        self, account: str, region: str, source: str, kind: str, detail: dict[str, Any], resources: list[str]
    ) -> None:
        event = {
            "version": "0",
            "id": str(mock_random.uuid4()),
            "detail-type": kind,
            "source": source,
            "account": account,
            "time": self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": resources,
            "detail": detail,
        }
        for rule in list(events_backends[account][region].event_buses["default"].rules.values()):
            if rule.state == "ENABLED" and rule.event_pattern.get_pattern() and rule.event_pattern.matches_event(event):
                self._deliver(rule, event)

    def _deliver(self, rule: Any, event: dict[str, Any]) -> None:
        others = []
        for target in rule.targets:
            service = target["Arn"].split(":")[2]
            function = function_of(target["Arn"]) if service == "lambda" else None
            if service == "states":
                self._start(rule, target, event)
            elif function is None:
                others.append(target)
            elif self._permissions.service_may_invoke(
                "events", function.function_arn, rule.arn
            ):  # else AWS drops it silently
                self._functions.invoke_async(function, _payload(target, event), delay=DELIVERY_SECONDS)
        if others:
            targets, rule.targets = rule.targets, others
            rule.send_to_targets(dict(event))
            rule.targets = targets

    def _start(self, rule: Any, target: dict[str, Any], event: dict[str, Any]) -> None:
        """Starts a state machine with the target's role; drops the event if the role lacks the right, as on AWS."""
        name, payload = event["id"], json.dumps(_payload(target, event))

        def deliver() -> None:
            self._clock.sleep(DELIVERY_SECONDS, "the event to arrive")
            pause = 1
            for _ in range(DELIVERY_ATTEMPTS):
                try:
                    credentials = self._permissions.service_credentials(
                        "events", target["RoleArn"], "events", source_arn=rule.arn
                    )
                    states = credentials.session(target["Arn"].split(":")[3]).client("stepfunctions", config=_ONCE)
                    states.start_execution(stateMachineArn=target["Arn"], name=name, input=payload)
                except (AwsError, ClientError, BotoCoreError) as error:
                    if _is_final(error):
                        return
                    self._clock.sleep(pause, "EventBridge to try again")
                    pause = min(2 * pause, LONGEST_DELIVERY_PAUSE)
                else:
                    return

        self._clock.spawn(f"delivery of {rule.name}", deliver, source="events")


def _is_final(error: AwsError | ClientError | BotoCoreError) -> bool:
    """No retry after missing rights or wrong names; an existing name shows that an earlier attempt arrived."""
    if isinstance(error, AwsError):
        return True
    if isinstance(error, ClientError):
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return 400 <= status < 500 and "Throttl" not in error.response["Error"]["Code"]
    return False


def _payload(target: dict[str, Any], event: dict[str, Any]) -> Any:
    """The input of the target: the event, a part of it, a constant, or a text from its parts."""
    if target.get("Input"):
        return json.loads(target["Input"])
    if target.get("InputPath"):
        return _at(event, target["InputPath"])
    transformer = target.get("InputTransformer")
    return _transformed(transformer, event) if transformer else event


def _transformed(transformer: dict[str, Any], event: dict[str, Any]) -> Any:
    """Inserts a variable as JSON, or as bare text if the template has quotes around it."""
    paths = transformer.get("InputPathsMap", {})

    def fill(match: re.Match[str]) -> str:
        value = _at(event, paths[match["bare"] or match["quoted"]])
        if match["bare"]:
            return json.dumps(value)
        return json.dumps(value if isinstance(value, str) else json.dumps(value))

    text = _VARIABLE.sub(fill, transformer["InputTemplate"])
    return json.loads(text)


def _at(event: dict[str, Any], path: str) -> Any:
    value: Any = event
    for name in path.removeprefix("$").split(".")[1:]:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _detail(execution: Any) -> dict[str, Any]:
    succeeded = execution.status == "SUCCEEDED"
    return {
        "executionArn": execution.execution_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": str(execution.status),
        "startDate": _milliseconds(execution.start_date),
        "stopDate": _milliseconds(execution.stop_date),
        "input": execution.execution_input,
        "output": json.dumps(execution.output, separators=(",", ":")) if succeeded else None,
        "inputDetails": {"included": True},
        "outputDetails": {"included": True} if succeeded else None,
        "error": execution.error,
        "cause": execution.cause,
    }


def _milliseconds(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
