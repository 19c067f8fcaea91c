"""The core's decisions, waves and servers, played through in a world without AWS."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from engine.core.actions import (
    CheckInstances,
    Failed,
    FindRecoveries,
    FindServers,
    PollJobs,
    StartRecovery,
    TerminateInstances,
)
from engine.core.plan import ExecutionType
from engine.core.protection import ExistingInstance, ExistingInstances, with_decision
from engine.core.statuses import ServerStatus, WaveStatus
from tests.engine.core.simulated_aws import START, World, execution_of, server, wave


def run(*waves, world: World | None = None, **options):
    world = world or World()
    run_options = {key: options.pop(key) for key in ("until", "cancel_at") if key in options}
    world.begin(execution_of(*waves, **options))
    return world, world.run(**run_options)


def statuses(record):
    return [wave["Status"] for wave in record["Waves"]]


def test_waves_run_in_number_order_whatever_their_order_in_the_plan():
    world, record = run(wave(3, [server(3)]), wave(1, [server(1)]), wave(2, [server(2)]))
    assert world.launches() == [(server(1),), (server(2),), (server(3),)]
    assert record["Status"] == "COMPLETED"
    assert statuses(record) == ["COMPLETED"] * 3


def test_a_wave_starts_only_when_the_one_before_is_completed():
    _, record = run(wave(1, [server(1)]), wave(2, [server(2)]))
    assert record["Waves"][1]["StartTime"] >= record["Waves"][0]["EndTime"]


def test_a_wait_is_never_shorter_than_told_and_less_than_a_second_longer():
    world, _ = run(wave(1, [server(1)], WaitTimeSeconds=120), wave(2, [server(2)]))
    first = world.load().waves[0].end_time
    second = world.load().waves[1].start_time
    assert timedelta(seconds=120) <= second - first < timedelta(seconds=121)


def test_a_wave_that_a_resumption_carries_over_ends_no_wait():
    """The wave before the carried one is launched again, so that its wait has not passed yet."""
    waves = [wave(1, [server(1)], WaitTimeSeconds=420), wave(2, [server(2)]), wave(3, [server(3)])]
    earlier = START - timedelta(hours=1)
    execution = execution_of(*waves).with_wave(
        2, status=WaveStatus.COMPLETED, start_time=earlier, end_time=earlier, carried_from="the failed execution"
    )
    world = World()
    world.begin(
        execution.map_servers(
            lambda one: one.source_server_id == server(2), lambda one: replace(one, status=ServerStatus.SKIPPED)
        )
    )
    world.run()
    first, _, third = world.load().waves
    assert timedelta(seconds=420) <= third.start_time - first.end_time < timedelta(seconds=421)


def test_parallel_servers_share_one_job_and_sequential_ones_wait_for_health():
    parallel, _ = run(wave(1, [server(1), server(2)]))
    assert parallel.launches() == [(server(1), server(2))]
    sequential, record = run(wave(1, [server(2), server(1)], ExecutionType="SEQUENTIAL"))
    assert sequential.launches() == [(server(2),), (server(1),)]
    results = record["Waves"][0]["ServerResults"]
    assert results[1]["StartTime"] >= results[0]["EndTime"]


def test_a_wave_of_more_servers_than_a_job_takes_is_split_and_judged_as_one():
    servers = [server(n) for n in range(250)]
    world, record = run(wave(1, servers))
    assert [len(launch) for launch in world.launches()] == [100, 100, 50]
    assert record["Status"] == "COMPLETED"
    assert [r["Status"] for r in record["Waves"][0]["ServerResults"]] == ["RECOVERED"] * 250


def test_after_a_failure_a_sequential_wave_launches_nothing_more():
    world = World(fails={server(1): "no capacity"})
    _, record = run(wave(1, [server(1), server(2)], ExecutionType="SEQUENTIAL"), world=world)
    first, second = record["Waves"][0]["ServerResults"]
    assert (first["Status"], first["ErrorMessage"]) == ("FAILED", "no capacity")
    assert second["Status"] == "SKIPPED"
    assert "DrsJobId" not in second
    assert server(1) in second["StatusReason"]
    assert world.launches() == [(server(1),)]


def test_a_failed_wave_skips_its_dependants_through_any_depth_and_no_others():
    world = World(fails={server(1): "no capacity"})
    _, record = run(
        wave(1, [server(1)]),
        wave(2, [server(2)]),
        wave(3, [server(3)]),
        wave(4, [server(4)], DependsOn=[]),
        wave(5, [server(5)], DependsOn=[4]),
        world=world,
    )
    assert statuses(record) == ["FAILED", "SKIPPED", "SKIPPED", "COMPLETED", "COMPLETED"]
    assert record["Waves"][1]["StatusReason"] == "depends on wave 1 (Tier 1), which failed"
    assert record["Waves"][2]["StatusReason"].endswith("was skipped because wave 1 (Tier 1) failed")
    assert record["Waves"][2]["ServerResults"][0]["Status"] == "SKIPPED"
    assert record["Status"] == "FAILED"


def test_a_parallel_wave_is_judged_when_all_its_servers_have_ended():
    world = World(fails={server(1): "no capacity"}, boot_seconds=100)
    _, record = run(wave(1, [server(1), server(2)]), world=world)
    first, second = record["Waves"][0]["ServerResults"]
    assert (first["Status"], second["Status"]) == ("FAILED", "RECOVERED")
    assert record["Waves"][0]["EndTime"] >= second["EndTime"] > first["EndTime"]


@pytest.mark.parametrize(("boot", "looks"), [(0, 1), (25, 2), (290, 11)])
def test_health_is_looked_at_every_thirty_seconds(boot, looks):
    world, record = run(wave(1, [server(1)]), world=World(boot_seconds=boot))
    times = world.times(CheckInstances)
    assert len(times) == looks
    assert {round((b - a).total_seconds()) for a, b in itertools.pairwise(times)} <= {30}
    assert record["Waves"][0]["ServerResults"][0]["HealthStatus"] == "running"


def test_the_eleventh_look_at_five_minutes_is_the_last():
    world, record = run(wave(1, [server(1)]), world=World(never_boots={server(1)}))
    times = world.times(CheckInstances)
    assert len(times) == 11
    assert round((times[-1] - times[0]).total_seconds()) == 300
    result = record["Waves"][0]["ServerResults"][0]
    assert result["Status"] == "FAILED"
    assert "'pending'" in result["ErrorMessage"]


def test_a_timeout_that_is_no_multiple_of_the_interval_has_its_last_look_at_the_timeout():
    check = {"Enabled": True, "TimeoutSeconds": 70, "IntervalSeconds": 30}
    world, _ = run(wave(1, [server(1)], HealthCheck=check), world=World(never_boots={server(1)}))
    first, *rest = world.times(CheckInstances)
    assert [round((time - first).total_seconds()) for time in rest] == [30, 60, 70]


def test_a_wave_without_health_check_looks_at_no_instance():
    world, record = run(wave(1, [server(1)], HealthCheck={"Enabled": False}), world=World(never_boots={server(1)}))
    assert world.times(CheckInstances) == []
    assert record["Waves"][0]["ServerResults"][0]["Status"] == "RECOVERED"


def test_jobs_are_never_polled_more_often_than_every_ten_seconds():
    world, _ = run(wave(1, [server(1), server(2)]), wave(2, [server(3)]))
    times = world.times(PollJobs)
    assert min(b - a for a, b in itertools.pairwise(times)) >= timedelta(seconds=9)


def test_busy_servers_are_waited_for_and_the_record_says_so():
    world = World(busy_times=3)
    world.begin(execution_of(wave(1, [server(1)])))
    record = world.run(until=START + timedelta(seconds=40))
    assert record["Waves"][0]["StatusReason"] == "waiting for DRS: servers are being processed by a Job"
    record = world.run()
    assert record["Status"] == "COMPLETED"
    assert "StatusReason" not in record["Waves"][0]
    assert len(world.jobs) == 1


def test_an_unknown_server_fails_at_once_and_is_named():
    world = World(unknown={server(2)})
    _, record = run(wave(1, [server(1), server(2)]), world=world)
    assert world.launches() == [(server(1),)]
    assert server(2) in record["Errors"][0]["Message"]
    assert len(world.times(FindServers)) == 1


def test_a_drill_launches_no_server_that_was_recovered_for_real_in_the_meantime():
    world = World(recovered={server(2): START + timedelta(seconds=30)})
    _, record = run(wave(1, [server(1)]), wave(2, [server(2), server(3)]), world=world)
    assert world.launches() == [(server(1),), (server(3),)]
    assert "was recovered for real" in record["Errors"][0]["Message"]
    assert world.terminated == {f"i-{server(n)[2:]}" for n in (1, 3)}


def test_a_drill_that_waits_for_a_recovery_to_end_does_not_replace_it_then():
    world = World(busy_times=3, recovered={server(1): START + timedelta(seconds=75)})
    _, record = run(wave(1, [server(1)]), world=world)
    assert world.busy_times == 0
    assert world.jobs == []
    assert record["Waves"][0]["ServerResults"][0]["Status"] == "FAILED"


@pytest.mark.parametrize("execution_type", ExecutionType)
def test_every_launch_follows_a_check_for_recoveries(execution_type):
    world, _ = run(wave(1, [server(1)]), wave(2, [server(2)]), execution_type=execution_type)
    assert len(world.times(FindRecoveries)) == 2


def test_a_recovery_adopts_a_server_that_was_recovered_meanwhile():
    world = World(recovered={server(2): START + timedelta(seconds=30)})
    waves = (wave(1, [server(1)]), wave(2, [server(2), server(3)]))
    _, record = run(*waves, world=world, execution_type=ExecutionType.RECOVERY)
    assert world.launches() == [(server(1),), (server(3),)]
    assert record["Status"] == "COMPLETED"
    adopted, launched = record["Waves"][1]["ServerResults"]
    assert (adopted["Adopted"], adopted["Status"], adopted["HealthChecks"]) == (True, "RECOVERED", 1)
    assert "appeared after this execution started" in adopted["Warning"]
    assert "Adopted" not in launched
    assert world.terminated == set()


def test_an_adopted_server_that_is_not_healthy_fails():
    world = World(recovered={server(1): START - timedelta(days=1)}, never_boots={server(1)})
    _, record = run(wave(1, [server(1)]), world=world, execution_type=ExecutionType.RECOVERY)
    assert (record["Status"], world.jobs) == ("FAILED", [])


def test_only_the_confirmed_instance_is_replaced():
    instance = f"i-{server(1)[2:]}"
    expected = []
    for confirmed in (instance, "i-0000000000000000f"):
        world = World(recovered={server(1): START - timedelta(days=1)})
        execution = execution_of(wave(1, [server(1)]), execution_type=ExecutionType.RECOVERY)
        existing = {server(1): ExistingInstance(server(1), confirmed)}
        decision = ExistingInstances(replacements={server(1): confirmed})
        world.begin(with_decision(execution, decision, existing))
        world.run()
        expected.append([action.expected for _, action in world.jobs])
    assert expected == [[((server(1), instance),)], []]


def test_a_launch_that_is_refused_fails_its_servers_with_the_message():
    world = World(failing={StartRecovery: [Failed("drs:StartRecovery failed with AccessDeniedException: no")]})
    _, record = run(wave(1, [server(1)]), wave(2, [server(2)]), world=world)
    assert record["Errors"][0]["Message"].endswith("AccessDeniedException: no")
    assert statuses(record) == ["FAILED", "SKIPPED"]


@pytest.mark.parametrize("after_seconds", [1, 300, 630, 700])
def test_a_cancellation_ends_the_execution_within_a_minute(after_seconds):
    world = World()
    when = START + timedelta(seconds=after_seconds)
    _, record = run(wave(1, [server(1)], WaitTimeSeconds=600), wave(2, [server(2)]), world=world, cancel_at=when)
    assert record["Status"] == "CANCELLED"
    assert world.load().end_time - world.load().cancel.time <= timedelta(seconds=60)
    assert record["Waves"][1]["Status"] == "CANCELLED"
    assert world.launches() == [(server(1),)]
    assert world.terminated == {f"i-{server(1)[2:]}"}


def test_the_deadline_fails_what_is_running_and_skips_the_rest():
    _, record = run(wave(1, [server(1)]), wave(2, [server(2)]), TimeoutSeconds=700)
    assert record["Status"] == "FAILED"
    assert "timed out" in record["StatusReason"]
    assert statuses(record) == ["COMPLETED", "FAILED"]
    assert record["DurationSeconds"] == 700


def test_a_drill_is_cleaned_up_and_a_recovery_never_is():
    drill, record = run(wave(1, [server(1), server(2)]))
    assert drill.terminated == {f"i-{server(n)[2:]}" for n in (1, 2)}
    assert record["CleanUp"]["Status"] == "COMPLETED"
    assert record["CleanUp"]["DrsJobIds"]
    for options in ({"execution_type": ExecutionType.RECOVERY}, {"TerminateDrillInstances": False}):
        kept, record = run(wave(1, [server(1)]), **options)
        assert kept.terminated == set()
        assert record["CleanUp"]["Status"] == "SKIPPED"


def test_a_clean_up_that_is_refused_says_so_and_leaves_the_status_alone():
    world = World(failing={TerminateInstances: [Failed("AccessDeniedException")]})
    _, record = run(wave(1, [server(1)]), world=world)
    assert record["Status"] == "COMPLETED"
    assert record["CleanUp"] == {**record["CleanUp"], "Status": "FAILED", "ErrorMessage": "AccessDeniedException"}


def test_a_clean_up_survives_a_bad_minute():
    world = World(failing={TerminateInstances: [Failed("no answer", transient=True)] * 2})
    _, record = run(wave(1, [server(1)]), world=world)
    assert record["CleanUp"]["Status"] == "COMPLETED"
    assert world.terminated
