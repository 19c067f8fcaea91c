"""The behaviour of servers, jobs and instances in DRS and EC2. Simulated AWS only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from behave import given, when
from behave.runner import Context

from features.world import World

# Longer than any job of another user takes.
FOREIGN_JOB_SECONDS = 900


def server_behaves(context: Context, name: str, **facts: Any) -> None:
    world: World = context.world
    world.drs.set_launch(world.arrange(name), **facts)


def every_server_behaves(context: Context, **facts: Any) -> None:
    world: World = context.world
    for server in world.servers.values():
        world.drs.set_launch(server, **facts)


@given("{servers:Servers} takes {seconds:Duration} to launch")
def launch_takes(context: Context, servers: str, seconds: int) -> None:
    if servers:
        server_behaves(context, servers, launch_seconds=seconds)
    else:
        every_server_behaves(context, launch_seconds=seconds)


@given("DRS takes its usual time")
def usual_time(context: Context) -> None:
    context.world.target.let_launches_take_their_usual_time(list(context.world.servers.values()))


@given('the launch of server "{name}" fails with "{reason}"')
def server_launch_fails(context: Context, name: str, reason: str) -> None:
    server_behaves(context, name, fails_with=reason)


@given('the job of server "{name}" ends with the launch status {status:Status}')
def launch_ends_as(context: Context, name: str, status: str) -> None:
    """The instance was launched and terminated before the job ended."""
    server_behaves(context, name, launch_ends_as=status, boot_seconds=0, boot_ends_as="terminated")


@given("every launch fails with a reason of {length:d} characters")
def launches_fail_at_length(context: Context, length: int) -> None:
    every_server_behaves(context, fails_with="no capacity ".ljust(length, "x"))


@given('the instance of server "{name}" takes {seconds:Duration} to boot')
def instance_boot_takes(context: Context, name: str, seconds: int) -> None:
    server_behaves(context, name, boot_seconds=seconds)


@given('the instance of server "{name}" stays pending')
def instance_stays_pending(context: Context, name: str) -> None:
    server_behaves(context, name, boot_ends_as="pending")


@given('the instance of server "{name}" is {state} after {seconds:Duration} of booting')
def instance_ends_as(context: Context, name: str, state: str, seconds: int) -> None:
    server_behaves(context, name, boot_seconds=seconds, boot_ends_as=state)


@given('the job of server "{name}" is {status:Status} for {seconds:Duration}')
def job_keeps_status(context: Context, name: str, status: str, seconds: int) -> None:
    if status == "PENDING":
        # A simulated job is pending for at most half of the time of each of its servers.
        context.world.drs.timing.pending = (seconds, seconds)
        launch_takes(context, "", 4 * seconds)
    else:
        server_behaves(context, name, job_status_word=status, launch_seconds=seconds)


@given('the plan\'s snapshot of server "{name}" is {seconds:Duration} old')
def snapshot_is_old(context: Context, name: str, seconds: int) -> None:
    world: World = context.world
    server = world.server_id(name)
    pins = [wave.get("RecoverySnapshots", {}) for wave in world.plan["Waves"]]
    snapshot = next(pin[server] for pin in pins if server in pin)
    taken = world.target.simulator.clock.now() - timedelta(seconds=seconds)
    world.drs.add_snapshot(server, snapshot_id=snapshot, taken_at=taken)


@given('another user\'s {run:Run} of server "{name}" is in progress')
def foreign_job(context: Context, run: str, name: str) -> None:
    context.world.start_foreign_job(name, run)


@given('another user\'s {run:Run} of server "{name}" has ended')
def foreign_job_has_ended(context: Context, run: str, name: str) -> None:
    context.world.start_foreign_job(name, run)
    context.world.target.pass_time(FOREIGN_JOB_SECONDS)


@when('another user\'s {run:Run} of server "{name}" replaces its instance')
def foreign_job_replaces(context: Context, run: str, name: str) -> None:
    context.world.start_foreign_job(name, run)
    context.world.target.pass_time(FOREIGN_JOB_SECONDS)


@when('the instance of server "{name}" becomes {state}')
def instance_becomes(context: Context, name: str, state: str) -> None:
    context.world.drs.instance_becomes(context.world.server_id(name), state)


@when('server "{name}" disappears from DRS')
def server_disappears(context: Context, name: str) -> None:
    context.world.drs.remove_source_server(context.world.server_id(name))
