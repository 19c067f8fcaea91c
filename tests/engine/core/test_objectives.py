"""The measured recovery objectives: what counts, what is met, and what is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.core.document import objectives_item
from engine.core.drs_status import JobStatus
from engine.core.events import Objective, Objectives
from engine.core.objectives import measured
from engine.core.statuses import ExecutionStatus, ServerStatus
from tests.engine.core.simulated_aws import START, World, execution_of, server, wave

NO_TARGETS = Objectives()
HOUR = timedelta(hours=1)
HOUR_AGO = "2026-01-05T07:00:00.240Z"


def recovered(*ages, status=ExecutionStatus.COMPLETED, objectives=NO_TARGETS):
    """An ended execution of servers with data of these ages in hours, or None; each ends a minute after the other."""
    numbers = {server(n): (n, age) for n, age in enumerate(ages, start=1)}

    def end(one):
        number, age = numbers[one.source_server_id]
        return replace(
            one,
            status=ServerStatus.RECOVERED,
            job_status=JobStatus.COMPLETED,
            job_created=START,
            snapshot_time=None if age is None else (START - age * HOUR).isoformat(),
            end_time=START + number * timedelta(minutes=1),
        )

    execution = execution_of(wave(1, list(numbers))).map_servers(lambda _: True, end)
    return measured(replace(execution, status=status, start_time=START, objectives=objectives))


def test_the_last_server_and_the_oldest_data_count():
    found = objectives_item(recovered(1, 3, 2).objectives)
    assert found == {"RecoveryTime": {"ActualSeconds": 180}, "RecoveryPoint": {"WorstSeconds": 3 * 3600}}


@pytest.mark.parametrize(
    ("ages", "status", "target", "met"),
    [
        ((1, 2), ExecutionStatus.COMPLETED, 2, True),
        ((1, 3), ExecutionStatus.COMPLETED, 2, False),
        ((1, 2), ExecutionStatus.FAILED, 2, False),
        ((1, 2), ExecutionStatus.CANCELLED, 2, False),
        # The unknown data may be older.
        ((1, None), ExecutionStatus.COMPLETED, 2, None),
        ((3, None), ExecutionStatus.COMPLETED, 2, False),
        ((None,), ExecutionStatus.COMPLETED, 2, None),
    ],
)
def test_the_recovery_point_is_met_only_by_known_data_of_a_completed_execution(ages, status, target, met):
    wanted = Objectives(recovery_point=Objective(target * 3600))
    assert recovered(*ages, status=status, objectives=wanted).objectives.recovery_point.met is met


@pytest.mark.parametrize(("target", "met"), [(119, False), (120, True)])
def test_the_recovery_time_is_met_up_to_its_target(target, met):
    wanted = Objectives(recovery_time=Objective(target))
    assert recovered(1, 1, objectives=wanted).objectives.recovery_time.met is met


def test_an_execution_without_a_recovered_server_has_targets_and_no_measured_value():
    execution = execution_of(wave(1, [server(1)]), RecoveryTimeObjectiveSeconds=60)
    found = measured(replace(execution, status=ExecutionStatus.FAILED, start_time=START))
    assert objectives_item(found.objectives) == {"RecoveryTime": {"TargetSeconds": 60, "Met": False}}


@pytest.mark.parametrize("text", ["yesterday", "", None])
def test_a_snapshot_time_that_nobody_can_read_fails_no_recovery(text):
    (one,) = execution_of(wave(1, [server(1)])).waves[0].loaded
    assert replace(one, snapshot_time=text, job_created=START).data_age_seconds is None


def test_data_from_after_the_creation_of_the_job_have_no_age():
    (one,) = execution_of(wave(1, [server(1)])).waves[0].loaded
    newer = (START + HOUR).isoformat()
    assert replace(one, snapshot_time=newer, job_created=START).data_age_seconds == 0
    assert replace(one, snapshot_time=HOUR_AGO, job_created=START).data_age_seconds == 3600


def test_the_record_of_a_run_has_ages_and_objectives():
    world = World()
    world.begin(execution_of(wave(1, [server(1)]), RecoveryPointObjectiveSeconds=30, RecoveryTimeObjectiveSeconds=900))
    record = world.run()
    (result,) = record["Waves"][0]["ServerResults"]
    # The world's snapshots are of 07:59:00, its first launch is a moment after START.
    assert result["DataAgeSeconds"] == 60
    assert record["Objectives"]["RecoveryPoint"] == {"TargetSeconds": 30, "WorstSeconds": 60, "Met": False}
    assert record["Objectives"]["RecoveryTime"]["Met"] is True
