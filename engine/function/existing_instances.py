"""Existing instances that an execution or its clean-up terminates.

A start names the drills whose instances DRS terminates for the launches. A drill is refused if DRS launches a server
into an existing EC2 instance, which the clean-up would terminate. DRS launches into instances with a tag of their owner
only (DRS user guide, "Launch into source instance"). So one question for all servers tells whether any launch settings
have to be read; they cost a question for each server. That a termination of the recovery instance ends such an instance
too is a guess, on the safe side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from engine.aws.accounts import RoleNotAssumed
from engine.aws.caller import CallError
from engine.aws.drs import RecoveryService
from engine.core.plan import Plan
from engine.core.protection import ExistingInstance, drill_warnings
from engine.core.state import Execution
from engine.function.plan_loading import CannotStart

# For the launch settings of all servers of a plan; a drill can wait, and the function has five minutes.
_BUDGET = timedelta(minutes=2)
_NAMED = 20


def require_new_instances(
    recovery: RecoveryService, plan: Plan, labels: Mapping[str, str], now: Callable[[], datetime]
) -> None:
    """Refuse a drill whose clean-up would terminate an existing instance. Raises CannotStart, CallError.

    `labels` has the name of each server in messages, by id.
    """
    if not plan.terminate_drill_instances or not recovery.launch_targets():
        return
    end, into = now() + _BUDGET, dict[str, str]()
    for number, server in enumerate(plan.servers):
        if now() >= end:
            left = len(plan.servers) - number
            raise CannotStart([f"plan {plan.plan_id}: there was no time to read the launch settings of {left} servers"])
        if instance := recovery.launch_settings(server).into_instance:
            into[server] = instance
    if into:
        raise CannotStart(
            [
                f"plan {plan.plan_id}: {labels.get(server, server)} is launched into the existing instance {instance}, "
                "which the clean-up would terminate; set TerminateDrillInstances of the plan to false, or remove the "
                "instance from the launch settings of the server"
                for server, instance in into.items()
            ]
        )


def existing_instances(recovery: RecoveryService, execution: Execution) -> str:
    """The instances of the execution that existed before it, as a text of at most 20 ids; "" without one."""
    launched = [server.ec2_instance_id for _, server in execution.servers() if server.ec2_instance_id]
    found = sorted(recovery.launch_targets(launched)) if launched else []
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more


def warnings_of_drills(
    recovery: RecoveryService, drilled: Sequence[ExistingInstance], labels: Mapping[str, str]
) -> tuple[str, ...]:
    """One warning for each drill whose instances the launches replace; its name costs a call, but fails no start."""
    if not drilled:
        return ()
    try:
        executions = recovery.executions_of(sorted({one.job_id for one in drilled if one.job_id}))
    except (CallError, RoleNotAssumed):
        executions = {}
    servers: dict[str | None, list[str]] = {}
    for one in drilled:
        label = labels.get(one.source_server_id, one.source_server_id)
        servers.setdefault(executions.get(one.job_id or ""), []).append(label)
    return drill_warnings(servers)
