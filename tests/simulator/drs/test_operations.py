"""Every operation that the DRS backend offers succeeds, and fails with every error that its model names.

The list of operations and errors comes from botocore's model: an operation that is offered without a way to succeed
here fails the suite, and so does an error that an operation gains with a newer model.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from simulator.drs import DrsWorld
from simulator.drs.responses import DRSResponse
from simulator.gateway import model_validation

MODEL = botocore.session.get_session().get_service_model("drs")
SERVER = "s-3d75cdc0d9a28a725"
snake = botocore.xform_name
OFFERED = sorted(name for name in MODEL.operation_names if inspect.isfunction(vars(DRSResponse).get(snake(name))))
ERRORS = [(name, error.name) for name in OFFERED for error in MODEL.operation_model(name).error_shapes]

Arguments = dict[str, Any]


def _launched(world: DrsWorld, clock: Any) -> str:
    """A recovery instance of SERVER, some minutes old."""
    world.set_launch(SERVER, launch_seconds=60)
    world.start_foreign_job([SERVER])
    clock.advance(120)
    instance_id = world.backend.source_servers[SERVER].recovery_instance_id
    assert instance_id
    return instance_id


# For each operation, arguments with which it succeeds in a world that has SERVER.
ARGUMENTS: dict[str, Callable[[DrsWorld, Any], Arguments]] = {
    "InitializeService": lambda world, clock: {},
    "DescribeSourceServers": lambda world, clock: {},
    "DescribeRecoverySnapshots": lambda world, clock: {"sourceServerID": SERVER},
    "GetLaunchConfiguration": lambda world, clock: {"sourceServerID": SERVER},
    "StartRecovery": lambda world, clock: {"sourceServers": [{"sourceServerID": SERVER}], "isDrill": True},
    "TerminateRecoveryInstances": lambda world, clock: {"recoveryInstanceIDs": [_launched(world, clock)]},
    "DescribeJobs": lambda world, clock: {"filters": {"jobIDs": [world.start_foreign_job([SERVER])]}},
    "DescribeJobLogItems": lambda world, clock: {"jobID": world.start_foreign_job([SERVER])},
    "DescribeRecoveryInstances": lambda world, clock: {"filters": {"recoveryInstanceIDs": [_launched(world, clock)]}},
    "TagResource": lambda world, clock: {"resourceArn": _arn(world), "tags": {"tier": "database"}},
    "UntagResource": lambda world, clock: {"resourceArn": _arn(world), "tagKeys": ["tier"]},
    "ListTagsForResource": lambda world, clock: {"resourceArn": _arn(world)},
}


def _arn(world: DrsWorld, kind: str = "source-server", resource_id: str = SERVER) -> str:
    return world.backend.arn(kind, resource_id)


def _busy(world: DrsWorld, clock: Any, name: str) -> Arguments:
    """Valid arguments, while another client's job uses the server."""
    arguments = ARGUMENTS[name](world, clock)
    world.start_foreign_job([SERVER])
    return arguments


# Errors with a cause in the environment; the others come from `DrsWorld.refuse`.
CAUSES: dict[tuple[str, str], Callable[[DrsWorld, Any], Arguments]] = {
    ("StartRecovery", "ConflictException"): lambda world, clock: _busy(world, clock, "StartRecovery"),
    ("TerminateRecoveryInstances", "ConflictException"): lambda world, clock: _busy(
        world, clock, "TerminateRecoveryInstances"
    ),
    ("DescribeJobLogItems", "ValidationException"): lambda world, clock: {"jobID": "drsjob-" + "0" * 17},
    ("TagResource", "ValidationException"): lambda world, clock: {
        "resourceArn": _arn(world),
        "tags": {"aws:mine": "no"},
    },
    **{
        (name, "ValidationException"): lambda world, clock: {"nextToken": "bm90aGluZw=="}
        for name in ("DescribeJobs", "DescribeSourceServers")
    },
    ("DescribeRecoverySnapshots", "ValidationException"): lambda world, clock: {
        "sourceServerID": SERVER,
        "nextToken": "no token",
    },
    ("GetLaunchConfiguration", "ResourceNotFoundException"): lambda world, clock: {"sourceServerID": "s-" + "0" * 17},
    ("TagResource", "ResourceNotFoundException"): lambda world, clock: {
        "resourceArn": _arn(world, "job", "drsjob-" + "0" * 17),
        "tags": {"a": "b"},
    },
    ("UntagResource", "ResourceNotFoundException"): lambda world, clock: {
        "resourceArn": _arn(world, "recovery-instance", "i-0123456789abcdef0"),
        "tagKeys": ["a"],
    },
    ("ListTagsForResource", "ResourceNotFoundException"): lambda world, clock: {
        "resourceArn": _arn(world).replace("us-east-1", "eu-west-1")
    },
}


