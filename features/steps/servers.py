"""Given: how servers, jobs and instances behave in DRS and EC2. Simulated AWS only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from behave import given, when
from behave.runner import Context

from features.world import World


def server_behaves(context: Context, name: str, **facts: Any) -> None:
    world: World = context.world
    world.drs.set_launch(world.server_id(name), **facts)


@given('server "{name}" takes {seconds:Duration} to launch')
def server_launch_takes(context: Context, name: str, seconds: int) -> None:
    server_behaves(context, name, launch_seconds=seconds)


@given('the launch of server "{name}" fails with "{reason}"')
def server_launch_fails(context: Context, name: str, reason: str) -> None:
    server_behaves(context, name, fails_with=reason)


@given('the instance of server "{name}" takes {seconds:Duration} to boot')
def instance_boot_takes(context: Context, name: str, seconds: int) -> None:
    server_behaves(context, name, boot_seconds=seconds)


@given('the instance of server "{name}" never gets beyond pending')
def instance_stays_pending(context: Context, name: str) -> None:
    server_behaves(context, name, boot_ends_as="pending")


@given('the instance of server "{name}" is {state} after {seconds:Duration} of booting')
def instance_ends_as(context: Context, name: str, state: str, seconds: int) -> None:
    server_behaves(context, name, boot_seconds=seconds, boot_ends_as=state)


@given('DRS keeps calling the job of server "{name}" {word:Status}')
def job_is_called(context: Context, name: str, word: str) -> None:
    server_behaves(context, name, job_status_word=word, launch_seconds=720)


@given('the plan\'s snapshot of server "{name}" is {seconds:Duration} old')
def snapshot_is_old(context: Context, name: str, seconds: int) -> None:
    world: World = context.world
    server = world.server_id(name)
    pins = [wave.get("RecoverySnapshots", {}) for wave in world.plan["Waves"]]
    snapshot = next(pin[server] for pin in pins if server in pin)
    taken: datetime = world.target.simulator.clock.now() - timedelta(seconds=seconds)
    world.drs.add_snapshot(server, snapshot_id=snapshot, taken_at=taken)
    world.notes["SnapshotTaken"] = taken


@when('server "{name}" disappears from DRS')
def server_disappears(context: Context, name: str) -> None:
    context.world.drs.remove_source_server(context.world.server_id(name))


@given('somebody else recovers server "{name}" at the same time')
def foreign_job(context: Context, name: str) -> None:
    context.world.start_foreign_job(name)


@given('somebody else recovers server "{name}" for real at the same time')
def foreign_recovery(context: Context, name: str) -> None:
    context.world.start_foreign_job(name, for_real=True)


@given('somebody else has recovered server "{name}" for real')
def foreign_recovery_has_ended(context: Context, name: str) -> None:
    context.world.start_foreign_job(name, for_real=True)
    context.world.target.pass_time(900)


@given("DRS takes its usual time")
def usual_time(context: Context) -> None:
    context.world.target.let_launches_take_their_usual_time(list(context.world.servers.values()))


@given("every launch takes {seconds:Duration}")
def launches_take(context: Context, seconds: int) -> None:
    for server in context.world.servers.values():
        context.world.drs.set_launch(server, launch_seconds=seconds)


@given("every launch fails with a reason of {length:d} characters")
def launches_fail_at_length(context: Context, length: int) -> None:
    for server in context.world.servers.values():
        context.world.drs.set_launch(server, fails_with="no capacity ".ljust(length, "x"))


@given('the job of server "{name}" is PENDING for {seconds:Duration}')
def job_is_pending(context: Context, name: str, seconds: int) -> None:
    # A job is pending for at most half of its time.
    context.world.drs.timing.pending = (seconds, seconds)
    server_behaves(context, name, launch_seconds=4 * seconds)


@given('a recovery of server "{name}" has ended')
def recovery_has_ended(context: Context, name: str) -> None:
    world: World = context.world
    world.start_foreign_job(name)
    world.target.pass_time(900)
