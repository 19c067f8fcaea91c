"""The end of an execution and its clean-up: the message of each wave, a second termination, its limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.core import policy
from engine.core.actions import Action, Busy, FindRecoveryInstances, TerminateInstances, Wait
from engine.core.decisions import decide
from engine.core.drs_status import JobStatus
from engine.core.events import CleanUp, Notification
from engine.core.finalization import end
from engine.core.outcomes import apply
from engine.core.statuses import CleanUpStatus, ExecutionStatus, NotificationStatus, ServerStatus, WaveStatus
from tests.engine.core.simulated_aws import execution_of, server, wave
from tests.engine.core.test_outcomes import IN_FLIGHT, INSTANCE, LAUNCHED, NOW, OTHER, OTHER_JOB, first, state


def test_what_a_stopped_execution_leaves():
    execution = state(IN_FLIGHT)
    cancelled = end(execution, ExecutionStatus.CANCELLED, "enough", NOW)
    assert [(s.status, s.error_message) for s in cancelled.waves[0].loaded] == [(ServerStatus.CANCELLED, "enough")] * 2
    assert first(cancelled).end_time == NOW
    failed = end(execution, ExecutionStatus.FAILED, "too late", NOW)
    assert [s.status for s in failed.waves[0].loaded] == [ServerStatus.FAILED, ServerStatus.SKIPPED]
    assert [s.error_message for s in failed.waves[0].loaded] == ["too late"] * 2
    assert failed.errors[0].message == "too late"
    assert cancelled.errors == ()


BEFORE_THE_END = (WaveStatus.COMPLETED, WaveStatus.RUNNING, WaveStatus.PENDING, WaveStatus.PENDING)


@pytest.mark.parametrize(
    ("status", "running_becomes", "pending_becomes"),
    [
        (ExecutionStatus.CANCELLED, WaveStatus.CANCELLED, WaveStatus.CANCELLED),
        (ExecutionStatus.FAILED, WaveStatus.FAILED, WaveStatus.SKIPPED),
    ],
)
def test_a_stopped_execution_closes_its_waves_and_says_why(status, running_becomes, pending_becomes):
    execution = execution_of(*(wave(number, [server(number)]) for number in range(1, 5)))
    for number, before in enumerate(BEFORE_THE_END, start=1):
        execution = execution.with_wave(number, status=before)
    ended = end(execution, status, "enough", NOW)
    assert [(wave.status, wave.reason, wave.end_time) for wave in ended.waves] == [
        (WaveStatus.COMPLETED, None, None),
        (running_becomes, "enough", NOW),
        (pending_becomes, "enough", None),
        (pending_becomes, "enough", None),
    ]
    assert ended.waves[0] == execution.waves[0]
    assert (ended.status, ended.reason, ended.end_time) == (status, "enough", NOW)


def test_a_running_wave_whose_servers_are_unread_is_closed_as_well():
    execution = state(IN_FLIGHT)
    unread = execution.with_wave(1, servers=None)
    (closed,) = end(unread, ExecutionStatus.FAILED, "too late", NOW).waves
    assert (closed.status, closed.reason, closed.end_time) == (WaveStatus.FAILED, "too late", NOW)
    assert closed.servers is None


def test_an_execution_says_which_waves_failed_and_how_many_were_skipped():
    execution = execution_of(*(wave(number, [server(number)]) for number in range(1, 6)))
    statuses = (WaveStatus.COMPLETED, WaveStatus.FAILED, WaveStatus.FAILED, WaveStatus.SKIPPED, WaveStatus.SKIPPED)
    for number, status in enumerate(statuses, start=1):
        execution = execution.with_wave(number, status=status)
    second, third = execution.wave(2).label, execution.wave(3).label
    assert end(execution, ExecutionStatus.FAILED, None, NOW).reason == f"failed: {second}, {third}; waves skipped: 2"
    execution = execution.with_wave(3, status=WaveStatus.COMPLETED)
    execution = execution.with_wave(4, status=WaveStatus.COMPLETED).with_wave(5, status=WaveStatus.COMPLETED)
    assert end(execution, ExecutionStatus.FAILED, None, NOW).reason == f"failed: {second}"


TERMINATING = {
    **LAUNCHED,
    "status": ServerStatus.RECOVERED,
    "end_time": NOW,
    "termination_job_id": OTHER_JOB,
    "termination_requested_at": NOW,
}


def cleaning(first_server, second_server=None):
    """A drill that is over and told, its clean-up under way."""
    ended = end(state(first_server, second_server or OTHER_ENDED), ExecutionStatus.COMPLETED, None, NOW)
    clean_up = CleanUp(CleanUpStatus.RUNNING, start_time=NOW, job_ids=(OTHER_JOB,))
    return replace(ended, notification=Notification(NotificationStatus.SENT), clean_up=clean_up)


OTHER_ENDED = {"status": ServerStatus.FAILED, "end_time": NOW, "error_message": "no"}
LIMIT = timedelta(seconds=policy.TERMINATION_LIMIT_SECONDS)


@pytest.mark.parametrize(
    ("changes", "after", "expected"),
    [
        ({}, LIMIT - timedelta(seconds=1), Wait),
        ({}, LIMIT, TerminateInstances),
        ({}, LIMIT + timedelta(minutes=1), TerminateInstances),
        ({"termination_requested_at": None}, LIMIT * 2, Wait),
        ({"termination_job_id": None, "termination_requested_at": None}, timedelta(0), TerminateInstances),
    ],
    ids=["young", "at the limit", "old", "adopted", "not asked for yet"],
)
def test_when_an_instance_that_is_still_there_is_asked_for_again(changes, after, expected):
    seen = {FindRecoveryInstances((INSTANCE,))}
    decision = decide(cleaning({**TERMINATING, **changes}), seen, NOW + after)
    assert isinstance(decision.action, expected)
    if expected is TerminateInstances:
        assert decision.action.recovery_instance_ids == (INSTANCE,)


def test_a_clean_up_that_takes_too_long_names_what_is_left():
    late = NOW + timedelta(seconds=policy.CLEAN_UP_LIMIT_SECONDS)
    in_flight = {**OTHER, "status": ServerStatus.FAILED, "end_time": NOW, "error_message": "no"}
    early = decide(cleaning(TERMINATING, in_flight), set(), late - timedelta(seconds=1)).execution
    assert early.clean_up.status is CleanUpStatus.RUNNING
    clean_up = decide(cleaning(TERMINATING, in_flight), set(), late).execution.clean_up
    assert (clean_up.status, clean_up.start_time, clean_up.end_time) == (CleanUpStatus.FAILED, NOW, late)
    assert clean_up.error_message == (
        "the clean-up did not end within 120 minutes of the execution's end; "
        f"recovery instances left: {INSTANCE}; jobs still in flight: {OTHER_JOB}"
    )
    nothing = decide(cleaning(OTHER_ENDED | {"launch_unconfirmed": True, "launch_attempt": 1}), set(), late)
    assert "instances left: none known; jobs still in flight: none" in nothing.execution.clean_up.error_message


def test_one_that_drs_cannot_terminate_now_does_not_keep_the_others():
    servers = [{**LAUNCHED, "recovery_instance_id": f"i-{n}", "ec2_instance_id": f"i-{n}"} for n in (1, 2)]
    ended = replace(
        end(state(*servers), ExecutionStatus.CANCELLED, "enough", NOW),
        notification=Notification(NotificationStatus.SENT),
    )
    performed: set[Action] = set()
    alone = []
    while isinstance(action := decide(ended, performed, NOW).action, FindRecoveryInstances | TerminateInstances):
        performed.add(action)
        if isinstance(action, TerminateInstances):
            alone.append(action.recovery_instance_ids)
            assert len(alone) < 10, "it asks for ever"
            ended = apply(ended, action, Busy("failback in progress"), NOW)
    assert isinstance(action, Wait)
    assert alone[0] == ("i-1", "i-2")
    assert sorted(alone[1:]) == [("i-1",), ("i-2",)]


def test_a_hundred_that_drs_cannot_terminate_now_are_not_all_asked_for_in_one_step():
    many = execution_of(wave(1, [server(number) for number in range(100)]))
    launched = [
        replace(
            one,
            status=ServerStatus.LAUNCHED,
            launch_attempt=1,
            job_id=OTHER_JOB,
            job_status=JobStatus.COMPLETED,
            recovery_instance_id=f"i-{number}",
            ec2_instance_id=f"i-{number}",
        )
        for number, one in enumerate(many.waves[0].loaded)
    ]
    running = replace(many, status=ExecutionStatus.RUNNING, start_time=NOW)
    running = running.with_wave(1, status=WaveStatus.RUNNING, start_time=NOW, servers=tuple(launched))
    ended = replace(
        end(running, ExecutionStatus.CANCELLED, "enough", NOW), notification=Notification(NotificationStatus.SENT)
    )

    def asked_for_alone(now):
        performed: list[Action] = [FindRecoveryInstances(tuple(f"i-{number}" for number in range(100)))]
        while isinstance(action := decide(ended, performed, now).action, TerminateInstances):
            performed.append(action)
        requests = [one.recovery_instance_ids for one in performed if isinstance(one, TerminateInstances)]
        return {request[0] for request in requests if len(request) == 1}

    first_step, second_step = asked_for_alone(NOW), asked_for_alone(NOW + timedelta(seconds=15))
    assert len(first_step) == len(second_step) == policy.TERMINATIONS_ALONE
    assert first_step.isdisjoint(second_step)


def test_a_clean_up_that_takes_too_long_names_the_launches_in_doubt():
    ended = replace(
        end(state({**IN_FLIGHT, "launch_unconfirmed": True, "job_id": None}), ExecutionStatus.CANCELLED, "enough", NOW),
        notification=Notification(NotificationStatus.SENT),
    )
    late = decide(ended, set(), NOW + timedelta(seconds=policy.CLEAN_UP_LIMIT_SECONDS)).execution
    assert f"not known whether DRS launched: {server(1)}" in late.clean_up.error_message
