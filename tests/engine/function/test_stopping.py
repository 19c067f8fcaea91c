"""The end of an execution whose state machine fails again and again."""

from __future__ import annotations

from dataclasses import replace

from engine.core.statuses import CleanUpStatus, ExecutionStatus, NotificationStatus
from engine.function.stopping import MAX_ABNORMAL_EXITS, _closed
from tests.engine.core.simulated_aws import START, execution_of, server, wave


def test_each_death_puts_a_new_run_in_charge_until_there_have_been_too_many():
    execution = execution_of(wave(1, [server(1)]))
    for exits in range(1, MAX_ABNORMAL_EXITS):
        execution = _closed(execution, "the state machine was stopped from outside", START)
        assert (execution.abnormal_exits, execution.run, execution.settled) == (exits, exits + 1, False)
        assert execution.status is ExecutionStatus.FAILED
    last = _closed(execution, "it failed for good", START)
    assert last.settled
    assert last.clean_up.status is CleanUpStatus.FAILED
    assert (
        last.clean_up.error_message
        == "not done: the state machine exited abnormally 3 times; last cause: it failed for good"
    )
    assert last.notification.status is NotificationStatus.FAILED


def test_a_close_never_changes_a_final_status():
    ended = replace(
        _closed(execution_of(wave(1, [server(1)])), "stopped", START),
        status=ExecutionStatus.COMPLETED,
        abnormal_exits=0,
    )
    assert _closed(ended, "stopped again", START).status is ExecutionStatus.COMPLETED
