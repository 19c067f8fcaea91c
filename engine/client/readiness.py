"""The facts about the readiness of a plan: asked of the engine's function, single servers in parallel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.core.chunks import chunks
from engine.core.document import timestamp
from engine.core.readiness import Snapshot

Document = dict[str, Any]
Invoke = Callable[[Mapping[str, Any]], Document]

# One invocation inspects so many servers; so many invocations run at the same time.
SLICE = 25
PARALLEL = 8
# After this time in seconds no further servers are inspected.
BUDGET_SECONDS = 60.0
_NAMED = 10


@dataclass(frozen=True)
class Chosen:
    """The snapshots as of a point in time by server, and the servers without one."""

    snapshots: Mapping[str, Snapshot]
    without: tuple[str, ...]
    host_names: Mapping[str, str]

    @property
    def spread_seconds(self) -> int:
        """From the oldest to the newest chosen snapshot."""
        times = [snapshot.time for snapshot in self.snapshots.values()]
        return int((max(times) - min(times)).total_seconds()) if times else 0

    def with_given(self, given: Mapping[str, str]) -> tuple[dict[str, str], str]:
        """The snapshots of a start, in which those `given` by server go first; and the servers without one."""
        missing = [server for server in self.without if server not in given]
        named = ", ".join(f"{self.host_names.get(one, one)} ({one})" for one in missing[:_NAMED])
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        return {server: one.snapshot_id for server, one in self.snapshots.items()} | dict(given), named + more


def inspect(invoke: Invoke, plan_id: str, servers: Sequence[str], as_of: datetime | None = None) -> dict[str, Document]:
    """The single facts of each server that could be asked for in time, by server id."""
    begun = time.monotonic()

    def ask(some: list[str]) -> dict[str, Document]:
        if time.monotonic() - begun > BUDGET_SECONDS:
            return {}
        event: Document = {"Action": "inspect", "PlanId": plan_id, "SourceServerIds": some}
        answer = invoke(event | ({"AsOf": timestamp(as_of)} if as_of else {}))
        found: dict[str, Document] = answer.get("Servers", {})
        left = [server for server in some if server not in found]
        # The function stops when its time is over; an error of DRS would meet the other servers as well.
        return found | (ask(left) if found and left and "Error" not in answer else {})

    slices = list(chunks(servers, SLICE))
    return {server: facts for found in _each(ask, slices) for server, facts in found.items()}


def _each(ask: Callable[[list[str]], dict[str, Document]], slices: list[list[str]]) -> Iterator[dict[str, Document]]:
    if len(slices) < 2:
        yield from map(ask, slices)
        return
    with ThreadPoolExecutor(PARALLEL) as pool:
        yield from pool.map(ask, slices)


def chosen(facts: Document, single: Mapping[str, Document]) -> Chosen:
    """The snapshot of each server of the plan; a server that was not asked about counts as without one."""
    servers = [server["SourceServerId"] for server in facts["Servers"]]
    found = {
        server: Snapshot(single[server]["SnapshotId"], datetime.fromisoformat(single[server]["SnapshotTime"]))
        for server in servers
        if "SnapshotId" in single.get(server, {})
    }
    names = {server["SourceServerId"]: server["HostName"] for server in facts["Servers"] if "HostName" in server}
    return Chosen(found, tuple(server for server in servers if server not in found), names)
