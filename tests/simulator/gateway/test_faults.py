"""Faults that a test asks for: each strikes the calls that it names, in the words of the service."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from simulator import Fault, Simulator
from tests.simulator.gateway.calls import ONCE, error, names, operation_of, put, start_recovery


def test_throttling_hits_as_often_as_it_says_after_letting_some_pass(aws: Simulator, drs: Any) -> None:
    aws.faults.throttle("drs", "DescribeJobs", times=2, after=1, retry_after=30)
    drs.describe_jobs()
    for _ in range(2):
        code, status, headers = error(drs.describe_jobs)
        assert (code, status, headers["retry-after"]) == ("ThrottlingException", 429, "30")
    drs.describe_jobs()
    assert [call.fault for call in aws.journal] == [None, "throttle", "throttle", None]


@pytest.mark.parametrize(("service", "operation", "more", "said"), [
    ("drs", "NoSuchOperation", {}, "drs has no operation 'NoSuchOperation'; it has "),
    ("drs", "describe_jobs", {}, "drs has no operation 'describe_jobs'; it has DescribeJobs, "),
    ("states", "*", {}, "there is no service 'states'; there are "),
    ("*", "DescribeJobs", {}, "operation 'DescribeJobs' needs the name of its service"),
    ("drs", "DescribeJobs", {"source": "lamda"}, "there is no source 'lamda'; there are lambda, "),
    ("drs", "DescribeJobs", {"times": 0}, "times is 0; it must be a whole number, at least 1, or null for every call"),
    ("drs", "DescribeJobs", {"after": -1}, "after is -1; it must be a whole number, at least 0"),
])  # fmt: skip
def test_a_fault_that_could_never_strike_is_refused(
    aws: Simulator, service: str, operation: str, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(said)):
        aws.faults.throttle(service, operation, **more)
    assert list(aws.faults) == []


def test_a_function_that_fails_is_named_in_the_place_of_an_operation(aws: Simulator) -> None:
    assert aws.faults.fail_lambda(function="my-function").operation == "my-function"


THROTTLED, DENIED, UNAUTHORIZED = "ThrottlingException", "AccessDeniedException", "UnauthorizedOperation"


@pytest.mark.parametrize(("service", "operation", "throttled", "broken", "denied"), [
    ("drs", "describe_jobs", (THROTTLED, 429), ("InternalServerException", 500), (DENIED, 403)),
    ("dynamodb", "list_tables", (THROTTLED, 400), ("InternalServerError", 500), (DENIED, 400)),
    ("ec2", "describe_instances", ("RequestLimitExceeded", 503), ("InternalError", 500), (UNAUTHORIZED, 403)),
    ("sts", "get_caller_identity", ("Throttling", 400), ("InternalFailure", 500), ("AccessDenied", 403)),
    ("stepfunctions", "list_state_machines", (THROTTLED, 400), ("InternalServerException", 500), (DENIED, 400)),
    ("lambda", "list_functions", ("TooManyRequestsException", 429), ("ServiceException", 500), (DENIED, 403)),
    ("s3", "list_buckets", ("SlowDown", 503), ("InternalError", 500), ("AccessDenied", 403)),
])  # fmt: skip
def test_each_service_fails_in_its_own_words(
    aws: Simulator, service: str, operation: str, throttled: Any, broken: Any, denied: Any
) -> None:
    aws.drs.initialize()
    call = operation_of(aws.session(), service, operation)
    aws.faults.throttle(service)
    assert error(call)[:2] == throttled
    aws.faults.server_error(service)
    assert error(call)[:2] == broken
    aws.faults.deny(service)
    assert error(call)[:2] == denied
    aws.faults.expire_token(service)
    assert error(call)[0] in ("ExpiredTokenException", "ExpiredToken", "RequestExpired")
    call()


def test_any_error_can_be_the_answer_with_the_models_status(aws: Simulator, drs: Any) -> None:
    aws.faults.respond("drs", "StartRecovery", "ServiceQuotaExceededException", message="too many")
    with pytest.raises(drs.exceptions.ServiceQuotaExceededException, match="too many") as caught:
        start_recovery(drs)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 402


@pytest.mark.parametrize(("kind", "expected", "patience"), [
    (None, ConnectionClosedError, 0.04), ("EndpointConnectionError", EndpointConnectionError, 0.04),
    ("ConnectTimeoutError", ConnectTimeoutError, 7.04),
])  # fmt: skip
def test_a_lost_connection_leaves_nothing_done(
    aws: Simulator, table: Any, kind: str | None, expected: type[Exception], patience: float
) -> None:
    client = aws.session().client("dynamodb", config=ONCE.merge(Config(connect_timeout=7)))
    aws.faults.lose_connection("dynamodb", "PutItem", code=kind)
    started = aws.clock.now()
    with pytest.raises(expected):
        put(client)
    assert (aws.clock.now() - started).total_seconds() == pytest.approx(patience)
    assert names(table) == set()


def test_a_lost_answer_leaves_the_effect_and_the_client_waits_its_timeout(aws: Simulator, table: Any) -> None:
    client = aws.session().client("dynamodb", config=ONCE.merge(Config(read_timeout=9)))
    aws.faults.lose_answer("dynamodb", "PutItem")
    started = aws.clock.now()
    with pytest.raises(ReadTimeoutError):
        put(client)
    assert (aws.clock.now() - started).total_seconds() == pytest.approx(9.08)
    assert names(table) == {"a"}
    lost = aws.journal.select("dynamodb", "PutItem")[0]
    assert (lost.response, lost.error_code, lost.fault) == (None, "ReadTimeoutError", "lose_answer")


def test_botocores_own_retries_run_in_virtual_time(aws: Simulator, table: Any) -> None:
    client = aws.session().client("dynamodb", config=Config(retries={"total_max_attempts": 3, "mode": "standard"}))
    aws.faults.server_error("dynamodb", "PutItem", times=2)
    put(client)
    assert len(aws.journal.select("dynamodb", "PutItem")) == 3


def test_a_rate_limit_is_a_token_bucket_in_virtual_time(aws: Simulator, drs: Any) -> None:
    aws.faults.rate_limit("drs", per_second=0.5, burst=2)
    outcomes = []
    for pause in (0, 0, 0, 1.9, 0):
        aws.advance(pause)
        try:
            drs.describe_jobs()
            outcomes.append("ok")
        except ClientError as refused:
            outcomes.append(refused.response["Error"]["Code"])
    assert outcomes == ["ok", "ok", "ThrottlingException", "ok", "ThrottlingException"]


def test_a_fault_can_be_narrowed_to_parameters_and_callers(aws: Simulator, drs: Any) -> None:
    other = "s-99999999999999999"
    aws.drs.add_source_server(other, hostname="app-1")
    aws.faults.throttle("drs", "StartRecovery", where={"sourceServers[].sourceServerID": other})
    aws.faults.throttle("drs", "*", times=None, source="lambda")
    start_recovery(drs)
    assert error(lambda: start_recovery(drs, other))[0] == "ThrottlingException"
    drs.describe_jobs()


def test_a_star_meets_every_operation(aws: Simulator, drs: Any) -> None:
    fault = aws.faults.server_error("*", "*", times=None)
    assert error(drs.describe_jobs)[1] == 500
    aws.faults.remove(fault)
    drs.describe_jobs()


def test_faults_travel_as_json() -> None:
    fault = Fault("throttle", "drs", "StartRecovery", times=3, after=1, where={"isDrill": True}, retry_after=5)
    document = json.loads(json.dumps(fault.to_dict()))
    assert document == {
        "kind": "throttle", "service": "drs", "operation": "StartRecovery", "times": 3, "after": 1,
        "where": {"isDrill": True}, "retry_after": 5,
    }  # fmt: skip
    assert Fault.from_dict(document) == fault
    with pytest.raises(ValueError, match="no tmes"):
        Fault.from_dict({"kind": "throttle", "tmes": 3})