def _arguments(name: str, error: str, world: DrsWorld, clock: Any) -> Arguments:
    """Arguments with which `name` meets `error`, once the world is such that it does."""
    if (name, error) in CAUSES:
        return CAUSES[name, error](world, clock)
    arguments = ARGUMENTS[name](world, clock)
    if error == "UninitializedAccountException":
        world.uninitialize()
    elif error == "ServiceQuotaExceededException":
        world.quotas.concurrent_jobs = 0
    else:
        world.refuse(name, error)
    return arguments


@pytest.fixture(autouse=True)
def server(world: DrsWorld) -> None:
    world.add_source_server(SERVER, hostname="db-1", tags={"tier": "database"})


def test_every_offered_operation_has_a_way_to_succeed() -> None:
    assert sorted(ARGUMENTS) == OFFERED, "add a row to ARGUMENTS for each operation of simulator/drs/responses.py"
    assert len(OFFERED) >= 12


def test_every_cause_belongs_to_an_error_that_the_model_names() -> None:
    assert set(CAUSES) <= set(ERRORS)


@pytest.mark.parametrize("name", OFFERED)
def test_an_operation_succeeds_in_the_shape_of_the_model(name: str, world: DrsWorld, drs: Any, clock: Any) -> None:
    answer = getattr(drs, snake(name))(**ARGUMENTS[name](world, clock))
    metadata = answer.pop("ResponseMetadata")
    operation = MODEL.operation_model(name)
    assert metadata["HTTPStatusCode"] == operation.http["responseCode"]
    if operation.output_shape:
        assert model_validation.answer_problems("drs", answer, operation.output_shape) == []


@pytest.mark.parametrize(("name", "error"), ERRORS)
def test_an_operation_fails_with_each_error_of_its_model(
    name: str, error: str, world: DrsWorld, drs: Any, clock: Any
) -> None:
    arguments = _arguments(name, error, world, clock)
    with pytest.raises(getattr(drs.exceptions, error)) as caught:
        getattr(drs, snake(name))(**arguments)
    answer = caught.value.response
    shape = MODEL.shape_for(error)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == shape.metadata["error"]["httpStatusCode"]
    assert answer["Error"]["Code"] == error
    assert answer["Error"]["Message"]


@pytest.mark.parametrize("name", OFFERED)
def test_a_refusal_happens_once_and_changes_nothing(name: str, world: DrsWorld, drs: Any, clock: Any) -> None:
    arguments = ARGUMENTS[name](world, clock)
    jobs = len(world.backend.jobs)
    world.refuse(name, "ThrottlingException")
    with pytest.raises(drs.exceptions.ThrottlingException):
        getattr(drs, snake(name))(**arguments)
    assert len(world.backend.jobs) == jobs
    getattr(drs, snake(name))(**arguments)


@pytest.mark.parametrize(("error", "seconds"), [("ThrottlingException", "7"), ("InternalServerException", 7)])
def test_throttling_and_internal_errors_say_when_to_come_back(
    error: str, seconds: Any, world: DrsWorld, drs: Any
) -> None:
    world.refuse("DescribeJobs", error, retry_after=7)
    with pytest.raises(ClientError) as caught:
        drs.describe_jobs()
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "7"
    assert dict(caught.value.response)["retryAfterSeconds"] == seconds


def test_a_conflict_names_the_server_that_is_busy(world: DrsWorld, drs: Any) -> None:
    world.start_foreign_job([SERVER])
    with pytest.raises(drs.exceptions.ConflictException) as caught:
        drs.start_recovery(sourceServers=[{"sourceServerID": SERVER}])
    answer = caught.value.response
    assert (answer["resourceId"], answer["resourceType"]) == (SERVER, "SourceServer")
    assert "currently being processed by a Job" in answer["Error"]["Message"]


def test_an_unknown_error_cannot_be_asked_for(world: DrsWorld) -> None:
    with pytest.raises(ValueError, match="names no error 'Timeout'"):
        world.refuse("DescribeJobs", "Timeout")


def test_drs_without_a_clock_says_so(world: DrsWorld, drs: Any) -> None:
    import simulator.drs

    simulator.drs.use_clock(None)
    with pytest.raises(simulator.drs.ClockMissing, match="use_clock"):
        drs.describe_source_servers()
