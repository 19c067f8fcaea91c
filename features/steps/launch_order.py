"""Order and time: the waves and servers that DRS launched, and the time between two moments of the record."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any

from behave import then
from behave.runner import Context
from hamcrest import contains_inanyorder, empty, equal_to, has_length

from features.aws_queries import instant, recovery_jobs, servers_of
from features.matchers import assert_that, is_between, lasted, no_later_than, started_after
from features.phrase_values import Gap, Moment, Selection
from features.world import World

JOBS = "Read the recovery jobs of the execution in DRS"
RECORD = "Read the times in the execution record"


def launched_servers(world: World, wave: int | None = None) -> list[str]:
    return [world.server_name(server) for job in recovery_jobs(world, wave) for server in servers_of(job)]


def started(job: dict[str, Any]) -> datetime:
    return instant(job["creationDateTime"])


def ended(job: dict[str, Any]) -> datetime:
    if "endDateTime" not in job:
        raise AssertionError(f"{JOBS}: {job['jobID']} has not ended.")
    return instant(job["endDateTime"])


@then("the waves were launched in the order {order:Numbers}")
def waves_launched_in_order(context: Context, order: list[int]) -> None:
    waves = [int(job["tags"]["drs-engine:Wave"]) for job in recovery_jobs(context.world)]
    assert_that(list(dict.fromkeys(waves)), equal_to(order), JOBS)


@then("DRS launched {selection:Selection}")
def launched(context: Context, selection: Selection) -> None:
    if selection.wave is not None:
        context.world.require_wave(selection.wave)
    found = launched_servers(context.world, selection.wave)
    assert_that(found, contains_inanyorder(*selection.names) if selection.names else empty(), JOBS)


@then("one recovery job launched {names:Names}")
def one_job_launched(context: Context, names: list[str]) -> None:
    jobs = recovery_jobs(context.world)
    assert_that(jobs, has_length(1), JOBS)
    assert_that([context.world.server_name(one) for one in servers_of(jobs[0])], contains_inanyorder(*names), JOBS)


@then("wave {number:d} was launched by simultaneous recovery jobs of {sizes:Numbers} servers")
def job_sizes(context: Context, number: int, sizes: list[int]) -> None:
    jobs = recovery_jobs(context.world, number)
    assert_that([len(servers_of(job)) for job in jobs], contains_inanyorder(*sizes), JOBS)
    last_start, first_end = max(map(started, jobs)), min(map(ended, jobs))
    assert_that(last_start, no_later_than(first_end), f"{JOBS}: start of the last one, before the first one ended")


@then("the servers were launched one at a time in the order {names:Names}")
def one_at_a_time(context: Context, names: list[str]) -> None:
    jobs = recovery_jobs(context.world)
    assert_that(launched_servers(context.world), equal_to(names), JOBS)
    assert_that([len(servers_of(job)) for job in jobs], equal_to([1] * len(names)), JOBS)
    for earlier, later in pairwise(jobs):
        assert_that(ended(earlier), no_later_than(started(later)), f"{JOBS}: end of {earlier['jobID']}")


@then("{later:Moment} {gap:Gap} after {earlier:Moment}")
def moments_apart(context: Context, later: Moment, gap: Gap, earlier: Moment) -> None:
    world: World = context.world
    begin, end = moment_of(world, earlier), moment_of(world, later)
    where = f"{RECORD}: {later.part} {later.event}, {earlier.part} {earlier.event}"
    if gap.kind == "exactly":
        assert_that(end, started_after(gap.seconds, begin, world.target.slack), where)
    else:
        seconds = (end - begin).total_seconds()
        # "About" allows for the minute in which an event reaches the engine.
        wanted = is_between(0, gap.seconds) if gap.kind == "at most" else lasted(gap.seconds, 60)
        assert_that(seconds, wanted, where)


def moment_of(world: World, moment: Moment) -> datetime:
    """When it happened, by the record. Raises AssertionError if the record does not say."""
    if moment.part.startswith("wave"):
        part = world.wave(int(moment.part.split()[1]))
    elif moment.part.startswith("server"):
        part = world.result(moment.part.split('"')[1])
    else:
        part = world.record()
    if moment.event == "was cancelled":
        found = part.get("CancelRequest", {}).get("Time")
    else:
        found = part.get({"started": "StartTime", "ended": "EndTime"}[moment.event])
    if found is None:
        raise AssertionError(f"The record has no time for: {moment.part} {moment.event}.")
    return instant(found)
