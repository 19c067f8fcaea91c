"""Releases the leases of an execution that is settled, or whose start was refused."""

from __future__ import annotations

from engine.aws.caller import CallError
from engine.core.state import Execution
from engine.function.wiring import Services


def release(services: Services, execution: Execution, *, withdrawn: bool = False) -> None:
    """Delete the leases that the execution owns. It is no failure if AWS refuses: no start depends on it.

    `withdrawn`: the start was refused, so that its record is deleted already.
    """
    try:
        servers = [server.source_server_id for _, server in with_all_servers(services, execution).servers()]
        services.leases.release(execution.target, execution.execution_id, servers, withdrawn=withdrawn)
    except CallError as error:
        services.log.event("The leases of the servers could not be deleted; they are free anyway", Cause=str(error))


def with_all_servers(services: Services, execution: Execution) -> Execution:
    """The execution with the servers of all its waves."""
    unread = [wave.number for wave in execution.waves if wave.servers is None]
    return services.history.read_servers(execution, unread) if unread else execution
