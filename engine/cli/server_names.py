"""The servers of an option: an operator may name a server by its host name, as `status` and the report show it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from engine.cli.options import InputError


def ids_of(names: Iterable[str], servers: Iterable[Mapping[str, Any]]) -> list[str]:
    """The id of each named server. `servers`: each with SourceServerId, and HostName if it is known.

    A name that no server has stays as it is: the engine refuses it. Raises InputError if several servers have it.
    """
    known: dict[str, list[str]] = defaultdict(list)
    for server in servers:
        if server.get("HostName"):
            known[server["HostName"]].append(server["SourceServerId"])
    found = []
    for name in names:
        ids = sorted(set(known.get(name, [name])))
        if len(ids) > 1:
            raise InputError(f"{len(ids)} servers have the host name {name}; name one by its id: {', '.join(ids)}")
        found += ids
    return found


def of_record(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The servers of an execution record."""
    return [server for wave in record["Waves"] for server in wave["ServerResults"]]
