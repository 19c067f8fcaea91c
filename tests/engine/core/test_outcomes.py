"""The meaning of each answer and each failure of an action: one row for each action."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.core.actions import (
    Busy,
    CheckInstances,
    Deferred,
    Failed,
    FindJob,
    FindRecoveries,
    FindRecoveryInstances,
    FindServers,
    FindTerminations,
    InstancesSeen,
    JobLogRead,
    JobNotFound,
    JobsSeen,
    JobStarted,
    ListedRecoveryInstance,
    Notify,
    PollJobs,
    Published,
    ReadJobLog,
    RecoveriesFound,
    RecoveryInstancesSeen,
    ServersFound,
    StartRecovery,
    TerminateInstances,
    TerminationsFound,
    TerminationStarted,
    Wait,
)
from engine.core.decisions import decide
from engine.core.drs_status import DrsJob, JobStatus
from engine.core.events import CleanUp, Deferral
from engine.core.finalization import end
from engine.core.outcomes import UnexpectedOutcome, apply
from engine.core.protection import ExistingInstance
from engine.core.statuses import CleanUpStatus, ExecutionStatus, NotificationStatus, ServerStatus, WaveStatus
from tests.engine.core.simulated_aws import START, execution_of, server, wave

NOW = START + timedelta(minutes=10)
JOB, OTHER_JOB = "drsjob-00000000000000001", "drsjob-00000000000000002"
INSTANCE = "i-00000000000000001"
START_1 = StartRecovery(1, 1, (server(1),), (), is_drill=True, expected=((server(1), None),))
FIND_1 = FindJob(1, 1, START)


def state(first=None, second=None):
    """A running wave of two servers, the changes to each of them given."""
    execution = execution_of(wave(1, [server(1), server(2)]))
    servers = execution.waves[0].loaded
    changed = tuple(replace(s, **(change or {})) for s, change in zip(servers, (first, second), strict=True))
    running = replace(execution, status=ExecutionStatus.RUNNING, start_time=START)
    return running.with_wave(1, status=WaveStatus.RUNNING, start_time=START, servers=changed)


INTENDED = {
    "status": ServerStatus.IN_PROGRESS,
    "launch_attempt": 1,
    "launch_unconfirmed": True,
    "start_time": START,
}
IN_FLIGHT = {**INTENDED, "launch_unconfirmed": False, "job_id": JOB, "job_status": JobStatus.IN_PROGRESS}
NOT_LAUNCHED = {**IN_FLIGHT, "job_status": JobStatus.FAILED}
LAUNCHED = {
    **IN_FLIGHT,
    "status": ServerStatus.LAUNCHED,
    "job_status": JobStatus.COMPLETED,
    "recovery_instance_id": INSTANCE,
}
CHECKED = {**LAUNCHED, "ec2_instance_id": INSTANCE}
OTHER = {**IN_FLIGHT, "launch_attempt": 2, "job_id": OTHER_JOB}


def first(execution):
    return execution.waves[0].loaded[0]


def second(execution):
    return execution.waves[0].loaded[1]


FAILURES = [
    (FindServers((server(1),)), {}, "no"),
    (FindRecoveries((server(1),)), {}, "no"),
    (START_1, INTENDED, "no"),
    (FIND_1, INTENDED, "it is not known whether DRS took the launch: no"),
    (PollJobs((JOB,)), IN_FLIGHT, f"the end of {JOB} is not known: no"),
    (ReadJobLog(JOB), NOT_LAUNCHED, "the job log of DRS has the reason, but could not be read: no"),
    (FindRecoveryInstances((INSTANCE,)), LAUNCHED, "no"),
    (CheckInstances((INSTANCE,)), CHECKED, "no"),
]


@pytest.mark.parametrize(("action", "before", "message"), FAILURES, ids=[type(row[0]).__name__ for row in FAILURES])
def test_a_failed_call_fails_its_servers_and_no_other(action, before, message):
    after = apply(state(before, OTHER), action, Failed("no"), NOW)
    assert (first(after).status, first(after).error_message, first(after).end_time) == (
        ServerStatus.FAILED,
        message,
        NOW,
    )
    assert second(after) == second(state(before, OTHER))


@pytest.mark.parametrize(("transient", "open_still"), [(False, False), (True, True)])
def test_a_launch_that_may_have_worked_stays_to_be_looked_for(transient, open_still):
    after = apply(state(INTENDED), START_1, Failed("no", transient=transient), NOW)
    assert first(after).launch_unconfirmed is open_still


ENDED = [
    (PollJobs((JOB,)), {"job_id": JOB}),
    (FindRecoveryInstances((INSTANCE,)), {"recovery_instance_id": INSTANCE}),
    (TerminateInstances((INSTANCE,)), {"recovery_instance_id": INSTANCE}),
]


@pytest.mark.parametrize(("action", "_fields"), ENDED, ids=[type(row[0]).__name__ for row in ENDED])
def test_in_the_clean_up_a_bad_minute_is_waited_out_and_a_refusal_ends_it(action, _fields):
    ended = end(state(LAUNCHED), ExecutionStatus.CANCELLED, "enough", NOW)
    assert apply(ended, action, Failed("no", transient=True), NOW) == ended
    clean_up = apply(ended, action, Failed("no"), NOW).clean_up
    assert clean_up == CleanUp(CleanUpStatus.FAILED, start_time=NOW, end_time=NOW, error_message="no")


def test_a_notification_that_fails_is_recorded_and_changes_nothing_else():
    ended = end(state(), ExecutionStatus.FAILED, "because", NOW)
    after = apply(ended, Notify("arn"), Failed("no topic"), NOW)
    assert (after.notification.status, after.notification.error_message) == (NotificationStatus.FAILED, "no topic")
    assert replace(after, notification=None) == ended


def test_a_notification_that_was_published_is_not_sent_again():
    after = apply(end(state(), ExecutionStatus.FAILED, "because", NOW), Notify("arn"), Published("id"), NOW)
    assert after.notification.status is NotificationStatus.SENT


def test_an_unknown_server_is_named_with_account_and_region():
    after = apply(state(), FindServers((server(1), server(2))), ServersFound(frozenset({server(2)})), NOW)
    assert first(after).error_message == (
        f"source server {server(1)} does not exist in DRS (account 111122223333, Region us-east-1)"
    )
    assert second(after).status is ServerStatus.PENDING


AWAITS_LAUNCH = {**INTENDED, "launch_unconfirmed": False}


@pytest.mark.parametrize("before", [{}, AWAITS_LAUNCH], ids=["not begun", "waits for DRS"])
def test_a_server_that_was_recovered_for_real_is_spared_and_named(before):
    action = FindRecoveries((server(1), server(2)))
    after = apply(
        state(before, before), action, RecoveriesFound({server(1): ExistingInstance(server(1), INSTANCE)}), NOW
    )
    assert first(after).status is ServerStatus.FAILED
    assert f"{server(1)} was recovered for real: a drill would replace" in first(after).error_message
    assert INSTANCE in first(after).error_message
    assert second(after) == second(state(before, before))


def test_a_job_is_not_adopted_by_a_server_that_was_taken_out_of_its_attempt_unless_it_is_in_it():
    spared = {**AWAITS_LAUNCH, "status": ServerStatus.FAILED}
    alone = DrsJob(JOB, "PENDING", {server(1): "PENDING"})
    assert second(apply(state(INTENDED, spared), START_1, JobStarted(alone), NOW)).job_id is None
    both = DrsJob(JOB, "PENDING", {server(1): "PENDING", server(2): "PENDING"})
    assert second(apply(state(INTENDED, spared), START_1, JobStarted(both), NOW)).job_id == JOB


def test_a_launch_in_doubt_is_not_that_of_a_server_that_was_taken_out_of_its_attempt():
    spared = {**AWAITS_LAUNCH, "status": ServerStatus.FAILED}
    after = apply(state(INTENDED, spared), START_1, Failed("no answer", transient=True), NOW)
    assert (first(after).launch_unconfirmed, second(after).launch_unconfirmed) == (True, False)


@pytest.mark.parametrize("action", [START_1, FIND_1], ids=["started", "found"])
def test_a_job_is_adopted_by_the_servers_of_its_attempt(action):
    waiting = state(INTENDED, {**OTHER, "job_id": None}).with_wave(1, reason="waiting for DRS: busy")
    after = apply(waiting, action, JobStarted(DrsJob(JOB, "PENDING")), NOW)
    assert (first(after).job_id, first(after).job_status, first(after).launch_unconfirmed) == (
        JOB,
        JobStatus.PENDING,
        False,
    )
    assert second(after).job_id is None
    assert after.waves[0].reason is None


def test_a_job_found_after_the_end_leaves_the_reason_of_the_end():
    ended = end(state(INTENDED), ExecutionStatus.CANCELLED, "enough", NOW)
    after = apply(ended, FIND_1, JobStarted(DrsJob(JOB, "PENDING")), NOW)
    assert after.waves[0].reason == "enough"
    assert first(after).job_id == JOB


@pytest.mark.parametrize(
    ("action", "outcome"), [(START_1, Busy("in use")), (FIND_1, JobNotFound())], ids=["busy", "not found"]
)
def test_a_launch_without_effect_is_open_no_more_but_still_wanted(action, outcome):
    after = apply(state(INTENDED), action, outcome, NOW)
    assert not first(after).launch_unconfirmed
    assert first(after).awaits_launch


def test_a_completed_job_makes_its_server_launched_and_tells_its_instance():
    job = DrsJob(JOB, "COMPLETED", {server(1): "LAUNCHED"}, {server(1): INSTANCE})
    after = apply(state(IN_FLIGHT, OTHER), PollJobs((JOB,)), JobsSeen({JOB: job}), NOW)
    assert (first(after).status, first(after).job_status, first(after).recovery_instance_id) == (
        ServerStatus.LAUNCHED,
        JobStatus.COMPLETED,
        INSTANCE,
    )
    assert second(after) == second(state(IN_FLIGHT, OTHER))


def test_a_word_drs_does_not_document_fails_the_server_by_that_word():
    after = apply(state(IN_FLIGHT), PollJobs((JOB,)), JobsSeen({JOB: DrsJob(JOB, "PAUSED")}), NOW)
    assert first(after).error_message == f"DRS returned the undocumented job status 'PAUSED' for {JOB}"
    assert first(after).end_time == NOW
    ended = end(state(IN_FLIGHT), ExecutionStatus.CANCELLED, "enough", NOW)
    assert apply(ended, PollJobs((JOB,)), JobsSeen({JOB: DrsJob(JOB, "PAUSED")}), NOW) == ended


def test_a_job_that_ends_after_a_cancellation_is_recorded_without_moving_the_server():
    ended = end(state(IN_FLIGHT), ExecutionStatus.CANCELLED, "enough", NOW)
    job = DrsJob(JOB, "COMPLETED", {server(1): "LAUNCHED"}, {server(1): INSTANCE})
    after = apply(ended, PollJobs((JOB,)), JobsSeen({JOB: job}), NOW)
    assert (first(after).status, first(after).recovery_instance_id) == (ServerStatus.CANCELLED, INSTANCE)


def test_a_failed_launch_carries_drs_reason_or_says_that_there_is_none():
    after = apply(state(NOT_LAUNCHED), ReadJobLog(JOB), JobLogRead({server(1): "no capacity"}), NOW)
    assert first(after).error_message == "no capacity"
    after = apply(state(NOT_LAUNCHED), ReadJobLog(JOB), JobLogRead({}), NOW)
    assert first(after).error_message == f"DRS did not launch the server; the log of {JOB} gives no reason"


def test_a_recovery_instance_tells_its_ec2_instance_and_the_time_of_its_data():
    seen = RecoveryInstancesSeen({INSTANCE: ListedRecoveryInstance(INSTANCE, "i-ec2", "2026-01-05T07:00:00Z")})
    after = apply(state(LAUNCHED), FindRecoveryInstances((INSTANCE,)), seen, NOW)
    assert (first(after).ec2_instance_id, first(after).snapshot_time) == ("i-ec2", "2026-01-05T07:00:00Z")
    unsaid = RecoveryInstancesSeen({INSTANCE: ListedRecoveryInstance(INSTANCE, None)})
    assert apply(after, FindRecoveryInstances((INSTANCE,)), unsaid, NOW) == after


def test_an_instance_that_is_not_listed_yet_is_waited_for_and_given_up_after_five_minutes():
    action, nothing = FindRecoveryInstances((INSTANCE,)), RecoveryInstancesSeen({})
    waiting = apply(state(LAUNCHED, OTHER), action, nothing, NOW)
    assert first(waiting).status is ServerStatus.LAUNCHED
    decision = decide(waiting, {action, PollJobs((OTHER_JOB,))}, NOW)
    assert isinstance(decision.action, Wait)
    assert decision.action.until - NOW <= timedelta(seconds=15)
    late = apply(waiting, action, nothing, NOW + timedelta(seconds=299))
    assert first(late).status is ServerStatus.LAUNCHED
    given_up = apply(waiting, action, nothing, NOW + timedelta(seconds=300))
    assert first(given_up).error_message == f"DRS does not list its recovery instance {INSTANCE}"


@pytest.mark.parametrize("was_there", [{"ec2_instance_id": INSTANCE}, {"termination_job_id": OTHER_JOB}])
def test_what_drs_no_longer_lists_in_the_clean_up_is_terminated(was_there):
    ended = end(state({**LAUNCHED, **was_there}), ExecutionStatus.CANCELLED, "enough", NOW)
    after = apply(ended, FindRecoveryInstances((INSTANCE,)), RecoveryInstancesSeen({}), NOW)
    assert first(after).terminated_at == NOW


def test_an_instance_that_drs_lists_as_terminated_is_gone_in_the_clean_up_only():
    running = state(LAUNCHED)
    ended = end(running, ExecutionStatus.CANCELLED, "enough", NOW)
    seen = RecoveryInstancesSeen({INSTANCE: ListedRecoveryInstance(INSTANCE, "i-ec2", terminated=True)})
    assert first(apply(ended, FindRecoveryInstances((INSTANCE,)), seen, NOW)).terminated_at == NOW
    assert first(apply(running, FindRecoveryInstances((INSTANCE,)), seen, NOW)).terminated_at is None


def test_what_drs_has_never_listed_counts_as_terminated_only_after_five_minutes():
    ended = end(state(LAUNCHED), ExecutionStatus.CANCELLED, "enough", NOW)
    action, nothing = FindRecoveryInstances((INSTANCE,)), RecoveryInstancesSeen({})
    looked = apply(ended, action, nothing, NOW)
    assert first(looked).terminated_at is None
    assert first(apply(looked, action, nothing, NOW + timedelta(seconds=299))).terminated_at is None
    late = NOW + timedelta(seconds=300)
    assert first(apply(looked, action, nothing, late)).terminated_at == late


def test_the_wait_for_the_listing_takes_nothing_from_the_patience_of_the_health_checks():
    action = FindRecoveryInstances((INSTANCE,))
    waiting = apply(state(LAUNCHED, OTHER), action, RecoveryInstancesSeen({}), NOW)
    listed = RecoveryInstancesSeen({INSTANCE: ListedRecoveryInstance(INSTANCE, INSTANCE)})
    seen = apply(waiting, action, listed, NOW + timedelta(seconds=280))
    looked = apply(seen, CheckInstances((INSTANCE,)), InstancesSeen({}), NOW + timedelta(seconds=280))
    assert first(looked).first_health_check == NOW + timedelta(seconds=280)
    again = apply(looked, action, listed, NOW + timedelta(seconds=290))
    assert first(again).first_health_check == NOW + timedelta(seconds=280)


def test_a_launch_without_the_id_of_its_instance_is_asked_about_again():
    one = server(1)
    nameless = DrsJob(JOB, "COMPLETED", {one: "LAUNCHED"}, {})
    after = apply(state(IN_FLIGHT), PollJobs((JOB,)), JobsSeen({JOB: nameless}), NOW)
    assert (first(after).status, first(after).job_in_flight) == (ServerStatus.IN_PROGRESS, True)
    named = replace(nameless, recovery_instances={one: INSTANCE})
    later = apply(after, PollJobs((JOB,)), JobsSeen({JOB: named}), NOW)
    assert (first(later).status, first(later).recovery_instance_id) == (ServerStatus.LAUNCHED, INSTANCE)


@pytest.mark.parametrize(
    ("seen", "status", "health"),
    [
        ("running", ServerStatus.RECOVERED, "running"),
        ("pending", ServerStatus.LAUNCHED, "pending"),
        (None, ServerStatus.LAUNCHED, "unknown"),
        ("stopped", ServerStatus.FAILED, "stopped"),
        ("terminated", ServerStatus.FAILED, "terminated"),
        ("shutting-down", ServerStatus.FAILED, "shutting-down"),
    ],
)
def test_one_look_at_an_instance(seen, status, health):
    states = InstancesSeen({INSTANCE: seen} if seen else {})
    after = first(apply(state(CHECKED, OTHER), CheckInstances((INSTANCE,)), states, NOW))
    assert (after.status, after.health_status, after.health_checks, after.first_health_check) == (
        status,
        health,
        1,
        NOW,
    )


def test_a_health_failure_names_instance_state_and_patience():
    waited = {**CHECKED, "first_health_check": NOW - timedelta(seconds=300), "health_checks": 10}
    after = apply(state(waited), CheckInstances((INSTANCE,)), InstancesSeen({INSTANCE: "pending"}), NOW)
    assert first(after).error_message == (
        f"instance {INSTANCE} is 'pending', not 'running', after 300 seconds and 11 health checks"
    )


def test_a_termination_is_noted_once_with_its_job():
    ended = end(state(LAUNCHED), ExecutionStatus.CANCELLED, "enough", NOW)
    once = apply(ended, TerminateInstances((INSTANCE,)), TerminationStarted(OTHER_JOB), NOW)
    twice = apply(once, TerminateInstances((INSTANCE,)), TerminationStarted(OTHER_JOB), NOW)
    assert once.clean_up.job_ids == twice.clean_up.job_ids == (OTHER_JOB,)
    assert first(once).termination_job_id == OTHER_JOB
    assert second(once).termination_job_id is None
    refused = apply(ended, TerminateInstances((INSTANCE,)), Busy("in use"), NOW)
    assert refused.clean_up.error_message == "DRS refuses to terminate: in use"
    accepted = apply(refused, TerminateInstances((INSTANCE,)), TerminationStarted(OTHER_JOB), NOW)
    assert accepted.clean_up.error_message is None


def test_a_termination_whose_answer_was_lost_is_adopted_with_its_job():
    ended = end(state(LAUNCHED), ExecutionStatus.CANCELLED, "enough", NOW)
    look = FindTerminations((server(1),), NOW)
    adopted = apply(ended, look, TerminationsFound({server(1): OTHER_JOB}), NOW)
    assert adopted.clean_up.job_ids == (OTHER_JOB,)
    assert (first(adopted).termination_job_id, second(adopted).termination_job_id) == (OTHER_JOB, None)
    assert apply(ended, look, TerminationsFound({}), NOW) == ended
    assert apply(ended, look, Failed("denied"), NOW) == ended


def test_a_pause_that_aws_asks_for_is_kept_three_times_and_then_fails():
    deferred = Deferred(70.5, "slow down")
    execution = state(INTENDED)
    for retry in (1, 2, 3):
        execution = apply(execution, START_1, deferred, NOW)
        until = (NOW + timedelta(seconds=71)).replace(microsecond=0)
        assert execution.deferral == Deferral(until, retry, "StartRecovery")
        assert decide(execution, set(), NOW).action == Wait(NOW.replace(microsecond=0) + timedelta(seconds=50))
    failed = apply(execution, START_1, deferred, NOW)
    assert failed.deferral is None
    assert first(failed).error_message == "slow down"
    assert first(failed).launch_unconfirmed


def test_pauses_that_were_made_for_one_call_leave_another_call_its_own():
    pause = Deferred(70, "slow down")
    execution = apply(state(), FindRecoveries((server(1),)), pause, NOW)
    for _ in range(3):
        execution = apply(execution, FindServers((server(1),)), pause, NOW)
    assert (execution.deferral.retries, execution.deferral.call) == (3, "FindServers")
    assert first(execution).status is ServerStatus.PENDING


def test_after_the_pause_the_look_keeps_the_retries_and_a_job_forgets_them():
    pause, later = Deferred(70, "slow down"), NOW + timedelta(seconds=71)
    execution = apply(state(INTENDED), START_1, pause, NOW)
    assert decide(execution, set(), later).action == FIND_1
    looked = apply(execution, FIND_1, JobNotFound(), later)
    assert looked.deferral == execution.deferral
    assert apply(looked, START_1, pause, later).deferral.retries == 2
    assert apply(looked, START_1, JobStarted(DrsJob(JOB, "PENDING")), later).deferral is None
    assert apply(execution, FIND_1, JobStarted(DrsJob(JOB, "PENDING")), later).deferral is None


def test_an_outcome_that_does_not_belong_to_its_action_is_a_defect():
    with pytest.raises(UnexpectedOutcome, match="PollJobs"):
        apply(state(IN_FLIGHT), PollJobs((JOB,)), JobNotFound(), NOW)
