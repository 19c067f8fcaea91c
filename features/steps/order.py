"""Then: which waves and servers were launched, in what order, and how far apart."""

from __future__ import annotations

from itertools import pairwise

from behave import then
from behave.runner import Context
from hamcrest import contains_inanyorder, empty, equal_to, greater_than_or_equal_to, has_key, has_length, only_contains

from features.aws_queries import instance_state_of, instant, recovery_jobs, servers_of
from features.matchers import assert_that, lasted, started_after, within
from features.world import World

JOBS = "Looked at the recovery jobs that DRS ran for the execution"
RECORD = "Looked at the times in the execution record"


def launched_in(world: World, wave: int) -> list[str]:
    return [world.server_name(server) for job in recovery_jobs(world, wave) for server in servers_of(job)]


def launched_servers(world: World) -> list[str]:
    return [world.server_name(server) for job in recovery_jobs(world) for server in servers_of(job)]


@then("the waves were launched in the order {order:Numbers}")
def waves_launched_in_order(context: Context, order: list[int]) -> None:
    waves = [int(job["tags"]["drs-engine:Wave"]) for job in recovery_jobs(context.world)]
    assert_that(list(dict.fromkeys(waves)), equal_to(order), JOBS)


@then("each wave started only after the wave before it had ended")
def waves_do_not_overlap(context: Context) -> None:
    waves = context.world.record()["Waves"]
    for earlier, later in pairwise(waves):
        both = f"{RECORD}: wave {later['WaveNumber']} and the wave before it"
        assert_that(later.get("StartTime", ""), greater_than_or_equal_to(earlier.get("EndTime", "never ended")), both)


@then("no server of wave {number:d} was launched")
def no_server_launched(context: Context, number: int) -> None:
    assert_that(launched_in(context.world, number), empty(), JOBS)


@then('server "{name}" was not launched')
def server_not_launched(context: Context, name: str) -> None:
    launched = [server for server in launched_servers(context.world) if server == name]
    assert_that(launched, empty(), JOBS)


@then("{names:Names} were launched once")
def launched_once(context: Context, names: list[str]) -> None:
    assert_that(launched_servers(context.world), contains_inanyorder(*names), JOBS)


@then("one recovery job launched {names:Names}")
def one_job_launched(context: Context, names: list[str]) -> None:
    jobs = recovery_jobs(context.world)
    assert_that(jobs, has_length(1), JOBS)
    assert_that([context.world.server_name(one) for one in servers_of(jobs[0])], contains_inanyorder(*names), JOBS)


@then("wave {number:d} was launched by recovery jobs of {sizes:Numbers} servers")
def job_sizes(context: Context, number: int, sizes: list[int]) -> None:
    found = [len(servers_of(job)) for job in recovery_jobs(context.world, number)]
    assert_that(found, contains_inanyorder(*sizes), JOBS)


@then("the recovery jobs of wave {number:d} ran at the same time")
def jobs_overlap(context: Context, number: int) -> None:
    jobs = recovery_jobs(context.world, number)
    last_start = max(job["creationDateTime"] for job in jobs)
    first_end = min(job.get("endDateTime", "still running") for job in jobs)
    assert_that(first_end, greater_than_or_equal_to(last_start), f"{JOBS}: one had ended before another started")


@then("the servers were launched one at a time in the order {names:Names}")
def one_at_a_time(context: Context, names: list[str]) -> None:
    jobs = recovery_jobs(context.world)
    assert_that(
        [launched for job in jobs for launched in servers_of(job)],
        equal_to([context.world.server_id(name) for name in names]),
        JOBS,
    )
    assert_that([len(servers_of(job)) for job in jobs], equal_to([1] * len(names)), JOBS)
    for earlier, later in pairwise(jobs):
        assert_that(
            later["creationDateTime"], greater_than_or_equal_to(earlier.get("endDateTime", "never ended")), JOBS
        )


@then("every server of wave {number:d} is launched and its instance runs")
def wave_is_up(context: Context, number: int) -> None:
    world: World = context.world
    words = {job["jobID"]: job["status"] for job in recovery_jobs(world, number)}
    assert_that(words.values(), only_contains("COMPLETED"), JOBS)
    for result in world.wave(number)["ServerResults"]:
        server_is_up(context, world.server_name(result["SourceServerId"]))


@then('server "{name}" is launched and its instance runs')
def server_is_up(context: Context, name: str) -> None:
    state = instance_state_of(context.world, context.world.server_id(name))
    assert_that(state, equal_to("running"), f"Looked in EC2 at the instance that DRS launched for {name}")


@then("wave {number:d} started {seconds:Duration} after wave {earlier:d} had ended")
def wave_started_after(context: Context, number: int, seconds: int, earlier: int) -> None:
    ended = instant(context.world.wave(earlier)["EndTime"])
    started = instant(context.world.wave(number)["StartTime"])
    assert_that(started, started_after(seconds, ended, context.world.target.slack), RECORD)


@then("wave {number:d} started as soon as wave {earlier:d} had ended")
def wave_started_at_once(context: Context, number: int, earlier: int) -> None:
    wave_started_after(context, number, 0, earlier)


@then("the execution ended as soon as wave {number:d} had ended")
def execution_ended_at_once(context: Context, number: int) -> None:
    ended = instant(context.world.wave(number)["EndTime"])
    finished = instant(context.world.record()["EndTime"])
    assert_that(finished, started_after(0, ended, context.world.target.slack), RECORD)


@then('wave {number:d} ended no earlier than server "{name}"')
def wave_ended_after_server(context: Context, number: int, name: str) -> None:
    ended = context.world.wave(number).get("EndTime", "never ended")
    assert_that(ended, greater_than_or_equal_to(context.world.result(name)["EndTime"]), RECORD)


@then("the execution ended {seconds:Duration} after its start")
def execution_ended_after(context: Context, seconds: int) -> None:
    record = context.world.record()
    ended, started = instant(record["EndTime"]), instant(record["StartTime"])
    assert_that(ended, started_after(seconds, started, context.world.target.slack), RECORD)


@then("the execution took about {seconds:Duration}")
def execution_took_about(context: Context, seconds: int) -> None:
    assert_that(context.world.record()["DurationSeconds"], lasted(seconds, 60), RECORD)


@then("the execution ended within {seconds:Duration} of the cancellation")
def execution_ended_after_cancellation(context: Context, seconds: int) -> None:
    record = context.world.record()
    assert_that(record, has_key("CancelRequest"), "Looked for the cancellation in the execution record")
    gap = instant(record["EndTime"]) - instant(record["CancelRequest"]["Time"])
    assert_that(gap.total_seconds(), within(seconds), RECORD)
